# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The accelerator as a device: frames in, scores out, computed by its Verilated hardware."""

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
"""Cycles that are simulated between two reports of progress."""
TIMEOUT_FACTOR = 4
"""Multiples of the predicted cycles, beyond the pipeline's filling, after which a frame is given up."""


@dataclass(frozen=True, eq=False)
class FrameResult:
    """What the hardware says of one frame."""

    scores: NDArray[np.int64]
    """In the order of the classes."""
    cycles: int
    """From the last score of the frame before (for the first frame, from reset) to its own last score."""
    busy: tuple[int, ...]
    """For each part of each engine, in how many of these cycles its lanes began a multiplication."""


class Simulator:
    """The Verilated accelerator of a model; a context manager.

    Parameters
    ----------
    model: what to build
    lanes: multipliers in all, or a plan of the model
    progress: the progress callback

    Raises FirebrickError when a tool is missing, and from ``run`` when the hardware gives no result in time.
    """

    def __init__(self, model: Model, *, lanes: int | Plan, progress: Progress = no_progress) -> None:
        self._model = model
        self._progress = progress
        built = build(model, lanes, self._progress)
        self.report: dict[str, Any] = built.report
        """The plan: engines, lanes and predicted cycles."""
        self._parts = sum(engine["parts"] for engine in self.report["engines"])
        self._library = ctypes.CDLL(str(built.library))
        self._library.bench_open.restype = ctypes.c_void_p
        with chdir(built.folder):  # where the ROM files are
            self._bench: ctypes.c_void_p | None = ctypes.c_void_p(self._library.bench_open())
        self._cycle = 0
        self._streaming = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Free the simulation; a second call does nothing."""
        if self._bench is not None:
            self._library.bench_close(self._bench)
            self._bench = None

    def run(self, frames: NDArray[np.uint8]) -> list[FrameResult]:
        """The results of frames, bytes of shape (n, channels, rows, columns), which are streamed one right behind the other."""
        return list(self.stream(frames))

    def stream(self, frames: NDArray[np.uint8]) -> Iterator[FrameResult]:
        """The results of frames one by one, each as soon as its last score is there.

        Later frames are in the pipeline by then: whoever stops asking before the last result must close the simulator.
        """
        check_frames(frames, self._model.network.input)
        if self._bench is None:
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
        """Run until the next frame's scores are complete."""
        if self._bench is None:
            raise FirebrickError("the simulator was closed before all results were taken; open a new one")
        classes = self._model.network.classes
        scores = (ctypes.c_uint32 * classes)()
        busy = (ctypes.c_uint64 * self._parts)()
        taken, cycle = ctypes.c_uint64(0), ctypes.c_uint64(0)
        predicted = int(self.report["cycles_per_frame"])
        start, limit = self._cycle, (TIMEOUT_FACTOR + len(self.report["engines"])) * predicted + CYCLES_PER_CALL
        while True:
            done = self._library.bench_run(
                self._bench,
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
                got = f"{taken.value} of {classes} scores in {spent:,} cycles"
                raise FirebrickError(f"the hardware gave {got}; that is a fault of the hardware")
        if taken.value != classes:
            raise FirebrickError(f"the hardware gave {taken.value} scores for {classes} classes; that is a fault of the hardware")
        self._progress("simulating", (number + 1) * predicted, total * predicted)
        return FrameResult(np.array(scores, np.int64), self._cycle - start, tuple(busy))
