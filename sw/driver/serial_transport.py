# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Serial ports: a board's UART, usually behind a USB adapter."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import serial

from ..errors import FirebrickError
from ..link.carriers import BAUDS, BITS_PER_BYTE
from ..link.packets import DEFAULT_BAUD
from .transport import Transport

LATENCY = 0.02
"""Seconds: adapters buffer bytes for up to 16 ms by default, and the operating system adds some."""
WRITE_TIMEOUT = 2.0
"""Seconds after which a port that accepts no bytes counts as dead."""
BREAK_BYTES = 4
"""Zero bytes that make a break: one would do, but the first may be cut by bits that are still on the line."""


class SerialTransport(Transport):
    """A serial port: 8 data bits, no parity, 1 stop bit, no handshake lines.

    Parameters
    ----------
    port: name of the port, such as /dev/ttyUSB0 or COM3

    Raises FirebrickError where the port cannot be opened or another program has it.
    """

    latency = LATENCY
    bauds: tuple[int, ...] = BAUDS
    _advice = (
        "check its name (`firebrick devices` lists the ports), that you may use it (on Linux, group dialout) and that no other program does"
    )

    def __init__(self, port: str) -> None:
        self.address = f"serial:{port}"
        self.byte_seconds = BITS_PER_BYTE / DEFAULT_BAUD
        try:
            self._port = self._open(port)
        except (OSError, ValueError) as error:  # pyserial's own exceptions are OSErrors
            raise FirebrickError(f"device {self.address}: it cannot be opened ({error}); {self._advice}") from error

    def _open(self, port: str) -> Any:
        opened = serial.Serial(port, DEFAULT_BAUD, timeout=0, write_timeout=WRITE_TIMEOUT, exclusive=True)
        with contextlib.suppress(Exception):  # only some adapters on some systems can be told not to buffer
            opened.set_low_latency_mode(True)
        return opened

    def write(self, data: bytes) -> None:
        """See ``Transport``."""
        with self._device_lost():
            self._port.write(data)

    def read(self, timeout: float) -> bytes:
        """See ``Transport``."""
        with self._device_lost():
            self._port.timeout = timeout
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
        with self._device_lost():
            self._port.flush()
            time.sleep(self.latency)  # an adapter may report too early that all bytes are sent
            try:
                self._port.baudrate = baud
            except (OSError, ValueError):
                return False
        self.byte_seconds = BITS_PER_BYTE / baud
        return True

    def reset_baud(self) -> None:
        """See ``Transport``: a break, zero bytes at the default rate, resets the device's rate."""
        with self._device_lost():
            self._port.baudrate = DEFAULT_BAUD
            self.byte_seconds = BITS_PER_BYTE / DEFAULT_BAUD
            self._port.write(bytes(BREAK_BYTES))
            self._port.flush()
            time.sleep(self.latency)
            self._port.reset_input_buffer()

    @contextlib.contextmanager
    def _device_lost(self) -> Iterator[None]:
        """Turn the failure of an open port into a message: the device is gone."""
        try:
            yield
        except (OSError, TypeError) as error:  # TypeError: pyserial uses None for the handle of a port that the system closed
            raise FirebrickError(f"device {self.address}: it was lost ({error}); check its cable and its power, and start again") from error
