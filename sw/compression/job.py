# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From a float network to a trained model: quantise within a budget, then distil; what is done survives an interruption."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..data.calibration_set import photographs
from ..errors import FirebrickError
from ..fire_format.file import encode_model, read_fire
from ..model.float_model import FloatModel
from ..model.quantized import Model
from ..training.distillation import DistillationConfig, check_torch
from ..utils.atomic_files import write_atomically
from ..utils.progress import Progress, no_progress
from .compressor import CompressionSettings, Compressor
from .rate_control import Budget, compress_to_budget

_ROOM = 0.99
"""Share of a budget to start training with: trained codes are a little less even."""


@dataclass(frozen=True, eq=False)
class CompressionJob:
    """What is wanted of a float network."""

    settings: CompressionSettings = field(default_factory=CompressionSettings)
    budget: Budget | None = None
    """None to pay the settings' prices."""
    images: Sequence[Path] = ()
    """To measure and to train on; without any, the photographs of scikit-image."""
    distillation: DistillationConfig | None = None
    """None not to train."""
    labels: Sequence[int] | None = None
    """Class index of each picture, or -1; None where there are none."""


class JobFiles:
    """The files beside an output that keep what is done until all is: the model to start training from, and the training."""

    def __init__(self, output: Path) -> None:
        self.quantized = output.with_name(f"{output.name}.start")
        self.checkpoint = output.with_name(f"{output.name}.training")

    def clear(self) -> None:
        """Remove them."""
        self.quantized.unlink(missing_ok=True)
        self.checkpoint.unlink(missing_ok=True)


def run_job(source: FloatModel, order: CompressionJob, work: JobFiles | None = None, progress: Progress = no_progress) -> Model:
    """The model that is ordered; what ``work`` holds of the same order is not done again."""
    if order.distillation is None:
        return _quantised(source, order, progress)
    check_torch()
    from ..training.distillation.loop import distil

    task = _digest(source, order)
    start = _started(work, task)
    if start is None:
        start = _quantised(source, order, progress)
        start = replace(start, metadata={**start.metadata, "task": task})
        if work is not None:
            write_atomically(work.quantized, encode_model(start))
    start = replace(start, metadata={key: value for key, value in start.metadata.items() if key != "task"})
    pictures = order.images or photographs()
    checkpoint = work.checkpoint if work is not None else None
    model = distil(start, source, pictures, order.distillation, labels=order.labels, checkpoint=checkpoint, progress=progress)
    if order.budget is not None and order.budget.usage(model) > 1:
        raise FirebrickError("training made the model larger than its budget; allow some more, or train for fewer steps")
    return model


def _quantised(source: FloatModel, order: CompressionJob, progress: Progress) -> Model:
    compressor = Compressor(source, order.images, progress)
    if order.budget is None:
        return compressor.compress(order.settings)
    return compress_to_budget(compressor, order.settings, order.budget.scaled(_ROOM) if order.distillation else order.budget)


def _started(work: JobFiles | None, task: str) -> Model | None:
    """The model that was quantised before, if it is for this task."""
    if work is None or not work.quantized.exists():
        return None
    try:
        model = read_fire(work.quantized)
    except FirebrickError:
        return None
    return model if model.metadata.get("task") == task else None


def _digest(source: FloatModel, order: CompressionJob) -> str:
    """Of all that decides what quantising gives."""
    digest = hashlib.sha256(repr((source.network, source.preprocessing, order.settings, order.budget)).encode())
    for name, weights in source.weights.items():
        digest.update(weights.tobytes() + source.biases[name].tobytes())
    for path in order.images:
        digest.update(path.read_bytes())
    return digest.hexdigest()
