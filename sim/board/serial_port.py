# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The serial line of a simulated board, as a transport of the host driver: every bit of it passes the board's pins."""

from ...sw.driver.transport import Transport
from ...sw.link.carriers import BAUDS, BITS_PER_BYTE
from ...sw.link.packets import DEFAULT_BAUD
from ..virtual_board import LATENCY_CYCLES
from .simulation import BoardSimulation

SLICE_BYTES = 2
"""Byte times that are simulated between two looks at what has come."""
LATENCY_BYTES = 128
"""Of a reply that may still be on the line when a request comes."""
BREAK_BYTES = 4
"""Zero bytes at the default rate, which reset the board's; the first may be cut by bits that are still on the line."""


class BoardSerialPort(Transport):
    """Carries bytes to and from a simulated board. Time is the board's; it passes only while this waits for something.

    Parameters
    ----------
    board: closed with this
    """

    bauds: tuple[int, ...] = BAUDS

    def __init__(self, board: BoardSimulation) -> None:
        self._board = board
        self.address = "sim"
        self._set_rate(DEFAULT_BAUD)

    def write(self, data: bytes) -> None:
        """See ``Transport``."""
        self._board.send(data)

    def read(self, timeout: float) -> bytes:
        """See ``Transport``; seconds of the board's clock."""
        end = self._board.now + timeout
        while not (data := self._board.receive()) and self._board.now < end:
            self._board.run(min(SLICE_BYTES * self.byte_seconds, end - self._board.now))
        return data

    def now(self) -> float:
        """See ``Transport``; seconds of the board's clock."""
        return self._board.now

    def set_baud(self, baud: int) -> bool:
        """See ``Transport``."""
        self._flush()
        self._set_rate(baud)
        return True

    def reset_baud(self) -> None:
        """See ``Transport``."""
        self._set_rate(DEFAULT_BAUD)
        self._board.send(bytes(BREAK_BYTES))
        self._flush()
        self._board.receive()

    def close(self) -> None:
        """See ``Transport``."""
        self._board.close()

    def _flush(self) -> None:
        """Simulate until all is sent, and what was under way has come."""
        while self._board.unsent:
            self._board.run(self.byte_seconds)
        self._board.run(self.latency)

    def _set_rate(self, baud: int) -> None:
        self._board.set_baud(baud)
        self.byte_seconds = BITS_PER_BYTE / baud
        self.latency = LATENCY_CYCLES / self._board.clock + LATENCY_BYTES * self.byte_seconds
