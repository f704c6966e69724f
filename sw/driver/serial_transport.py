# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Serial lines: a board's UART, most often behind a USB adapter."""

import contextlib
import time
from collections.abc import Iterator

import serial

from ..errors import FirebrickError
from ..link.packets import DEFAULT_BAUD
from .transport import Transport

BITS_PER_BYTE = 10
"""Bits on the line for a byte."""
BAUDS = (3_000_000, 2_000_000, 1_500_000, 1_000_000, 921_600, 460_800, 230_400)
"""Rates that are tried, best first; each at least twice ``DEFAULT_BAUD``, so that a zero byte at that one stands out (docs/protocol.md)."""
LATENCY = 0.02
"""Seconds that adapters keep bytes: 16 ms where they are not told otherwise, and what the system takes."""
WRITE_TIMEOUT = 2.0
"""Seconds after which a line that takes no bytes is dead."""


class SerialTransport(Transport):
    """A serial port, 8 bits, no parity, 1 stop bit, without handshake lines.

    Parameters
    ----------
    port: its name, such as /dev/ttyUSB0 or COM3

    Raises FirebrickError where it cannot be opened, or another program has it.
    """

    def __init__(self, port: str) -> None:
        self.address = f"serial:{port}"
        self.latency = LATENCY
        self.byte_seconds = BITS_PER_BYTE / DEFAULT_BAUD
        self.bauds = BAUDS
        try:
            self._port = serial.Serial(port, DEFAULT_BAUD, timeout=0, write_timeout=WRITE_TIMEOUT, exclusive=True)
        except (OSError, ValueError) as error:  # serial's own exceptions are OSErrors
            raise FirebrickError(
                f"device {self.address}: it cannot be opened ({error}); check its name (`firebrick devices` lists those there are), "
                "that you may use it (on Linux, group dialout) and that no other program does"
            ) from error
        with contextlib.suppress(Exception):  # only some adapters on some systems keep no bytes
            self._port.set_low_latency_mode(True)

    def write(self, data: bytes) -> None:
        """See ``Transport``."""
        with self._lost():
            self._port.write(data)

    def read(self, seconds: float) -> bytes:
        """See ``Transport``."""
        with self._lost():
            self._port.timeout = seconds
            data: bytes = self._port.read(1)
            return data + self._port.read(self._port.in_waiting) if data else b""

    def now(self) -> float:
        """See ``Transport``."""
        return time.monotonic()

    def close(self) -> None:
        """See ``Transport``."""
        with contextlib.suppress(OSError):
            self._port.close()

    def set_baud(self, baud: int) -> bool:
        """See ``Transport``."""
        with self._lost():
            self._port.flush()
            time.sleep(self.latency)  # an adapter may say too early that all is sent
            try:
                self._port.baudrate = baud
            except (OSError, ValueError):
                return False
        self.byte_seconds = BITS_PER_BYTE / baud
        return True

    def reset_baud(self) -> None:
        """See ``Transport``: a zero byte at the first rate is what makes the device go back to it."""
        with self._lost():
            self._port.baudrate = DEFAULT_BAUD
            self.byte_seconds = BITS_PER_BYTE / DEFAULT_BAUD
            self._port.write(bytes(4))
            self._port.flush()
            time.sleep(self.latency)
            self._port.reset_input_buffer()

    @contextlib.contextmanager
    def _lost(self) -> Iterator[None]:
        """A port that fails while it is used is a device that is gone."""
        try:
            yield
        except (OSError, TypeError) as error:  # a port closed by the system has no handle, which pyserial takes for a TypeError
            raise FirebrickError(f"device {self.address}: it was lost ({error}); check its cable and its power, and start again") from error
