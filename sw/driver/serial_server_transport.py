# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Serial ports of another machine, which a server such as ser2net or an adapter with Ethernet gives access to."""

from typing import Any

import serial

from ..link.carriers import BAUDS
from ..link.packets import DEFAULT_BAUD
from .serial_transport import WRITE_TIMEOUT, SerialTransport

LATENCY = 0.1
"""Seconds: those of the port, of its server, and of a network across some buildings, rounded up."""
READ_SLICE = 0.005
"""Seconds of a call of pyserial's ``read``. Its timeout stays as it is: with RFC 2217, a new one negotiates all settings again."""
CHUNK = 4096
"""Bytes that are read at once."""


class SerialServerTransport(SerialTransport):
    """A serial port behind a server. A plain TCP connection stays at 115,200 bits per second, to which its server must be set.

    Parameters
    ----------
    port: ``socket://HOST:PORT`` or ``rfc2217://HOST:PORT``, with the options that pyserial documents for them

    Raises FirebrickError where the server does not answer or refuses.
    """

    latency = LATENCY
    _advice = "check the host and its port, that its server runs, and that no other program uses the board"

    def _open(self, port: str) -> Any:
        plain = port.startswith("socket:")  # the other, RFC 2217, can set the baud rate
        self.bauds = () if plain else BAUDS
        # RFC 2217 has no timeout for writing; the network's own takes its place.
        return serial.serial_for_url(port, DEFAULT_BAUD, timeout=READ_SLICE, write_timeout=WRITE_TIMEOUT if plain else None)

    def read(self, timeout: float) -> bytes:
        """See ``Transport``."""
        deadline = self.now() + timeout
        with self._device_lost():
            while not (data := self._port.read(1)):
                if self.now() >= deadline:
                    return b""
            while len(data) < CHUNK and (waiting := self._port.in_waiting):
                data += self._port.read(waiting)
        return bytes(data)
