# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A board behind a pseudo-terminal, which a program opens like a serial port."""

import os
import pty
import select
import threading
import tty
from types import TracebackType
from typing import Self

from ..sw.driver.transport import Transport

SLICE_BYTE_TIMES = 20_000
"""Time that the board runs before the terminal is checked for bytes again, in times of a byte on its line."""
CHUNK = 4096
"""Bytes that are read from the terminal at once."""


class PseudoTerminal:
    """Carries bytes between a terminal and a board in a thread; a context manager.

    Parameters
    ----------
    board: the board; closed with the terminal
    """

    def __init__(self, board: Transport) -> None:
        self._board = board
        self._board_end, self._program_end = pty.openpty()
        tty.setraw(self._program_end)
        self.port = os.ttyname(self._program_end)
        """Name of the port for programs."""
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Remove the terminal, as if the cable were unplugged; a second call does nothing."""
        if not self._closed.is_set():
            self._closed.set()
            self._thread.join()
            os.close(self._program_end)
            os.close(self._board_end)
            self._board.close()

    def _run(self) -> None:
        while not self._closed.is_set():
            while select.select([self._board_end], [], [], 0)[0]:
                self._board.write(os.read(self._board_end, CHUNK))
            if data := self._board.read(SLICE_BYTE_TIMES * self._board.byte_seconds):
                os.write(self._board_end, data)
