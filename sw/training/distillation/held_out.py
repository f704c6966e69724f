# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Evaluation of an integer model on held-out pictures while it is trained, exactly as the hardware computes."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ...model.quantized import Model
from ...utils.progress import Progress
from .gradual_task import HeldOutMetrics
from .picture_set import PictureSet
from .student_teacher import Student
from .teachers import Teachers
from .views import centre_frames

_BATCH = 32
_FLOAT32_BITS = 24
"""Accumulators of so many bits, sign included, and what they are before the bias is added, are exact in float32."""


class HeldOut:
    """Held-out pictures with the teachers' probabilities, which are computed once.

    Args:
        pictures: the pictures.
        labels: class index of each, or -1; None for none.
        teachers: the teachers.
        device: to compute on.
    """

    def __init__(self, pictures: PictureSet, labels: Sequence[int] | None, teachers: Teachers, device: torch.device) -> None:
        self.device = device
        self.frames = torch.from_numpy(centre_frames(pictures))
        self.labels = torch.tensor(labels if labels is not None else [-1] * len(pictures))
        self.targets = torch.cat([teachers(batch)[0].cpu() for batch in self._batches()])

    def evaluate(self, model: Model) -> HeldOutMetrics:
        """The metrics of a model. Its scores are the golden model's, as floats hold all of its sums."""
        student = Student(model, exact_dtype(model)).to(self.device)
        with torch.no_grad():
            logs = torch.cat([functional.log_softmax(student(batch)[0].float(), 1).cpu() for batch in self._batches()])
        return self._metrics(logs)

    def evaluate_teachers(self) -> HeldOutMetrics:
        """The metrics of the teachers themselves."""
        return self._metrics(self.targets.clamp(min=1e-30).log())

    def _metrics(self, logs: Tensor) -> HeldOutMetrics:
        classes, known = logs.argmax(1), self.labels >= 0
        divergence = functional.kl_div(logs, self.targets, reduction="batchmean")
        return HeldOutMetrics(
            len(logs),
            float((classes == self.targets.argmax(1)).float().mean()),
            float(divergence),
            int(known.sum()),
            float((classes == self.labels)[known].float().mean()) if known.any() else None,
        )

    def _batches(self) -> Iterator[Tensor]:
        return (batch.to(self.device).float() for batch in self.frames.split(_BATCH))


def predicted_classes(pictures: PictureSet, teachers: Teachers, device: torch.device, progress: Progress) -> list[int]:
    """The teachers' top-1 class of each picture."""
    classes: list[int] = []
    for start in range(0, len(pictures), _BATCH):
        progress("asking the teachers", start, len(pictures))
        frames = torch.from_numpy(centre_frames(pictures, start, start + _BATCH)).to(device).float()
        classes += teachers(frames)[0].argmax(1).tolist()
    progress("asking the teachers", len(pictures), len(pictures))
    return classes


def exact_dtype(model: Model) -> torch.dtype:
    """The data type in which a student's sums are exact."""
    return torch.float32 if max(layer.accumulator_bits for layer in model.layers.values()) <= _FLOAT32_BITS else torch.float64
