# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""How well models do beside the float network that they were made from, on pictures that the calibration did not use."""

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


@dataclass(frozen=True)
class FidelityMetrics:
    """Shares are from 0 to 1; standard errors are those of a share of so many pictures; None without labels."""

    images: int
    labelled: int
    """Pictures whose class is known, over which top-1 and top-5 are counted."""
    top1: float | None
    top5: float | None
    top1_error: float | None
    """Standard error of top-1."""
    agreement: float
    """Share of pictures whose likeliest class is the float network's."""
    agreement_error: float
    """Standard error of the agreement."""
    kl_divergence: float
    """Of the float network's probabilities to these, in nats: the mean over the pictures."""

    def as_dict(self) -> dict[str, Any]:
        """The metrics under the keys that they have in JSON and CSV files."""
        keys = {"images": "pictures", "kl_divergence": "relative_entropy"}
        return {keys.get(name, name): value for name, value in asdict(self).items()}


class FidelityEvaluator:
    """Pictures, the class of each, or -1, if labels are given, and what the float network says of them (found when first needed)."""

    def __init__(
        self, source: FloatModel, pictures: Sequence[Path], labels: Sequence[int] | None = None, progress: Progress = no_progress
    ) -> None:
        self.source, self.images, self.progress = source, list(pictures), progress
        self.labels = np.array(labels if labels is not None else [-1] * len(self.images))
        if len(self.labels) != len(self.images):
            raise FirebrickError(f"labels must be {len(self.images)}, one a picture, not {len(self.labels)}")

    @cached_property
    def frames(self) -> NDArray[np.uint8]:
        """The pictures as the network's input, (n, 3, rows, columns)."""
        return read_images(self.images, self.source.preprocessing, self.source.network.input)

    @cached_property
    def float_scores(self) -> Scores:
        """The float network's scores before softmax, (n, classes)."""
        return np.concatenate([floating.run(self.source, batch).astype(np.float64) for batch in self._batches("judging the float network")])

    def evaluate_float(self) -> FidelityMetrics:
        """Of the float network itself."""
        return self._judgement(self.float_scores)

    def evaluate(self, model: Model) -> FidelityMetrics:
        """Of a model, in the golden model; it must see the pictures as the float network does."""
        ours, theirs = model.network, self.source.network
        if (ours.input, ours.classes, model.preprocessing) != (theirs.input, theirs.classes, self.source.preprocessing):
            raise FirebrickError(f"a model of {ours.name} has other pictures or classes than {theirs.name}; judge it beside its own source")
        scores = [golden.run(model, batch) * model.score_scale for batch in self._batches("judging")]
        return self._judgement(np.concatenate(scores))

    def _batches(self, what: str) -> Iterator[NDArray[np.uint8]]:
        for start in range(0, len(self.frames), _BATCH):
            self.progress(what, start, len(self.frames))
            yield self.frames[start : start + _BATCH]
        self.progress(what, len(self.frames), len(self.frames))

    def _judgement(self, scores: Scores) -> FidelityMetrics:
        best = np.argsort(-scores, axis=1, kind="stable")[:, :5]  # of equal scores the lower index counts as the better
        agreement = float((best[:, 0] == self.float_scores.argmax(axis=1)).mean())
        wanted, found = _log_softmax(self.float_scores), _log_softmax(scores)
        known = self.labels >= 0
        labelled = int(known.sum())
        right = best[known] == self.labels[known, None]
        top1, top5 = (float(right[:, :k].any(axis=1).mean()) if labelled else None for k in (1, 5))
        return FidelityMetrics(
            len(scores),
            labelled,
            top1,
            top5,
            None if top1 is None else standard_error(top1, labelled),
            agreement,
            standard_error(agreement, len(scores)),
            float((np.exp(wanted) * (wanted - found)).sum(axis=1).mean()),
        )


def standard_error(share: float, count: int) -> float:
    """Of a share of ``count`` independent pictures (binomial)."""
    return float(np.sqrt(share * (1 - share) / count))


def _log_softmax(scores: Scores) -> Scores:
    moved = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(moved - np.log(np.exp(moved).sum(axis=1, keepdims=True)))
