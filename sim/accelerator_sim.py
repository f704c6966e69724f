# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The simulated accelerator: frames in, scores out, computed by its Verilated hardware."""

import ctypes
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..sw.errors import FirebrickError
from ..sw.model.frames import check_frames
from ..sw.model.quantized import Model
from ..sw.plan.nodes import Plan
from ..sw.utils.progress import Progress, no_progress
from .build import build

CYCLES_PER_CALL = 50_000
"""Cycles that the library simulates in one call, between two progress messages."""
TIMEOUT_FACTOR = 4
"""Multiples of the predicted cycles after which a frame has timed out, besides one per engine for filling the pipeline."""


@dataclass(frozen=True, eq=False)
class FrameResult:
    """The hardware's results for one frame."""

    scores: NDArray[np.int64]
    """The raw scores, by class."""
    cycles: int
    """The interval from the last score of the previous frame, or from reset, to the last score of this one."""
    busy: tuple[int, ...]
    """For each partition of each engine, the number of these cycles in which its lanes started a multiplication."""


class Simulator:
    """The Verilated accelerator of a model; a context manager.

    Parameters
    ----------
    model: what to build
    lanes: the total number of multipliers, or a plan of the model
    progress: the progress callback

    Raises FirebrickError when a tool is missing, and from ``run`` when the hardware returns no result in time.
    """

    def __init__(self, model: Model, *, lanes: int | Plan, progress: Progress = no_progress) -> None:
        self._model = model
        self._progress = progress
        simulation = build(model, lanes, self._progress)
        self.report: dict[str, Any] = simulation.report
        """The plan: engines, lanes and predicted cycles."""
        self._partitions = sum(engine["parts"] for engine in self.report["engines"])
        self._library = ctypes.CDLL(str(simulation.library))
        self._library.simulation_open.restype = ctypes.c_void_p
        with chdir(simulation.folder):  # where the ROM files are
            self._simulation: ctypes.c_void_p | None = ctypes.c_void_p(self._library.simulation_open())
        self._cycle = 0
        self._streaming = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Free the simulation; a second call does nothing."""
        if self._simulation is not None:
            self._library.simulation_close(self._simulation)
            self._simulation = None

    def run(self, frames: NDArray[np.uint8]) -> list[FrameResult]:
        """The results of frames, bytes of shape (n, channels, rows, columns), streamed back to back."""
        return list(self.stream(frames))

    def stream(self, frames: NDArray[np.uint8]) -> Iterator[FrameResult]:
        """Iterate over the results of frames, each available with its last score.

        Later frames are in the pipeline by then. So a caller who stops before the last result must close the simulator.
        """
        check_frames(frames, self._model.network.input, self._model.preprocessing)
        if self._simulation is None:
            raise FirebrickError("the simulator is closed; open a new one")
        if self._streaming:
            raise FirebrickError("the simulator is in the middle of other frames; ask for all their results first, or open a new one")
        self._streaming = True
        data = np.ascontiguousarray(frames.transpose(0, 2, 3, 1)).reshape(-1)
        sent = ctypes.c_uint64(0)
        for number in range(len(frames)):
            yield self._frame(data, sent, number, len(frames))
        self._streaming = False

    def _frame(self, data: NDArray[np.uint8], sent: ctypes.c_uint64, number: int, total: int) -> FrameResult:
        """Simulate until the next frame's scores are complete."""
        if self._simulation is None:
            raise FirebrickError("the simulator was closed before all results were taken; open a new one")
        classes = self._model.network.classes
        scores = (ctypes.c_uint32 * classes)()
        busy = (ctypes.c_uint64 * self._partitions)()
        taken, cycle = ctypes.c_uint64(0), ctypes.c_uint64(0)
        predicted = int(self.report["cycles_per_frame"])
        start, limit = self._cycle, (TIMEOUT_FACTOR + len(self.report["engines"])) * predicted + CYCLES_PER_CALL
        while True:
            done = self._library.simulation_run(
                self._simulation,
                data.ctypes.data_as(ctypes.c_void_p),
                ctypes.c_uint64(data.size),
                ctypes.byref(sent),
                scores,
                ctypes.byref(taken),
                ctypes.c_uint64(classes),
                busy,
                ctypes.c_uint64(CYCLES_PER_CALL),
                ctypes.byref(cycle),
            )
            self._cycle = cycle.value
            spent = self._cycle - start
            self._progress("simulating", number * predicted + min(spent, predicted - 1), total * predicted)
            if done:
                break
            if spent > limit:
                received = f"{taken.value} of {classes} scores in {spent:,} cycles"
                raise FirebrickError(f"the hardware returned {received}; this is a hardware bug")
        if taken.value != classes:
            raise FirebrickError(f"the hardware returned {taken.value} scores for {classes} classes; this is a hardware bug")
        self._progress("simulating", (number + 1) * predicted, total * predicted)
        return FrameResult(self._signed(np.array(scores, np.int64)), self._cycle - start, tuple(busy))

    def _signed(self, payloads: NDArray[np.int64]) -> NDArray[np.int64]:
        """Scores from the bits of their payloads, which are in two's complement where scores may be negative."""
        bits = int(self.report["score_bits"])
        return payloads - (payloads >> (bits - 1) << bits) if self.report["score_signed"] else payloads
