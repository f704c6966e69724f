# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The virtual board: the Verilated device with its link, as a transport of the host driver."""

import ctypes
from contextlib import chdir

from ..sw.driver.transport import Transport
from ..sw.errors import FirebrickError
from ..sw.model.quantized import Model
from ..sw.utils.progress import Progress, no_progress
from .build import VIRTUAL_BOARD, SimulationTarget, build

MAX_SLICE_CYCLES = 50_000
"""Cycles that are simulated in one call of the library, so that Python can be interrupted."""
MAX_PACKET_BYTES = 4096
"""Bytes that one call of the library can return."""
LATENCY_CYCLES = 3000
"""Cycles from the last byte of a request to the first of its answer: a reply before it may still be composed and sent."""


class VirtualBoard(Transport):
    """Carries bytes to and from the simulated device, as a cable would. Time is the device's clock; it passes only during ``read``.

    Parameters
    ----------
    model: the model to build a device for
    lanes: multipliers of the whole network
    byte_cycles: cycles that the line takes for a byte; 1 is a line as fast as the device
    target: the device to generate, such as one with another clock
    progress: reports the build

    Raises FirebrickError when a tool is missing.
    """

    def __init__(
        self, model: Model, *, lanes: int, byte_cycles: int = 1, target: SimulationTarget = VIRTUAL_BOARD, progress: Progress = no_progress
    ) -> None:
        built = build(model, lanes, progress, target)
        self.address = "sim"
        self.clock: float = built.report["clock"]
        """Clock frequency in Hz."""
        self.cycle = 0
        """Cycles simulated so far."""
        self.byte_seconds = byte_cycles / self.clock
        self.latency = LATENCY_CYCLES / self.clock + 128 * self.byte_seconds
        self._byte_cycles = byte_cycles
        self._unsent = bytearray()
        self._out = ctypes.create_string_buffer(MAX_PACKET_BYTES)
        self._library = ctypes.CDLL(str(built.library))
        self._library.board_open.restype = ctypes.c_void_p
        self._library.board_run.restype = ctypes.c_uint64
        with chdir(built.folder):  # where the ROM files are
            self._board: ctypes.c_void_p | None = ctypes.c_void_p(self._library.board_open())

    def write(self, data: bytes) -> None:
        """See ``Transport``."""
        self._unsent += data

    def read(self, timeout: float) -> bytes:
        """See ``Transport``; seconds of the device's clock."""
        end = self.cycle + max(1, round(timeout * self.clock))
        while self.cycle < end:
            if data := self._run(min(MAX_SLICE_CYCLES, end - self.cycle)):
                return data
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
        """Simulate until the device has sent a packet, at most for the given number of cycles; returns its bytes."""
        if self._board is None:
            raise FirebrickError("the virtual board is closed; open a new one")
        consumed, produced = ctypes.c_uint64(0), ctypes.c_uint64(0)
        self.cycle = self._library.board_run(
            self._board,
            bytes(self._unsent),
            ctypes.c_uint64(len(self._unsent)),
            ctypes.byref(consumed),
            self._out,
            ctypes.c_uint64(MAX_PACKET_BYTES),
            ctypes.byref(produced),
            ctypes.c_uint64(self._byte_cycles),
            ctypes.c_uint64(cycles),
        )
        del self._unsent[: consumed.value]
        return self._out.raw[: produced.value]
