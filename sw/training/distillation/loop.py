# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The distillation loop: the integer model learns to give the float network's scores and feature maps.

The loss of a batch is

    KL(teacher || student) + feature_map_weight * E_map + label_weight * cross-entropy (labelled images only)

with E_map the squared error of the feature maps relative to the teacher's, averaged over the maps.
"""

import hashlib
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
from ...utils.progress import Progress, no_progress
from ..checkpoint import Checkpoint
from ..torch_backend import FeatureMaps, best_device
from .augmentation import AugmentedBatch, Augmenter
from .config import DistillationConfig
from .student_teacher import Student, Teacher

_BATCH = 32
_MAP_FRAMES = 8
"""Frames of a batch whose feature maps are compared; a part of the batch, to save time."""
_WARM_UP = 50
"""Steps in which the learning rate rises."""
_SAVE_EVERY = 250
_BETAS = (0.9, 0.99)
_CENTROID_RATE = 0.25
"""Learning rate of centroids relative to that of weights: a centroid's gradient is the sum of those of many weights."""
_MAX_RATE = "top"
"""Key of a parameter group's maximum learning rate; the optimiser's state in checkpoints has it, so it keeps its name."""


def distil(
    model: Model,
    teacher: FloatModel,
    images: Sequence[Path],
    config: DistillationConfig,
    *,
    labels: Sequence[int] | None = None,
    checkpoint: Path | None = None,
    progress: Progress = no_progress,
) -> Model:
    """The model after training, with the same network and shifts, and at most the same number of non-zero weights in each layer.

    Raises FirebrickError where the loss diverges, or the checkpoint is damaged.

    Args:
        model: the initial model.
        teacher: the float network that the model was made from.
        images: any of the kind that the network will see.
        config: steps, seed, learning rate and loss weights; the same configuration on the same machine gives the same model.
        labels: class index of each image, or -1; None for none.
        checkpoint: file to keep up to date during training, and to resume from if it belongs to the same task. It is left to the caller
            to delete.
        progress: the progress callback.
    """
    return _Distiller(model, teacher, images, config, labels, checkpoint).run(progress)


class _Distiller:
    """The state of one distillation; see `distil`."""

    def __init__(
        self,
        model: Model,
        teacher: FloatModel,
        images: Sequence[Path],
        config: DistillationConfig,
        labels: Sequence[int] | None,
        checkpoint: Path | None,
    ) -> None:
        self.model, self.config = model, config
        self.device, dtype = best_device()
        self.student, self.teacher = Student(model, dtype).to(self.device), Teacher(teacher, dtype).to(self.device)
        self.augmenter = Augmenter(images, model.preprocessing, model.network, config.seed)
        self.optimiser = torch.optim.Adam(_parameter_groups(self.student, config.learning_rate), betas=_BETAS)
        self.labels = torch.tensor(labels if labels is not None else [-1] * len(images), device=self.device)
        self.map_scales = self._fit_map_scales()
        self.step = 0
        self.checkpoint = Checkpoint(checkpoint, _task_digest(model, images, labels, config))
        self.checkpoint.resume(self._restore)

    def run(self, progress: Progress) -> Model:
        """Train to the last step."""
        config = self.config
        while self.step < config.steps:
            progress("distilling", self.step, config.steps)
            if config.dense_phase:
                self._update_mask()
            for group in self.optimiser.param_groups:
                group["lr"] = group[_MAX_RATE] * _schedule(self.step, config.steps)
            loss = self._loss(self.augmenter.batch(self.step, _BATCH))
            if not torch.isfinite(loss):
                raise FirebrickError(f"distillation diverged at step {self.step}; train with a smaller rate than {config.learning_rate}")
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self.optimiser.step()
            self.step += 1
            if self.step % _SAVE_EVERY == 0:
                self.checkpoint.save(self.step, student=self.student.state_dict(), optimiser=self.optimiser.state_dict())
        progress("distilling", config.steps, config.steps)
        trained: Model = self.student.to_model()
        return replace(trained, metadata={**self.model.metadata, "distilled": f"{config.steps} steps, seed {config.seed}"})

    def _restore(self, state: dict[str, Any]) -> None:
        self.student.load_state_dict(state["student"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = int(state["step"])

    def _fit_map_scales(self) -> list[float]:
        """The real value of one step of each feature map's bytes: the least squares fit to the teacher's maps, <q, x> / <q, q>."""
        frames = torch.from_numpy(self.augmenter.batch(0, _BATCH).frames).to(self.device).float()
        with torch.no_grad():
            pairs = zip(self.student(frames)[1], self.teacher(frames)[1], strict=True)
            return [float((bytes_.float() * maps.float()).sum() / bytes_.float().square().sum().clamp(min=1e-9)) for bytes_, maps in pairs]

    def _loss(self, batch: AugmentedBatch) -> Tensor:
        """The loss of the module's docstring; where images are mixed, their labels count in proportion."""
        frames = torch.from_numpy(batch.frames).to(self.device).float()
        teacher_scores, teacher_maps = self.teacher(frames)
        scores, maps = self.student(frames)
        predictions = functional.log_softmax(scores.float(), 1)
        targets = functional.log_softmax(teacher_scores.float(), 1)
        loss = functional.kl_div(predictions, targets, log_target=True, reduction="batchmean")
        loss = loss + self.config.feature_map_weight * _map_error(maps, teacher_maps, self.map_scales)
        for images, fraction in ((batch.images, batch.mix_ratio), (batch.mixed_in, 1 - batch.mix_ratio)):
            labels = self.labels[torch.from_numpy(images).to(self.device)]
            if fraction and (labels >= 0).any():
                loss = loss + self.config.label_weight * fraction * functional.nll_loss(predictions, labels, ignore_index=-1)
        return loss

    def _update_mask(self) -> None:
        """Dense-sparse-dense: lift the pruning mask when the middle third of the steps begins, prune when the last third begins."""
        third, before = 3 * self.step // self.config.steps, 3 * (self.step - 1) // self.config.steps
        if third == before:
            return
        for name, original in self.model.layers.items():
            layer = self.student.layer(name)
            if third == 1:
                layer.kept.fill_(True)
            elif third == 2:
                layer.prune(original.nonzero)


def _parameter_groups(student: Student, rate: float) -> list[dict[str, Any]]:
    """A parameter group for each layer's weights, centroids and biases, whose learning rate is ``rate`` relative to their magnitude."""
    groups: list[dict[str, Any]] = []
    for name in student.model.layers:
        layer = student.layer(name)
        weights = layer.latent.detach()[layer.kept]
        magnitude = float(weights.square().mean().sqrt()) if len(weights) else 1.0
        zero_point = 0 if layer.conv.relu else student.model.zero_point  # a part of the bias that is not to be learnt
        bias = float((layer.bias.detach() - zero_point).abs().mean()) + 1
        magnitudes = [(layer.latent, magnitude), (layer.centroids, _CENTROID_RATE * magnitude), (layer.bias, bias / 2)]
        groups.extend({"params": [values], "lr": 0.0, _MAX_RATE: rate * scale} for values, scale in magnitudes)
    return groups


def _schedule(step: int, steps: int) -> float:
    """The learning rate as a fraction of its maximum: a linear warm-up, times half a cosine from 1 to 0."""
    return float(min(1.0, (step + 1) / _WARM_UP) * (1 + np.cos(np.pi * step / steps)) / 2)


def _map_error(maps: FeatureMaps, teacher_maps: FeatureMaps, scales: list[float]) -> Tensor:
    """Squared error of the feature maps relative to the teacher's, averaged over the maps, for the first frames of the batch."""
    errors = []
    for student_map, teacher_map, scale in zip(maps, teacher_maps, scales, strict=True):
        target = teacher_map[:_MAP_FRAMES]
        error = functional.mse_loss(student_map[:_MAP_FRAMES] * scale, target).float()
        errors.append(error / target.float().square().mean().clamp(min=1e-9))
    return torch.stack(errors).mean()


def _task_digest(model: Model, images: Sequence[Path], labels: Sequence[int] | None, config: DistillationConfig) -> str:
    """A digest of everything that determines the result."""
    digest = hashlib.sha256(encode_model(model))
    for path in images:
        digest.update(path.read_bytes())
    digest.update(json.dumps([config.as_checkpoint_key(), list(labels or [])]).encode())
    return digest.hexdigest()
