# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What carries bytes to a device and back."""

from abc import ABC, abstractmethod


class Transport(ABC):
    """A way for bytes, which may damage, lose, repeat and delay them.

    Its clock is that of the device where that is simulated, so that a slow simulation looks no different from a fast board.
    """

    address: str
    """What users call it."""
    latency: float
    """Seconds from the last byte of a question to the first one of its answer, at most, where nothing else is on the way."""
    byte_seconds: float
    """Seconds that a byte takes."""
    bauds: tuple[int, ...] = ()
    """Rates in bits a second that may be agreed on, best first; none where there is nothing to agree on."""

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Send bytes. Raises FirebrickError when the device is gone."""

    @abstractmethod
    def read(self, seconds: float) -> bytes:
        """Bytes as soon as there are any; none after so many seconds. Raises FirebrickError when the device is gone."""

    @abstractmethod
    def now(self) -> float:
        """Seconds since some time in the past."""

    @abstractmethod
    def close(self) -> None:
        """Let the device go; a second call does nothing."""

    def set_baud(self, _baud: int) -> bool:
        """Send and listen at another rate from now on, when all that was written is sent; whether this side can."""
        return False

    def reset_baud(self) -> None:  # noqa: B027 - most have none
        """Make the device and this side go back to the first rate; nothing where there is no rate."""
