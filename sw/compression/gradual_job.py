# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A compression job with a folder of pictures: rate control finds the goal, training leads there from a nearly lossless model."""

import json
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.calibration_set import labels_for
from ..errors import FirebrickError
from ..fire_format.file import encode_model, read_fire
from ..model.float_digest import float_digest
from ..model.float_model import FloatModel
from ..model.quantized import Model
from ..network.graph import Network
from ..training.distillation import check_torch
from ..training.distillation.compression_goal import CompressionGoal
from ..training.distillation.config import GradualConfig
from ..training.distillation.picture_set import MEMORY, PictureSet, read_pictures
from ..utils.atomic_files import write_atomically
from ..utils.progress import Progress, no_progress
from .budget import Budget
from .compressor import Compressor
from .job import CompressionJob, JobFiles
from .layerwise import sensitivity
from .quantize import RATE_SCALE
from .rate_control import compress_to_budget
from .settings import CompressionSettings

if TYPE_CHECKING:
    from ..training.distillation.gradual_task import GradualResult

CALIBRATION_PICTURES = 256
"""Pictures that calibrate where no calibration images are given."""
_METADATA_BYTES = 256
"""About what the metadata of a training takes."""
_TASK, _DENSITIES = "task", "densities"
"""Metadata keys in the file of the start: a digest of the task, and the densities to go to. The final model does not have them."""


@dataclass(frozen=True, eq=False)
class PictureFolders:
    """The pictures of a gradual distillation."""

    pictures: Sequence[Path]
    """Without labels, as many as there are."""
    held_out: Sequence[Path] = ()
    """Others to judge by; without any, a tenth of the pictures."""
    labels: Path | None = None
    """A CSV file with the classes of some pictures; None where there are none."""
    held_out_labels: Path | None = None
    """A CSV file with the classes of held-out pictures; None where there are none."""
    memory: int = MEMORY
    """Limit of the memory for decoded pictures, in bytes."""


def run_gradual_job(
    source: FloatModel,
    job: CompressionJob,
    folders: PictureFolders,
    config: GradualConfig,
    teachers: Sequence[FloatModel] = (),
    files: JobFiles | None = None,
    progress: Progress = no_progress,
    say: Callable[[str], None] = lambda _line: None,
    start: Model | None = None,
) -> tuple[Model, dict[str, Any]]:
    """The compressed model, and a report on its training: {seconds, machine, steps, best, teachers, curve, ...}.

    Training starts from ``start``, a compressed model of the source whose densities it keeps; without it, from what ``config.start`` says.
    Steps that ``files`` hold from an interrupted run of the same job are skipped. Raises FirebrickError where the budget cannot be met, a
    teacher or the start does not fit, pictures are too few, or PyTorch is missing.
    """
    check_torch()
    config.verify()
    if start is not None:
        _check_start(start, source, job)
    from ..training.distillation.gradual_loop import distil_gradually
    from ..training.distillation.gradual_task import GradualTask
    from ..training.distillation.teachers import Teachers

    Teachers(source, teachers)  # refused before any long work
    pictures, held_out = _read(source, folders, progress)
    classes = source.network.classes
    if not job.images:
        chosen = [pictures.paths[index * len(pictures) // CALIBRATION_PICTURES] for index in range(CALIBRATION_PICTURES)]
        job = replace(job, images=chosen if len(pictures) > CALIBRATION_PICTURES else pictures.paths)
    if start is not None:
        densities = _densities(start)
        start = replace(start, metadata=_start_metadata(start, source))
    else:
        start, densities = _start(source, job, config.start, files, progress)
    goal = CompressionGoal(
        densities,
        _prices(start, source.network),
        job.budget.bytes if job.budget else None,
        job.budget.for_work.usage if job.budget and job.budget.for_work else None,
    )
    task = GradualTask(
        start,
        goal,
        source,
        teachers,
        pictures,
        held_out,
        config,
        labels_for(pictures.paths, folders.labels, classes) if folders.labels else None,
        labels_for(held_out.paths, folders.held_out_labels, classes) if folders.held_out_labels else None,
        job.limits,
    )
    result = distil_gradually(task, checkpoint=files.checkpoint if files else None, progress=progress, say=say)
    return result.model, _report(result, task.config, pictures, held_out)


def _read(source: FloatModel, folders: PictureFolders, progress: Progress) -> tuple[PictureSet, PictureSet]:
    """The pictures to learn from, and those held out."""
    shape = source.network.input
    pictures = read_pictures(folders.pictures, source.preprocessing, shape, folders.memory, progress)
    if not folders.held_out:
        return pictures.split()
    held_out = read_pictures(folders.held_out, source.preprocessing, shape, 0, progress)
    rest = pictures.without(held_out)
    if not len(rest):
        raise FirebrickError("all pictures are held out; give others to learn from")
    return rest, held_out


def _start(
    source: FloatModel, job: CompressionJob, kind: str, files: JobFiles | None, progress: Progress
) -> tuple[Model, dict[str, float]]:
    """The model that training starts from, of one of STARTS, and the densities that it goes to."""
    task = _task_digest(source, job, kind)
    stored = _stored_start(files, task)
    if stored is None:
        compressor = Compressor(source, job.images, progress)
        goal = compress_to_budget(compressor, job.settings, _less_metadata(job.budget)) if job.budget else compressor.compress(job.settings)
        nearly_lossless = CompressionSettings(job.settings.bits, compact=job.settings.compact)
        at_goal = kind == "target" or (job.settings == nearly_lossless and not job.budget)
        start = goal if at_goal else compressor.compress(nearly_lossless)
        if sum(layer.nonzero for layer in goal.layers.values()) >= sum(layer.nonzero for layer in start.layers.values()):
            start = goal  # the budget allows more than is lossless
        stored = replace(start, metadata={**start.metadata, _TASK: task, _DENSITIES: json.dumps(_densities(goal))})
        if files is not None:
            write_atomically(files.quantized, encode_model(stored))
    densities = json.loads(stored.metadata[_DENSITIES])
    return replace(stored, metadata={key: value for key, value in stored.metadata.items() if key not in (_TASK, _DENSITIES)}), densities


def _check_start(start: Model, source: FloatModel, job: CompressionJob) -> None:
    """Raise FirebrickError unless a model is one of the source, with integers that the job allows."""
    if start.network != source.network:
        raise FirebrickError(f"the model to start from is not of the network {source.network.name}; compress it from the same one")
    if start.preprocessing != source.preprocessing:
        raise FirebrickError("the model to start from subtracts another mean from its pictures; compress it from the same network")
    limits = job.limits
    for name, layer in start.layers.items():
        most, bias_step = limits(layer)
        if np.abs(layer.codebook).max(initial=0) > most or np.any(layer.bias % bias_step):
            raise FirebrickError(f"the model to start from was not compressed with --lean: see {name}; leave --lean out")


def _start_metadata(start: Model, source: FloatModel) -> dict[str, str]:
    """The metadata of a start that was compressed before: the present command, and where the start is from."""
    command = source.metadata.get("command")
    made = {"start command": start.metadata["command"]} if "command" in start.metadata else {}
    digest = sha256(encode_model(start)).hexdigest()
    return {**start.metadata, **({"command": command} if command else {}), **made, "start sha256": digest}


def _densities(model: Model) -> dict[str, float]:
    """The fraction of each layer's weights that is kept."""
    return {name: layer.nonzero / layer.codes.size for name, layer in model.layers.items()}


def _less_metadata(budget: Budget) -> Budget:
    """The budget without the bytes that the training will add to the metadata."""
    return budget if budget.bytes is None else replace(budget, bytes=max(1, budget.bytes - _METADATA_BYTES))


def _stored_start(files: JobFiles | None, task: str) -> Model | None:
    """The start of an interrupted run, if it belongs to this task."""
    if files is None or not files.quantized.exists():
        return None
    try:
        model = read_fire(files.quantized)
    except FirebrickError:
        return None
    return model if model.metadata.get(_TASK) == task and _DENSITIES in model.metadata else None


def _task_digest(source: FloatModel, job: CompressionJob, kind: str) -> str:
    digest = float_digest(source, "gradual", kind, source.network, source.preprocessing, job.settings, job.budget)
    for path in job.images:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _prices(start: Model, network: Network) -> dict[str, float]:
    """The squared error that a bit of each layer is worth at a multiplier of 1, as in quantisation: in proportion to the weights' power."""
    powers = {name: float(np.sum(layer.weights.astype(np.float64) ** 2)) for name, layer in start.layers.items()}
    return {name: RATE_SCALE * power / sensitivity(network, name) for name, power in powers.items()}


def _report(result: "GradualResult", config: GradualConfig, pictures: PictureSet, held_out: PictureSet) -> dict[str, Any]:
    import torch

    return {
        "steps": config.steps,
        "seed": config.seed,
        "batch": config.batch,
        "seconds": round(result.seconds),
        "machine": f"{torch.cpu.get_capabilities().get('cpu_name') or platform.machine()}, {torch.get_num_threads()} threads",
        "pictures": len(pictures),
        "pictures sha256": pictures.sha256,
        "left out": pictures.left_out,
        "held out": len(held_out),
        "held out sha256": held_out.sha256,
        "best step": result.best_step,
        "best": result.best.as_dict(),
        "teachers": result.teachers.as_dict(),
        "curve": result.curve,
    }
