# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What a screen shows at one time."""

from dataclasses import dataclass
from enum import IntEnum

from .probabilities import ClassShare

FRAMES_PER_SECOND_MAX = 999
TENTHS_MS_MAX = 99_999
DROPPED_MAX = 999_999
"""Larger numbers are shown as these."""


class Status(IntEnum):
    """The state line: the first that is true, in this order."""

    NO_CAMERA = 0
    """The camera does not answer."""
    WAITING = 1
    """No whole frame has come since power-up."""
    TORN = 2
    """The newest frame was not whole; what is shown is of the one before."""
    NO_FRAMES = 3
    """No frame has come in the last second."""
    LIVE = 4


STATUS_TEXT = ("no camera", "waiting", "frame torn", "no frames", "live")
"""The state line of each status."""


@dataclass(frozen=True)
class ScreenState:
    """What a screen shows."""

    classes: tuple[ClassShare, ...] = ()
    """The likeliest classes, best first; none before the first frame."""
    frames_per_second: int = 0
    tenths_ms: int = 0
    """From a frame's first byte to its last score, in tenths of a millisecond."""
    dropped: int = 0
    """Frames that were not taken."""
    status: Status = Status.WAITING
