# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""How fast frames go by, and how long each takes."""

import time
from collections import deque
from statistics import median

WINDOW = 30
"""Frames that a figure is taken over."""


class RateMeter:
    """Frame rate and latency of the last frames."""

    def __init__(self) -> None:
        self.frames = 0
        """Counted so far."""
        self.invalid = 0
        """Of these, how many were damaged on their way."""
        self.start = time.monotonic()
        self._moments: deque[float] = deque(maxlen=WINDOW)
        self._latencies: deque[float] = deque(maxlen=WINDOW)

    def begin(self) -> None:
        """The beginning is now."""
        self.start = time.monotonic()

    def count(self, latency: float, valid: bool) -> None:
        """Note a frame whose answer has come just now, ``latency`` seconds after it was sent."""
        self.frames += 1
        self.invalid += not valid
        self._moments.append(time.monotonic())
        self._latencies.append(latency)

    @property
    def rate(self) -> float:
        """Frames a second, 0 before the second frame."""
        if len(self._moments) < 2:
            return 0.0
        return (len(self._moments) - 1) / max(1e-9, self._moments[-1] - self._moments[0])

    @property
    def latency(self) -> float:
        """The median, in seconds; 0 before the first frame."""
        return median(self._latencies) if self._latencies else 0.0

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self.start
