# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A compression job: quantise a float network within a budget, then distil; an interrupted job resumes where it was."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..data.calibration_set import photographs
from ..errors import FirebrickError
from ..fire_format.file import encode_model, read_fire
from ..model.float_digest import float_digest
from ..model.float_model import FloatModel
from ..model.quantized import Model
from ..training.distillation import DistillationConfig, check_torch
from ..utils.atomic_files import write_atomically
from ..utils.progress import Progress, no_progress
from .budget import Budget
from .compressor import Compressor
from .quantize import integer_limits
from .rate_control import compress_to_budget
from .settings import CompressionSettings

if TYPE_CHECKING:
    from ..training.distillation.student_teacher import LayerLimits

_HEADROOM = 0.99
"""Fraction of the budget that quantisation may use before distillation, as codes are a little less even afterwards and take more bits."""
_TASK = "task"
"""Metadata key of the digest in the file of the quantised model; the final model does not have it."""


@dataclass(frozen=True, eq=False)
class CompressionJob:
    """What to make of a float network."""

    settings: CompressionSettings = field(default_factory=CompressionSettings)
    budget: Budget | None = None
    """None to compress at the settings' Lagrange multipliers."""
    images: Sequence[Path] = ()
    """For calibration and distillation; without any, the photographs of scikit-image."""
    distillation: DistillationConfig | None = None
    """None for no training."""
    labels: Sequence[int] | None = None
    """Class index of each image, or -1; None where there are none."""

    @property
    def limits(self) -> "LayerLimits":
        """The limits of each layer's integers in training."""
        compact = self.settings.compact
        return lambda layer: integer_limits(layer.shift, compact)


class JobFiles:
    """The files beside an output that hold the state of an unfinished job: the quantised model, and the checkpoint of the training."""

    def __init__(self, output: Path) -> None:
        self.quantized = output.with_name(f"{output.name}.start")
        self.checkpoint = output.with_name(f"{output.name}.training")

    def clear(self) -> None:
        """Remove them."""
        self.quantized.unlink(missing_ok=True)
        self.checkpoint.unlink(missing_ok=True)


def run_job(source: FloatModel, job: CompressionJob, files: JobFiles | None = None, progress: Progress = no_progress) -> Model:
    """The compressed model. Steps that ``files`` hold from an interrupted run of the same job are skipped.

    Raises FirebrickError where the budget cannot be met, or PyTorch is missing for distillation.
    """
    if job.distillation is None:
        return _quantise(source, job, progress)
    check_torch()
    from ..training.distillation.loop import distil

    task = _task_digest(source, job)
    quantized = _resume_quantized(files, task)
    if quantized is None:
        quantized = _quantise(source, job, progress)
        quantized = replace(quantized, metadata={**quantized.metadata, _TASK: task})
        if files is not None:
            write_atomically(files.quantized, encode_model(quantized))
    quantized = replace(quantized, metadata={key: value for key, value in quantized.metadata.items() if key != _TASK})
    images = job.images or photographs()
    checkpoint = files.checkpoint if files is not None else None
    model = distil(
        quantized, source, images, job.distillation, labels=job.labels, limits=job.limits, checkpoint=checkpoint, progress=progress
    )
    if job.budget is not None and job.budget.usage(model) > 1:
        raise FirebrickError("training made the model larger than its budget; allow some more, or train for fewer steps")
    return model


def _quantise(source: FloatModel, job: CompressionJob, progress: Progress) -> Model:
    compressor = Compressor(source, job.images, progress)
    if job.budget is None:
        return compressor.compress(job.settings)
    return compress_to_budget(compressor, job.settings, job.budget.scaled(_HEADROOM) if job.distillation else job.budget)


def _resume_quantized(files: JobFiles | None, task: str) -> Model | None:
    """The quantised model of an interrupted run, if it belongs to this task."""
    if files is None or not files.quantized.exists():
        return None
    try:
        model = read_fire(files.quantized)
    except FirebrickError:
        return None
    return model if model.metadata.get(_TASK) == task else None


def _task_digest(source: FloatModel, job: CompressionJob) -> str:
    """A digest of everything that determines the quantised model."""
    digest = float_digest(source, source.network, source.preprocessing, job.settings, job.budget)
    for path in job.images:
        digest.update(path.read_bytes())
    return digest.hexdigest()
