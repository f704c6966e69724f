# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What a model says of one image."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .sw.errors import FirebrickError
from .sw.golden.top_k import ClassScore, top_k
from .sw.model.quantized import Model


@dataclass(frozen=True, eq=False)
class Prediction:
    """The classes of one image, the best first.

    Examples:
        >>> [prediction] = firebrick.load("digits").classify(numpy.zeros((1, 8, 8), numpy.uint8))
        >>> prediction.frame, len(prediction.top), prediction.top[0]["label"] == prediction.label
        (0, 5, True)
    """

    frame: int
    """Index of the image among those given, from 0."""
    image: str | None
    """Its file as it was given; of streamed folders and videos the name of file or frame; None for arrays and Pillow images."""
    scores: NDArray[np.int64] | None = field(repr=False)
    """The integer scores, shape (classes,), in the order of the classes; None if the frame was damaged on the link to a board."""
    top: tuple[ClassScore, ...]
    """The best classes: dictionaries with ``index``, ``label`` and ``probability`` (0 to 1); empty without scores."""
    seconds: float
    """Time from handing the frame to the device until its scores were complete."""

    @property
    def index(self) -> int:
        """Index of the best class. Raises FirebrickError if the frame was damaged."""
        return self._best["index"]

    @property
    def label(self) -> str:
        """Name of the best class. Raises FirebrickError if the frame was damaged."""
        return self._best["label"]

    @property
    def probability(self) -> float:
        """Probability of the best class, 0 to 1: the softmax of the scores. Raises FirebrickError if the frame was damaged."""
        return self._best["probability"]

    @property
    def _best(self) -> ClassScore:
        if not self.top:
            raise FirebrickError(f"frame {self.frame} was damaged on the link and has no scores; check `scores` first")
        return self.top[0]


def predict(model: Model, frame: int, image: str | None, scores: NDArray[np.int64] | None, top: int, seconds: float) -> Prediction:
    """The prediction that the scores of a frame make; of fewer than ``top`` classes all are listed."""
    best = () if scores is None else tuple(top_k(model, scores, min(top, model.network.classes)))
    return Prediction(frame, image, scores, best, seconds)
