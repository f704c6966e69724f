# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Fidelity of integer models to the float network that they were made from, on held-out images."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import golden
from ..data.images import read_images
from ..errors import FirebrickError
from ..golden import floating
from ..model.float_model import FloatModel
from ..model.quantized import Model
from ..utils.progress import Progress, no_progress

_BATCH = 4

Scores = NDArray[np.float64]

_KEYS = {"images": "pictures", "kl_divergence": "relative_entropy"}
"""Keys of metrics in JSON and CSV files, where they differ from the names here."""


@dataclass(frozen=True)
class FidelityMetrics:
    """Accuracy and agreement as fractions from 0 to 1, with the standard errors of such fractions; accuracy is None without labels."""

    images: int
    labelled: int
    """Images whose class is known, over which top-1 and top-5 accuracy are counted."""
    top1: float | None
    top5: float | None
    top1_error: float | None
    """Standard error of top-1 accuracy."""
    agreement: float
    """Fraction of the images whose top-1 class is the float network's."""
    agreement_error: float
    """Standard error of the agreement."""
    kl_divergence: float
    """KL(float network || model) of the class probabilities, in nats, averaged over the images."""

    def as_dict(self) -> dict[str, Any]:
        """The metrics under the keys that they have in JSON and CSV files."""
        return {_KEYS.get(name, name): value for name, value in asdict(self).items()}


class FidelityEvaluator:
    """Held-out images and the float network's scores for them, which are computed when first needed.

    Args:
        source: the float network.
        images: the held-out images.
        labels: class index of each image, or -1; None for none.
        progress: the progress callback.

    Raises FirebrickError unless there is a label for each image.
    """

    def __init__(
        self, source: FloatModel, images: Sequence[Path], labels: Sequence[int] | None = None, progress: Progress = no_progress
    ) -> None:
        self.source, self.images, self.progress = source, list(images), progress
        self.labels = np.array(labels if labels is not None else [-1] * len(self.images))
        if len(self.labels) != len(self.images):
            raise FirebrickError(f"labels must be {len(self.images)}, one per image, not {len(self.labels)}")

    @cached_property
    def frames(self) -> NDArray[np.uint8]:
        """The images as the network's input, (n, channels, rows, columns)."""
        return read_images(self.images, self.source.preprocessing, self.source.network.input)

    @cached_property
    def float_scores(self) -> Scores:
        """The float network's scores before softmax, (n, classes)."""
        batches = self._batches("evaluating the float network")
        return np.concatenate([floating.run(self.source, batch).astype(np.float64) for batch in batches])

    def evaluate_float(self) -> FidelityMetrics:
        """The metrics of the float network itself."""
        return self._metrics(self.float_scores)

    def evaluate(self, model: Model) -> FidelityMetrics:
        """The metrics of an integer model, in the golden model.

        Raises FirebrickError unless it has the float network's input, preprocessing and number of classes.
        """
        network, source = model.network, self.source.network
        if (network.input, network.classes, model.preprocessing) != (source.input, source.classes, self.source.preprocessing):
            raise FirebrickError(
                f"a model of {network.name} has other images or classes than {source.name}; compare it with its own float network"
            )
        scores = [golden.run(model, batch) * model.score_scale for batch in self._batches("evaluating")]
        return self._metrics(np.concatenate(scores))

    def _batches(self, step: str) -> Iterator[NDArray[np.uint8]]:
        for start in range(0, len(self.frames), _BATCH):
            self.progress(step, start, len(self.frames))
            yield self.frames[start : start + _BATCH]
        self.progress(step, len(self.frames), len(self.frames))

    def _metrics(self, scores: Scores) -> FidelityMetrics:
        ranking = np.argsort(-scores, axis=1, kind="stable")[:, :5]  # of equal scores the lower class index ranks first
        agreement = float((ranking[:, 0] == self.float_scores.argmax(axis=1)).mean())
        float_logs, logs = _log_softmax(self.float_scores), _log_softmax(scores)
        known = self.labels >= 0
        labelled = int(known.sum())
        correct = ranking[known] == self.labels[known, None]
        top1, top5 = (float(correct[:, :k].any(axis=1).mean()) if labelled else None for k in (1, 5))
        return FidelityMetrics(
            images=len(scores),
            labelled=labelled,
            top1=top1,
            top5=top5,
            top1_error=None if top1 is None else standard_error(top1, labelled),
            agreement=agreement,
            agreement_error=standard_error(agreement, len(scores)),
            kl_divergence=float((np.exp(float_logs) * (float_logs - logs)).sum(axis=1).mean()),
        )


def standard_error(fraction: float, count: int) -> float:
    """The standard error of a fraction of ``count`` independent images (binomial): sqrt(p (1 - p) / n)."""
    return float(np.sqrt(fraction * (1 - fraction) / count))


def _log_softmax(scores: Scores) -> Scores:
    shifted = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))
