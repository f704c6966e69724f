# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The training loop: stochastic gradient descent with momentum, and a learning rate that decays linearly."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ...errors import FirebrickError
from ...model.float_digest import float_digest
from ...model.float_model import FloatModel
from ...utils.progress import Progress
from ..checkpoint import Checkpoint
from ..torch_backend import best_device
from .config import TrainingConfig
from .float_module import TrainableNetwork
from .image_cache import Bytes, ImageCache

_MAX_PIXELS = 32 * 227 * 227
"""Pixels that go through the network at once. A larger batch is split and its gradients are accumulated, as published (iter_size)."""
_SAVE_SECONDS = 60.0

EpochRecord = dict[str, float | int | None]
"""The curves at the end of an epoch: epoch, step, rate, loss, val_loss and top1; the last two are None without validation images."""


class Trainer:
    """A network in training.

    Args:
        initial: the initial network, whose preprocessing is that of the images.
        train: the training images.
        val: the validation images; may be empty.
        config: how to train; the same configuration on the same machine's processor gives the same network.
        checkpoint: file to keep up to date during training, and to resume from if it belongs to the same task; None for none. It is left
            to the caller to delete.

    Raises FirebrickError for a configuration out of its range and for a damaged checkpoint.
    """

    def __init__(
        self, initial: FloatModel, train: ImageCache, val: ImageCache, config: TrainingConfig, checkpoint: Path | None = None
    ) -> None:
        config.verify()
        self.train, self.val, self.config = train, val, config
        self.device, dtype = best_device()
        self.mixed_precision = self.device.type == "cuda" and dtype != torch.float32
        self.module = TrainableNetwork(initial, config.dropout).to(self.device)
        self.optimiser = torch.optim.SGD(
            self.module.parameters(), config.learning_rate, momentum=config.momentum, weight_decay=config.weight_decay
        )
        self.batch_size = min(config.batch_size, len(train))
        self.curves: list[EpochRecord] = []
        """The record of each epoch so far."""
        self.losses: list[float] = []
        """The losses of the present epoch's steps."""
        self.step = 0
        self.checkpoint = Checkpoint(checkpoint, _task_digest(initial, train, val, config))
        self.checkpoint.resume(self._restore, self.device)

    @property
    def epoch_steps(self) -> int:
        """Steps per epoch; images that remain after the last full batch are left out."""
        return len(self.train) // self.batch_size

    def run(self, progress: Progress) -> FloatModel:
        """Train to the last step. Raises FirebrickError where the loss diverges, or all scores of the validation images are zero."""
        saved = time.monotonic()
        for frames, labels in self._batches():
            progress("training", self.step, self.config.steps)
            self.losses.append(self._train_step(frames, labels))
            self.step += 1
            if self.step % self.epoch_steps == 0 or self.step == self.config.steps:
                self._end_epoch()
            if time.monotonic() - saved > _SAVE_SECONDS:
                self._save()
                saved = time.monotonic()
        progress("training", self.config.steps, self.config.steps)
        model: FloatModel = self.module.float_model()
        model.verify()
        return model

    def _batches(self) -> Iterator[tuple[Bytes, Tensor]]:
        """Frames and labels of each step to come; those of the next step are cropped in the background."""
        upcoming = self._crops(self.step)
        for step in range(self.step, self.config.steps):
            indices, frames = upcoming
            if step + 1 < self.config.steps:
                upcoming = self._crops(step + 1)
            yield frames.result(), torch.from_numpy(self.train.labels[indices]).to(self.device)

    def _crops(self, step: int) -> tuple[NDArray[np.int64], "Future[Bytes]"]:
        """The images of a step and their crops; a function of seed and step, so that a resumed training sees the same."""
        epoch, position = divmod(step, self.epoch_steps)
        order = np.random.default_rng([self.config.seed, 1, epoch]).permutation(len(self.train))
        indices = order[position * self.batch_size : (position + 1) * self.batch_size]
        return indices, self.train.random_crops(indices, np.random.default_rng([self.config.seed, 2, step]), self.config.mirror)

    def _train_step(self, frames: Bytes, labels: Tensor) -> float:
        """One step of the optimiser; returns the mean loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = self._learning_rate()
        self.module.train()
        self.optimiser.zero_grad(set_to_none=True)
        seed = int(np.random.SeedSequence([self.config.seed, 3, self.step]).generate_state(1)[0])
        generator = torch.Generator(self.device).manual_seed(seed)
        total = 0.0
        for chunk, chunk_labels in zip(self._chunks(frames), labels.split(self._chunk_size()), strict=True):
            loss = functional.cross_entropy(self._scores(chunk, generator), chunk_labels, reduction="sum") / len(frames)
            loss.backward()
            total += float(loss.detach())
        if not np.isfinite(total):
            raise FirebrickError(f"training diverged at step {self.step}; give a smaller --rate than {self.config.learning_rate:g}")
        self.optimiser.step()
        return total

    @torch.no_grad()
    def _end_epoch(self) -> None:
        """Validate, and record the epoch."""
        self.module.eval()
        loss, correct, alive = 0.0, 0, False
        for start in range(0, len(self.val), self._chunk_size()):
            indices = range(start, min(start + self._chunk_size(), len(self.val)))
            labels = torch.from_numpy(self.val.labels[start : start + self._chunk_size()]).to(self.device)
            scores = self._scores(self.val.centre_crops(indices))
            loss += float(functional.cross_entropy(scores, labels, reduction="sum"))
            correct += int((scores.argmax(1) == labels).sum())
            alive |= bool(scores.any())
        count = len(self.val)
        self.curves.append(
            {
                "epoch": len(self.curves) + 1,
                "step": self.step,
                "rate": self._learning_rate(),
                "loss": float(np.mean(self.losses)),
                "val_loss": loss / count if count else None,
                "top1": correct / count if count else None,
            }
        )
        self.losses = []
        if count and not alive:
            raise FirebrickError(
                f"the network died by step {self.step}: every score is zero, so it cannot recover; give another --seed or a smaller --rate"
            )

    def _scores(self, frames: Bytes, generator: torch.Generator | None = None) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.mixed_precision):
            scores: Tensor = self.module(torch.from_numpy(frames).to(self.device), generator)
        return scores.float()

    def _learning_rate(self) -> float:
        """The learning rate of the present step: linear decay to 0."""
        return self.config.learning_rate * (1 - self.step / self.config.steps)

    def _chunk_size(self) -> int:
        """Frames that go through the network at once."""
        shape = self.train.shape
        return max(1, _MAX_PIXELS // (shape.height * shape.width))

    def _chunks(self, frames: Bytes) -> list[Bytes]:
        return [frames[start : start + self._chunk_size()] for start in range(0, len(frames), self._chunk_size())]

    def _save(self) -> None:
        state = {"trainee": self.module.state_dict(), "optimiser": self.optimiser.state_dict()}
        self.checkpoint.save(self.step, curves=self.curves, losses=self.losses, **state)

    def _restore(self, state: dict[str, Any]) -> None:
        self.module.load_state_dict(state["trainee"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.curves, self.losses = int(state["step"]), list(state["curves"]), list(state["losses"])


def _task_digest(initial: FloatModel, train: ImageCache, val: ImageCache, config: TrainingConfig) -> str:
    """A digest of everything that determines the result."""
    digest = float_digest(initial, initial.network, initial.preprocessing, initial.labels, train.sha256, val.sha256)
    digest.update(json.dumps(config.as_checkpoint_key()).encode())
    return digest.hexdigest()
