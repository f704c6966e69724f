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

import torch
from torch import Tensor
from torch.nn import functional

from ...errors import FirebrickError
from ...fire_format.file import encode_model
from ...model.float_model import FloatModel
from ...model.quantized import Model
from ...utils.progress import Progress, no_progress
from ..checkpoint import Checkpoint
from ..torch_backend import best_device, keep_freed_memory
from .augmentation import AugmentedBatch, Augmenter
from .config import DistillationConfig
from .optimisation import MAX_RATE, first, map_error, map_scales, parameter_groups, rate_schedule
from .student_teacher import LayerLimits, Student, Teacher

_BATCH = 32
_MAP_FRAMES = 8
"""Frames of a batch whose feature maps are compared; a part of the batch, to save time."""
_SAVE_EVERY = 250
_BETAS = (0.9, 0.99)


def distil(
    model: Model,
    teacher: FloatModel,
    images: Sequence[Path],
    config: DistillationConfig,
    *,
    labels: Sequence[int] | None = None,
    limits: LayerLimits | None = None,
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
        limits: of each layer's integers, see `Student`.
        checkpoint: file to keep up to date during training, and to resume from if it belongs to the same task. It is left to the caller
            to delete.
        progress: the progress callback.
    """
    return _Distiller(model, teacher, images, config, labels, limits, checkpoint).run(progress)


class _Distiller:
    """The state of one distillation; see `distil`."""

    def __init__(
        self,
        model: Model,
        teacher: FloatModel,
        images: Sequence[Path],
        config: DistillationConfig,
        labels: Sequence[int] | None,
        limits: LayerLimits | None,
        checkpoint: Path | None,
    ) -> None:
        keep_freed_memory()
        self.model, self.config = model, config
        self.device, dtype = best_device()
        self.student, self.teacher = Student(model, dtype, limits=limits).to(self.device), Teacher(teacher, dtype).to(self.device)
        self.augmenter = Augmenter(images, model.preprocessing, model.network, config.seed)
        self.optimiser = torch.optim.Adam(parameter_groups(self.student, config.learning_rate), betas=_BETAS)
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
                group["lr"] = group[MAX_RATE] * rate_schedule(self.step, config.steps)
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
            return map_scales(self.student(frames)[1], self.teacher(frames)[1])

    def _loss(self, batch: AugmentedBatch) -> Tensor:
        """The loss of the module's docstring; where images are mixed, their labels count in proportion."""
        frames = torch.from_numpy(batch.frames).to(self.device).float()
        teacher_scores, teacher_maps = self.teacher(frames)
        scores, maps = self.student(frames)
        predictions = functional.log_softmax(scores.float(), 1)
        targets = functional.log_softmax(teacher_scores.float(), 1)
        loss = functional.kl_div(predictions, targets, log_target=True, reduction="batchmean")
        loss = loss + self.config.feature_map_weight * map_error(
            first(maps, _MAP_FRAMES), first(teacher_maps, _MAP_FRAMES), self.map_scales
        )
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


def _task_digest(model: Model, images: Sequence[Path], labels: Sequence[int] | None, config: DistillationConfig) -> str:
    """A digest of everything that determines the result."""
    digest = hashlib.sha256(encode_model(model))
    for path in images:
        digest.update(path.read_bytes())
    digest.update(json.dumps([config.as_checkpoint_key(), list(labels or [])]).encode())
    return digest.hexdigest()
