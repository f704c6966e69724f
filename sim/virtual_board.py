# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The virtual board: the Verilated device, link and all, for the host driver to speak to."""

import ctypes
from contextlib import chdir

from ..sw.driver.transport import Transport
from ..sw.errors import FirebrickError
from ..sw.model.quantized import Model
from ..sw.utils.progress import Progress, no_progress
from .build import VIRTUAL_BOARD, build

MAX_SLICE_CYCLES = 50_000
"""Cycles that are simulated without looking up."""
MAX_PACKET_BYTES = 4096
"""Bytes that are taken from the device at once."""
LATENCY_CYCLES = 3000
"""Cycles from a question's last byte to its answer's first one: those in which a packet before it is composed and sent."""


class VirtualBoard(Transport):
    """The same bytes as would cross a cable, to and from the simulated device, whose clock is the time.

    Time passes only while somebody reads.

    Parameters
    ----------
    model: what to build
    lanes: multipliers in all
    gap: cycles that the line takes for a byte; 1 is a line as fast as the device
    progress: called with what is being built

    Raises FirebrickError when a tool is missing.
    """

    def __init__(self, model: Model, *, lanes: int, gap: int = 1, progress: Progress = no_progress) -> None:
        built = build(model, lanes, progress, VIRTUAL_BOARD)
        self.address = "sim"
        self.clock: float = built.report["clock"]
        """Cycles a second."""
        self.cycle = 0
        """Cycles simulated so far."""
        self.byte_seconds = gap / self.clock
        self.latency = LATENCY_CYCLES / self.clock + 128 * self.byte_seconds
        self._gap = gap
        self._waiting = bytearray()
        self._out = ctypes.create_string_buffer(MAX_PACKET_BYTES)
        self._library = ctypes.CDLL(str(built.library))
        self._library.board_open.restype = ctypes.c_void_p
        self._library.board_run.restype = ctypes.c_uint64
        with chdir(built.folder):  # where the ROM files are
            self._board: ctypes.c_void_p | None = ctypes.c_void_p(self._library.board_open())

    def write(self, data: bytes) -> None:
        """See ``Transport``."""
        self._waiting += data

    def read(self, seconds: float) -> bytes:
        """See ``Transport``; seconds of the device's clock."""
        end = self.cycle + max(1, round(seconds * self.clock))
        while self.cycle < end:
            if found := self._run(min(MAX_SLICE_CYCLES, end - self.cycle)):
                return found
        return b""

    def now(self) -> float:
        """See ``Transport``; seconds of the device's clock."""
        return self.cycle / self.clock

    def close(self) -> None:
        """See ``Transport``."""
        if self._board is not None:
            self._library.board_close(self._board)
            self._board = None

    def _run(self, cycles: int) -> bytes:
        """Simulate until the device has sent a packet, or for so many cycles."""
        if self._board is None:
            raise FirebrickError("the virtual board is closed; open a new one")
        taken, sent = ctypes.c_uint64(0), ctypes.c_uint64(0)
        self.cycle = self._library.board_run(
            self._board,
            bytes(self._waiting),
            ctypes.c_uint64(len(self._waiting)),
            ctypes.byref(taken),
            self._out,
            ctypes.c_uint64(MAX_PACKET_BYTES),
            ctypes.byref(sent),
            ctypes.c_uint64(self._gap),
            ctypes.c_uint64(cycles),
        )
        del self._waiting[: taken.value]
        return self._out.raw[: sent.value]
