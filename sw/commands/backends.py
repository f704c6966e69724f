# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The two ways from frames to scores that a command offers: the golden model and the simulated hardware."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import golden
from ..classify import Guess, top
from ..model import Model

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Result:
    """What a backend says of one frame."""

    scores: NDArray[np.int64]
    cycles: int | None
    """From one frame's result to the next; None for the golden model."""


def classify(backend: str, model: Model, frames: NDArray[np.uint8], *, lanes: int, progress: Progress) -> list[Result]:
    """The result of each frame, shape (n, channels, rows, columns), from the backend ``golden`` or ``sim``."""
    if backend == "sim":
        from firebrick.sim.device import Simulator

        with Simulator(model, lanes=lanes, progress=progress) as simulator:
            return [Result(result.scores, result.cycles) for result in simulator.run(frames)]
    results = []
    for index in range(len(frames)):
        progress("golden model", index, len(frames))
        results.append(Result(golden.run(model, frames[index : index + 1])[0], None))
    progress("golden model", len(frames), len(frames))
    return results


def top5(model: Model, scores: NDArray[np.int64]) -> list[Guess]:
    """The five likeliest classes, or all where there are fewer, best first."""
    return top(model, scores, min(5, model.network.classes))
