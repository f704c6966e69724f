# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What a board's screen must show, from the frames that its accelerator has taken: numbers and states of ``hw/display`` in software."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...sw.display.probabilities import IntegerSoftmax
from ...sw.display.settings import DisplaySettings
from ...sw.display.state import FRAMES_PER_SECOND_MAX, TENTHS_MS_MAX, ScreenState, Status


@dataclass(frozen=True, eq=False)
class TakenFrame:
    """A camera frame that the accelerator has taken; cycles are those of its clock since power-up."""

    started: int
    """The cycle of its first byte."""
    finished: int
    """The cycle of its last score."""
    good: bool
    """It was whole."""
    scores: NDArray[np.int64]
    """Those that it should have."""


def screen_state(frames: Sequence[TakenFrame], cycle: int, clock: float, settings: DisplaySettings) -> ScreenState:
    """The state of a screen whose contents are taken in a cycle.

    ``frames`` are all that have started, in order, ``clock`` is the accelerator's in Hz. No frame is dropped, and there is a camera.
    """
    before = [frame for frame in frames if frame.finished < cycle]
    good = [frame for frame in before if frame.good]
    second = round(clock)
    seconds = [(frame.finished + 1) // second for frame in good]
    rate, current = seconds.count(cycle // second - 1), seconds.count(cycle // second)
    if not good:
        status = Status.WAITING
    elif not before[-1].good:
        status = Status.TORN
    else:
        status = Status.LIVE if rate or current else Status.NO_FRAMES
    shares = IntegerSoftmax(settings.score_scale).shares(good[-1].scores) if good else ()
    return ScreenState(shares, min(rate, FRAMES_PER_SECOND_MAX), _tenths_ms(before, clock), 0, status)


def _tenths_ms(frames: Sequence[TakenFrame], clock: float) -> int:
    """The time of the newest timed frame, in tenths of a millisecond: one that starts while another is timed is not timed itself."""
    tenth = max(1, round(clock / 10_000))
    elapsed, free = 0, -1
    for frame in frames:
        if frame.started > free:
            elapsed, free = (frame.finished - frame.started - 1) // tenth, frame.finished
    return min(elapsed, TENTHS_MS_MAX)
