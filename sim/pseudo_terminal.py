# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A board behind a pseudo-terminal, which a program opens as it would a serial port."""

import os
import pty
import select
import threading
import tty
from types import TracebackType
from typing import Self

from ..sw.driver.transport import Transport

SLICE_BYTE_TIMES = 20_000
"""Byte times, or cycles of a line as fast as the device, that the board goes on for before bytes are looked for again."""
CHUNK = 4096
"""Bytes that are taken from the terminal at once."""


class PseudoTerminal:
    """Carries bytes between a terminal and a board, in a thread of its own; a context manager.

    Parameters
    ----------
    board: closed at the end
    """

    def __init__(self, board: Transport) -> None:
        self._board = board
        self._ours, self._theirs = pty.openpty()
        tty.setraw(self._theirs)
        self.port = os.ttyname(self._theirs)
        """The name to open."""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Take the terminal away, as if the cable were pulled; a second call does nothing."""
        if not self._ended.is_set():
            self._ended.set()
            self._thread.join()
            os.close(self._theirs)
            os.close(self._ours)
            self._board.close()

    def _carry(self) -> None:
        while not self._ended.is_set():
            while select.select([self._ours], [], [], 0)[0]:
                self._board.write(os.read(self._ours, CHUNK))
            if found := self._board.read(SLICE_BYTE_TIMES * self._board.byte_seconds):
                os.write(self._ours, found)
