# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From integer scores to probabilities and the top-k classes."""

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from ..errors import FirebrickError
from ..model.quantized import Model


class ClassScore(TypedDict):
    """A class and the probability that the image shows it."""

    index: int
    label: str
    probability: float


def probabilities(model: Model, scores: NDArray[np.int64]) -> NDArray[np.float64]:
    """Softmax of integer scores, shape (..., classes), scaled to the float network's; each row sums to 1.

    Raises FirebrickError unless the scores are integers, one for each class.
    """
    if not np.issubdtype(scores.dtype, np.integer) or scores.shape[-1:] != (model.network.classes,):
        raise FirebrickError(f"scores must be {model.network.classes} integers a frame, not {scores.dtype} {scores.shape}")
    exponentials = np.exp((scores - scores.max(axis=-1, keepdims=True)) * model.score_scale)  # at most 1, so none overflows
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True))


def top_k(model: Model, scores: NDArray[np.int64], k: int = 5) -> list[ClassScore]:
    """The ``k`` classes of one frame with the highest scores, best first; of equal scores the lower index comes first.

    Raises FirebrickError unless there is one score for each class and k is 1 to the number of classes.
    """
    if scores.ndim != 1 or not 1 <= k <= model.network.classes:
        raise FirebrickError(f"top {k} needs the scores of one frame and k from 1 to {model.network.classes}")
    chances = probabilities(model, scores)
    best = np.argsort(-scores, kind="stable")[:k]
    return [ClassScore(index=int(index), label=model.labels[index], probability=float(chances[index])) for index in best]
