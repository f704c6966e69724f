# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Timestamps of a video that run on, where those of the file go back or leap, as in joined recordings."""

MAX_GAP = 10.0
"""Seconds from one frame to the next beyond which the timestamps have leapt, unless the frames before were as far apart."""


class Timeline:
    """Seconds since the first frame.

    A timestamp that is missing, goes back or leaps is replaced by that of the frame before plus one frame's duration, and those after it
    follow from there.

    Args:
        step: a frame's duration in seconds, until two frames have shown it.
    """

    def __init__(self, step: float) -> None:
        self._step = step
        self._last: float | None = None  # the timestamp in the file
        self._shown = 0.0

    def next(self, timestamp: float | None) -> float:
        """The time of the next frame, whose timestamp in the file is given in seconds, None where it has none."""
        if self._last is None:
            self._last = timestamp
            return self._shown
        gap = self._step if timestamp is None else timestamp - self._last
        if not 0 <= gap <= max(MAX_GAP, 10 * self._step):
            gap = self._step
        elif gap > 0:
            self._step = gap
        self._last = timestamp if timestamp is not None else self._last + gap
        self._shown += gap
        return self._shown
