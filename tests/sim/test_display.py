# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The whole display in Verilator: its bits, decoded by the monitor, are the rendered pictures, to the pixel."""

from dataclasses import replace

import numpy as np
import pytest

from firebrick.sim.display.monitor import SignalError, decode_screens
from firebrick.sim.display.simulation import SCREEN_CYCLES, DisplaySimulation
from firebrick.sw.display.probabilities import IntegerSoftmax
from firebrick.sw.display.render import render
from firebrick.sw.display.state import ScreenState, Status
from firebrick.sw.display.video_mode import TMDS_HZ
from tests.helpers.displays import global_sum, random_scores, settings

SCREEN = SCREEN_CYCLES / TMDS_HZ
FREQUENCY = 200_000
"""Cycles that the display takes for a second, so that its numbers change within a screen."""
SPEC, SETTINGS = global_sum(), settings()
SOFTMAX = IntegerSoftmax(SETTINGS.score_scale)


def test_screens_are_the_rendered_states_and_a_damaged_bit_is_seen() -> None:
    """Before the first frame; after frames with ties, extremes, classes without a name, long names; a frame that is torn."""
    rng = np.random.default_rng(1)
    named = np.zeros(SPEC.channels, np.int64)
    named[[2, 0, 3, 5, 999]] = 20_000, 20_000, 20_100, 19_000, 20_000  # no name, cut, accents, widest, the last one
    with DisplaySimulation(SETTINGS, SPEC, frequency=FREQUENCY, phases=(3.3e-9, 0.0), stall=0.2) as display:
        display.inputs(dropped=2**20 - 1)
        first = display.run(2.2 * SCREEN)
        state = ScreenState(dropped=999_999)
        assert (decode_screens(first).pictures[0] == render(state, SETTINGS)).all()

        display.send(named)
        display.send(random_scores(rng, SPEC), good=False)
        recording = display.run(2.99 * SCREEN)
        state = replace(state, classes=SOFTMAX.shares(named), status=Status.TORN)
        screens = decode_screens(recording)
        expected = render(replace(state, tenths_ms=state.tenths_ms), SETTINGS)
        ms_cells = np.s_[420:444, 300:420]  # the time depends on the stalls
        shown = screens.pictures[-1].copy()
        shown[ms_cells] = expected[ms_cells]
        assert (shown == expected).all()
        assert not display.led
    assert screens.disparity <= 10

    damaged = recording.copy()
    damaged[len(damaged) // 2] ^= 1
    with pytest.raises(SignalError):
        decode_screens(damaged)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_screen_shows_one_frame_whole_whatever_the_phases_of_the_clocks(seed: int) -> None:
    """While frames pass without pause, each screen's classes and bars are those of one of them."""
    rng = np.random.default_rng(seed)
    frames = [random_scores(rng, SPEC) for _ in range(40)]
    clock = float(rng.uniform(20e6, 110e6))
    phases = (float(rng.uniform(0, 1 / clock)), float(rng.choice([0, rng.uniform(0, 40e-9)])))
    with DisplaySimulation(SETTINGS, SPEC, frequency=FREQUENCY, clock=clock, phases=phases, stall=0.95, seed=seed) as display:
        for frame in frames:
            display.send(frame)
        screens = decode_screens(display.run(4.5 * SCREEN))
    classes = np.s_[12 + 2 * 24 : 12 + 16 * 24]
    rendered = [render(ScreenState(SOFTMAX.shares(frame)), SETTINGS)[classes] for frame in frames]
    rendered.append(render(ScreenState(), SETTINGS)[classes])
    for picture in screens.pictures:
        assert any((picture[classes] == candidate).all() for candidate in rendered)
