# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Frame rate and latency of a running stream."""

import time
from collections import deque
from statistics import median

WINDOW = 30
"""Number of frames that rate and latency are measured over."""


class RateMeter:
    """Measures the frame rate and latency of the last ``WINDOW`` frames."""

    def __init__(self) -> None:
        self.frames = 0
        """Frames counted so far."""
        self.invalid = 0
        """Number of these that were damaged on the link."""
        self.start = time.monotonic()
        self._arrivals: deque[float] = deque(maxlen=WINDOW)
        self._latencies: deque[float] = deque(maxlen=WINDOW)

    def begin(self) -> None:
        """Restart the clock of ``seconds``."""
        self.start = time.monotonic()

    def count(self, latency: float, valid: bool) -> None:
        """Count a frame whose scores have just arrived, ``latency`` seconds after it was sent."""
        self.frames += 1
        self.invalid += not valid
        self._arrivals.append(time.monotonic())
        self._latencies.append(latency)

    @property
    def rate(self) -> float:
        """Frames per second; 0 before the second frame."""
        if len(self._arrivals) < 2:
            return 0.0
        return (len(self._arrivals) - 1) / max(1e-9, self._arrivals[-1] - self._arrivals[0])

    @property
    def latency(self) -> float:
        """Median latency in seconds; 0 before the first frame."""
        return median(self._latencies) if self._latencies else 0.0

    @property
    def seconds(self) -> float:
        """Seconds since ``begin``."""
        return time.monotonic() - self.start
