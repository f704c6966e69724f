# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The training loop: the float network's scores and feature maps are what the integers should give."""

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...errors import FirebrickError
from ...fire_format.file import encode_model
from ...model.float_model import FloatModel
from ...model.quantized import Model
from ...utils.atomic_files import write_atomically
from ...utils.progress import Progress, no_progress
from ..torch_backend import FeatureMaps, best_device
from .augmentation import AugmentedBatch, Augmenter
from .config import DistillationConfig
from .student_teacher import Student, Teacher

_BATCH = 32
_COMPARED = 8
"""Frames of a batch whose feature maps are compared, too."""
_WARM_UP = 50
_SAVE_EVERY = 250
_BETAS = (0.9, 0.99)
_CENTROID_RATE = 0.25
"""Learning rate of centroids relative to that of weights: a centroid's gradient is the sum of many weights'."""


def distil(
    model: Model,
    teacher: FloatModel,
    pictures: Sequence[Path],
    recipe: DistillationConfig,
    *,
    labels: Sequence[int] | None = None,
    checkpoint: Path | None = None,
    progress: Progress = no_progress,
) -> Model:
    """The model after training; it has the same network, shifts, and number of non-zero weights in each layer at most.

    Args:
        model: where to start.
        teacher: the float network that the model was made from.
        pictures: any that the network may meet.
        recipe: steps, seed and rates; the same recipe on the same machine gives the same model.
        labels: class index of each picture, or -1; None for none.
        checkpoint: kept up to date during training; when it is there and belongs to the same task, training goes on from it.
            It is left to the caller to delete.
        progress: the progress callback.
    """
    device, dtype = best_device()
    student, tutor = Student(model, dtype).to(device), Teacher(teacher, dtype).to(device)
    views = Augmenter(pictures, model.preprocessing, model.network, recipe.seed)
    optimiser = torch.optim.Adam(_groups(student, recipe.learning_rate), betas=_BETAS)
    task = _task(model, pictures, labels, recipe)
    truth = torch.tensor(labels if labels is not None else [-1] * len(pictures), device=device)
    map_steps = _map_steps(student, tutor, views, device)
    start = _resume(checkpoint, task, student, optimiser)
    kept = {name: model.layers[name].nonzero for name in model.layers}
    for step in range(start, recipe.steps):
        progress("distilling", step, recipe.steps)
        if recipe.dense_phase:
            _mask(student, kept, 3 * step // recipe.steps, 3 * (step - 1) // recipe.steps)
        for group in optimiser.param_groups:
            group["lr"] = group["top"] * _schedule(step, recipe.steps)
        loss = _loss(student, tutor, views.batch(step, _BATCH), map_steps, truth, recipe)
        if not torch.isfinite(loss):
            raise FirebrickError(f"distillation diverged at step {step}; train with a smaller rate than {recipe.learning_rate}")
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        if checkpoint is not None and (step + 1) % _SAVE_EVERY == 0:
            _save(checkpoint, task, step + 1, student, optimiser)
    progress("distilling", recipe.steps, recipe.steps)
    trained: Model = student.quantised()
    return replace(trained, metadata={**model.metadata, "distilled": f"{recipe.steps} steps, seed {recipe.seed}"})


def _groups(student: Student, rate: float) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = []
    for name in student.model.layers:
        layer = student.layer(name)
        weights = layer.latent.detach()[layer.kept]
        size = float(weights.square().mean().sqrt()) if len(weights) else 1.0
        bias = float(layer.bias.detach().abs().mean()) + 1
        sizes = [(layer.latent, size), (layer.centroids, _CENTROID_RATE * size), (layer.bias, bias / 2)]
        groups.extend({"params": [values], "lr": 0.0, "top": rate * scale} for values, scale in sizes)
    return groups


def _schedule(step: int, steps: int) -> float:
    """Share of the greatest learning rate: a short rise, then half a cosine down."""
    return float(min(1.0, (step + 1) / _WARM_UP) * (1 + np.cos(np.pi * step / steps)) / 2)


def _map_steps(student: Student, tutor: Teacher, views: Augmenter, device: torch.device) -> list[float]:
    """What a step of a byte is worth in each feature map: the least squares fit to the teacher's maps."""
    frames = torch.from_numpy(views.batch(0, _BATCH).frames).to(device).float()
    with torch.no_grad():
        pairs = zip(student(frames)[1], tutor(frames)[1], strict=True)
        return [float((bytes_.float() * maps.float()).sum() / bytes_.float().square().sum().clamp(min=1e-9)) for bytes_, maps in pairs]


def _loss(student: Student, tutor: Teacher, batch: AugmentedBatch, steps: list[float], truth: Tensor, recipe: DistillationConfig) -> Tensor:
    frames = torch.from_numpy(batch.frames).to(truth.device).float()
    wanted, wanted_maps = tutor(frames)
    scores, maps = student(frames)
    guesses = functional.log_softmax(scores.float(), 1)
    loss = functional.kl_div(guesses, functional.log_softmax(wanted.float(), 1), log_target=True, reduction="batchmean")
    loss = loss + recipe.feature_map_weight * _distance(maps, wanted_maps, steps)
    for pictures, share in ((batch.images, batch.mix_ratio), (batch.mixed_in, 1 - batch.mix_ratio)):
        known = truth[torch.from_numpy(pictures).to(truth.device)]
        if share and (known >= 0).any():
            loss = loss + recipe.label_weight * share * functional.nll_loss(guesses, known, ignore_index=-1)
    return loss


def _distance(maps: FeatureMaps, wanted: FeatureMaps, steps: list[float]) -> Tensor:
    """Squared error of the feature maps, relative to the teacher's, on average over the maps; on some of the frames, to save time."""
    errors = []
    for seen, ideal, step in zip(maps, wanted, steps, strict=True):
        few = ideal[:_COMPARED]
        errors.append(functional.mse_loss(seen[:_COMPARED] * step, few).float() / few.float().square().mean().clamp(min=1e-9))
    return torch.stack(errors).mean()


def _mask(student: Student, kept: dict[str, int], third: int, before: int) -> None:
    """What dense-sparse-dense training does when a new third of the steps begins."""
    if third == before:
        return
    for name, count in kept.items():
        layer = student.layer(name)
        if third == 1:
            layer.kept.fill_(True)
        elif third == 2:
            layer.prune(count)


def _task(model: Model, pictures: Sequence[Path], labels: Sequence[int] | None, recipe: DistillationConfig) -> str:
    """A digest of all that decides what comes out."""
    digest = hashlib.sha256(encode_model(model))
    for path in pictures:
        digest.update(path.read_bytes())
    digest.update(json.dumps([recipe.as_checkpoint_key(), list(labels or [])]).encode())
    return digest.hexdigest()


def _save(path: Path, task: str, step: int, student: Student, optimiser: torch.optim.Optimizer) -> None:
    data = io.BytesIO()
    torch.save({"task": task, "step": step, "student": student.state_dict(), "optimiser": optimiser.state_dict()}, data)
    write_atomically(path, data.getvalue())


def _resume(path: Path | None, task: str, student: Student, optimiser: torch.optim.Optimizer) -> int:
    """The step to go on from: 0 unless the checkpoint is there and belongs to the task."""
    if path is None or not path.exists():
        return 0
    try:
        state = torch.load(path, weights_only=True)
        if state["task"] != task:
            return 0
        student.load_state_dict(state["student"])
        optimiser.load_state_dict(state["optimiser"])
        return int(state["step"])
    except Exception as problem:  # a damaged file may raise anything
        raise FirebrickError(f"checkpoint {path} is damaged; delete it to train from the start") from problem
