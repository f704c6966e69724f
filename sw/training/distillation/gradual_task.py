# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A gradual distillation: what to train on what, and what came out."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ...fire_format.file import encode_model
from ...model.float_model import FloatModel
from ...model.quantized import Model
from .compression_goal import CompressionGoal
from .config import GradualConfig
from .picture_set import PictureSet
from .student_teacher import LayerLimits


@dataclass(frozen=True)
class HeldOutMetrics:
    """How good a model is on the held-out pictures; fractions from 0 to 1."""

    pictures: int
    agreement: float
    """Of the pictures whose top-1 class is the teachers'."""
    kl_divergence: float
    """KL(teachers || model) of the class probabilities, in nats."""
    labelled: int = 0
    top1: float | None = None
    """Accuracy on the labelled pictures; None without any."""

    @property
    def rank(self) -> tuple[float, float]:
        """What the best model has the maximum of: top-1 accuracy where there are labels, else agreement; of equals, less divergence."""
        return (self.agreement if self.top1 is None else self.top1), -self.kl_divergence

    def describe(self) -> str:
        """The metrics as text."""
        top1 = "" if self.top1 is None else f"top-1 {self.top1:.1%} of {self.labelled:,} labelled, "
        return f"{top1}{self.agreement:.1%} of {self.pictures:,} held-out pictures as the teachers"

    def as_dict(self) -> dict[str, float | int | None]:
        """The metrics as a JSON-serialisable document."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class GradualTask:
    """What to train, and on what."""

    start: Model
    goal: CompressionGoal
    source: FloatModel
    teachers: Sequence[FloatModel]
    """Further teachers, beside the source."""
    pictures: PictureSet
    held_out: PictureSet
    config: GradualConfig
    labels: Sequence[int] | None = None
    """Class index of each picture, or -1; None for none."""
    held_out_labels: Sequence[int] | None = None
    limits: LayerLimits | None = None
    """Of each layer's integers, see `Student`."""

    def digest(self, teachers: str) -> str:
        """A digest of everything that determines the result, given that of the teachers."""
        digest = hashlib.sha256(encode_model(self.start))
        goal = [self.goal.bytes, dict(self.goal.densities), dict(self.goal.prices)]
        context = [goal, teachers, self.pictures.sha256, self.held_out.sha256, self.config, self.labels, self.held_out_labels]
        digest.update(repr(context).encode())
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class GradualResult:
    """The trained model and how it came about."""

    model: Model
    best: HeldOutMetrics
    best_step: int
    teachers: HeldOutMetrics
    """The teachers' own metrics."""
    curve: list[dict[str, Any]] = field(default_factory=list)
    """An entry for each evaluation: step, loss, agreement on the views, density, multiplier, bytes, and the held-out metrics."""
    seconds: float = 0.0
    """Of training, all runs together."""
