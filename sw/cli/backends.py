# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The two backends that compute scores for a command: the golden model and the simulated hardware."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import golden
from ..golden.top_k import ClassScore, top_k
from ..model.quantized import Model
from ..utils.progress import Progress


@dataclass(frozen=True, eq=False)
class BackendResult:
    """Scores of one frame, and the time that they took."""

    scores: NDArray[np.int64]
    cycles: int | None
    """Clock cycles since the previous frame's result, or since reset; None for the golden model."""
    seconds: float
    """Time to compute this frame, without setup for all frames."""


def classify(backend: str, model: Model, frames: NDArray[np.uint8], *, lanes: int, progress: Progress) -> list[BackendResult]:
    """The result of each frame, shape (n, channels, rows, columns), from the backend ``golden`` or ``sim``."""
    if backend == "golden":
        return list(_timed(_golden(model, frames, progress)))
    from firebrick.sim.accelerator_sim import Simulator

    with Simulator(model, lanes=lanes, progress=progress) as simulator:
        return list(_timed((result.scores, result.cycles) for result in simulator.stream(frames)))


def _golden(model: Model, frames: NDArray[np.uint8], progress: Progress) -> Iterator[tuple[NDArray[np.int64], None]]:
    for index in range(len(frames)):
        progress("golden model", index, len(frames))
        yield golden.run(model, frames[index : index + 1])[0], None
    progress("golden model", len(frames), len(frames))


def _timed(results: Iterator[tuple[NDArray[np.int64], int | None]]) -> Iterator[BackendResult]:
    start = time.perf_counter()
    for scores, cycles in results:
        end = time.perf_counter()
        yield BackendResult(scores, cycles, end - start)
        start = end


def top5(model: Model, scores: NDArray[np.int64]) -> list[ClassScore]:
    """The top-5 classes, or all where there are fewer, best first."""
    return top_k(model, scores, min(5, model.network.classes))
