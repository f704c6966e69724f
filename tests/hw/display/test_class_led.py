# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The LEDs of a chosen class, in Amaranth's simulator, compared with the specification."""

from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator
from numpy.typing import NDArray

from firebrick.hw.display.frame_summary import FrameSummary
from firebrick.hw.display.share_divider import ShareDivider
from firebrick.sw.display.probabilities import IntegerSoftmax
from firebrick.sw.display.settings import DisplaySettings
from tests.helpers.displays import global_sum
from tests.helpers.parameters import slow_unless

SECOND = 5_000
"""Cycles of the clock in a second."""
SETTLED = 2 * ShareDivider.CYCLES + 40
"""Cycles after which the newest frame has been compared, even if it has come during the division of another."""

SURE = 1000
"""A percentage that makes a class as likely as it can be."""


def near_threshold(rng: np.random.Generator, classes: int, led_class: int, percent: int, scale: float) -> NDArray[np.int64]:
    """Scores of which the chosen class has about as many percent, with the others alike: with many of them it is none of the five best."""
    others = rng.normal(0, 0.05, classes)
    share = np.clip(percent / 100 * rng.choice([0.5, 0.97, 0.99, 1.01, 1.03, 1.5]), 0.001, 0.98)
    others[led_class] = np.log(share / (1 - share) * np.exp(np.delete(others, led_class)).sum())
    if percent <= 100 and rng.random() < 0.5:  # some that are likelier
        others[(led_class + 1 + np.arange(min(6, classes - 1))) % classes] = others[led_class] + 0.01
    return np.clip(np.rint(others / scale), -30_000, 30_000).astype(np.int64)


@pytest.mark.parametrize("seed", slow_unless(range(2), range(16)))
def test_leds_are_lit_while_the_chosen_class_is_as_likely_as_asked(seed: int) -> None:
    """At any rank; after good frames, bad ones and frames that come during a division; not without frames or without a camera."""
    rng = np.random.default_rng(seed)
    classes = int(rng.choice([2, 7, 40]))
    led_class, percent = int(rng.integers(classes)), int(rng.choice([1, 3, 8, 16, 50, 90]))
    spec = global_sum(classes, 200, 100)  # scores with a sign
    settings = DisplaySettings("net", ("x",) * classes, 0.003, led_class, percent)
    softmax = IntegerSoftmax(settings.score_scale)
    dut = FrameSummary(settings=settings, global_sum=spec, frequency=SECOND)
    seen: list[tuple[int, bool]] = []
    whole: list[int] = []

    async def send(ctx: Any, frame: NDArray[np.int64], good: bool) -> None:
        for place, score in enumerate(frame.tolist()):
            ctx.set(dut.score.score, score)
            ctx.set(dut.score.last, place == classes - 1)
            ctx.set(dut.frame_good, good)
            ctx.set(dut.score_taken, 1)
            await ctx.tick()
        ctx.set(dut.score_taken, 0)

    async def process(ctx: Any) -> None:
        ctx.set(dut.camera_found, 1)
        await send(ctx, near_threshold(rng, classes, led_class, SURE, 0.003), good=False)
        await ctx.tick().repeat(SETTLED)
        assert not ctx.get(dut.led)  # nothing good has come yet
        for _ in range(3):
            for _ in range(int(rng.integers(1, 4))):
                frame, good = near_threshold(rng, classes, led_class, percent, 0.003), bool(rng.random() < 0.8)
                await send(ctx, frame, good)
                whole.extend([softmax.share(frame, led_class).tenths] * good)
                for _ in range(int(rng.choice([0, 1, 5, 300]))):
                    await ctx.tick()
            await ctx.tick().repeat(SETTLED)
            seen.append((ctx.get(dut.led), bool(whole) and whole[-1] >= 10 * percent))
        ctx.set(dut.camera_found, 0)
        await ctx.tick().repeat(2)
        assert not ctx.get(dut.led)
        ctx.set(dut.camera_found, 1)
        await send(ctx, near_threshold(rng, classes, led_class, SURE, 0.003), good=True)
        await ctx.tick().repeat(SETTLED)
        assert ctx.get(dut.led)
        await ctx.tick().repeat(2 * SECOND)
        assert not ctx.get(dut.led)  # no frame for a second

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(process)
    simulator.run()
    assert [bool(led) for led, _ in seen] == [expected for _, expected in seen]


def test_threshold_itself_lights_the_leds_and_of_frames_during_a_division_the_newest_counts() -> None:
    """Four classes: alike they have 25.0 % each, which is enough; a little less is not. The third of three frames is compared last."""
    enough, short = np.zeros(4, np.int64), np.array([0, -4, 0, 0])
    settings = DisplaySettings("net", ("x",) * 4, 0.003, led_class=1, led_percent=25)
    softmax = IntegerSoftmax(settings.score_scale)
    assert [softmax.share(frame, 1).tenths for frame in (enough, short)] == [250, 248]
    dut = FrameSummary(settings=settings, global_sum=global_sum(4, 200, 100), frequency=20 * SECOND)
    seen = []

    async def process(ctx: Any) -> None:
        ctx.set(dut.camera_found, 1)
        ctx.set(dut.frame_good, 1)
        for frames in ([enough], [short], [enough, enough, short], [short, short, enough]):
            for frame in frames:
                for place, score in enumerate(frame.tolist()):
                    ctx.set(dut.score.score, score)
                    ctx.set(dut.score.last, place == 3)
                    ctx.set(dut.score_taken, 1)
                    await ctx.tick()
                ctx.set(dut.score_taken, 0)
                await ctx.tick().repeat(20)
            await ctx.tick().repeat(SETTLED)
            seen.append(ctx.get(dut.led))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(process)
    simulator.run()
    assert seen == [1, 0, 0, 1]
