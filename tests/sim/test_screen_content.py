# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The software model of a screen's numbers and states against the hardware that counts them, frames overlapping at random."""

from collections import deque
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from firebrick.hw.display.frame_rate import FrameRate
from firebrick.sim.board.screen_content import TakenFrame, screen_state
from firebrick.sw.display.settings import DisplaySettings
from firebrick.sw.display.state import Status

SECOND = 700
SETTINGS = DisplaySettings("tiny", ("a", "b"), 0.01)
SCORES = np.array([3, 200], np.int64)


@pytest.mark.parametrize("seed", range(3))
def test_rate_and_times_are_those_of_the_hardware(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rate = FrameRate(frequency=SECOND)
    cycles = 6 * SECOND
    starts = np.sort(rng.choice(np.arange(10, cycles), 60, replace=False)).tolist()
    starts = [start for start in starts if not 3 * SECOND <= start < 5 * SECOND]  # a second without frames
    frames: list[TakenFrame] = []
    for start in starts:
        finished = max(start + int(rng.integers(1, 80)), frames[-1].finished + 1 if frames else 0)
        good = bool(rng.random() < 0.8) or start == [early for early in starts if early < 3 * SECOND][-1]
        frames.append(TakenFrame(start, finished, good, SCORES))
    hardware: list[tuple[int, int, int]] = []

    async def testbench(ctx: Any) -> None:
        waiting = deque(frames)
        for cycle in range(cycles):
            ends = bool(waiting) and waiting[0].finished == cycle
            ctx.set(rate.started, cycle in starts)
            ctx.set(rate.finished, ends)
            ctx.set(rate.good, ends and waiting[0].good)
            hardware.append((ctx.get(rate.frames_per_second), ctx.get(rate.tenths_ms), ctx.get(rate.stalled)))
            if ends:
                waiting.popleft()
            await ctx.tick()

    simulator = Simulator(rate)
    simulator.add_clock(1e-3)
    simulator.add_testbench(testbench)
    simulator.run()
    states = [screen_state(frames, cycle, SECOND, SETTINGS) for cycle in range(cycles)]
    assert [(state.frames_per_second, state.tenths_ms) for state in states] == [values[:2] for values in hardware]
    for before, values in zip(states, hardware[1:], strict=False):  # `stalled` is a register behind its counters
        if before.status in (Status.LIVE, Status.NO_FRAMES):
            assert values[2] == (before.status == Status.NO_FRAMES)
    assert {state.status for state in states} == {Status.WAITING, Status.TORN, Status.NO_FRAMES, Status.LIVE}
