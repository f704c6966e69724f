# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The interface of every transport: it carries bytes to a device and back."""

from abc import ABC, abstractmethod


class Transport(ABC):
    """A path for bytes that may damage, lose, repeat and delay them.

    Its clock is that of the device where the device is simulated: a slow simulation then behaves as a fast board does.
    """

    address: str
    """The address by which users know the device."""
    latency: float
    """Maximum seconds from the last byte of a request to the first byte of its answer on an otherwise idle line."""
    byte_seconds: float
    """Seconds per byte."""
    bauds: tuple[int, ...] = ()
    """Baud rates to negotiate, best first; empty where the transport has a fixed rate."""

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Send bytes. Raises FirebrickError when the device is gone."""

    @abstractmethod
    def read(self, timeout: float) -> bytes:
        """Bytes as soon as any arrive; none after ``timeout`` seconds. Raises FirebrickError when the device is gone."""

    @abstractmethod
    def now(self) -> float:
        """Seconds since an arbitrary time in the past."""

    @abstractmethod
    def close(self) -> None:
        """Release the device; a second call does nothing."""

    def set_baud(self, _baud: int) -> bool:
        """Wait until all written bytes are sent, then change this side's baud rate; returns whether it can.

        Raises FirebrickError when the device is gone.
        """
        return False

    def reset_baud(self) -> None:  # noqa: B027 - most have none
        """Set the device and this side to the default baud rate; does nothing where the rate is fixed.

        Raises FirebrickError when the device is gone.
        """
