# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The training loop: stochastic gradient descent with momentum, and a rate that falls in a straight line."""

import hashlib
import io
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
from ...model.float_model import FloatModel
from ...utils.atomic_files import write_atomically
from ...utils.progress import Progress
from ..torch_backend import best_device
from .config import TrainingConfig
from .float_module import TrainableNetwork
from .image_cache import Bytes, ImageCache

_PIXELS = 32 * 227 * 227
"""Pixels that go through the network at once; a batch of more comes in pieces, as published."""
_SAVE_SECONDS = 60.0

EpochRecord = dict[str, float | int | None]
"""What is known after all pictures have been seen once more: epoch, step, rate, loss, val_loss and top1, the latter two None without
pictures to validate."""


class Trainer:
    """A network being trained.

    Args:
        start: the network to start from, whose preprocessing is that of the pictures.
        train: pictures to learn from.
        val: pictures to judge by; may be empty.
        recipe: how to train; the same recipe on the same machine's processor gives the same network.
        checkpoint: kept up to date during training; when it is there and belongs to the same task, training goes on from it. It is left
            to the caller to delete.
    """

    def __init__(
        self, start: FloatModel, train: ImageCache, val: ImageCache, recipe: TrainingConfig, checkpoint: Path | None = None
    ) -> None:
        recipe.verify()
        self.train, self.val, self.config, self.checkpoint = train, val, recipe, checkpoint
        self.device, dtype = best_device()
        self.mixed = self.device.type == "cuda" and dtype != torch.float32
        self.module = TrainableNetwork(start, recipe.dropout).to(self.device)
        self.optimiser = torch.optim.SGD(
            self.module.parameters(), recipe.learning_rate, momentum=recipe.momentum, weight_decay=recipe.weight_decay
        )
        self.batch = min(recipe.batch_size, len(train))
        self.task = _task(start, train, val, recipe)
        self.curves: list[EpochRecord] = []
        """What was found after each epoch."""
        self.losses: list[float] = []
        """Of the steps of the present epoch."""
        self.step = 0
        self._resume()

    @property
    def epoch_steps(self) -> int:
        """Steps in which all pictures are seen once, but for a rest that does not fill a batch."""
        return len(self.train) // self.batch

    def run(self, progress: Progress) -> FloatModel:
        """Train to the end. Raises FirebrickError where that comes to nothing: the loss is infinite, or all scores are zero."""
        saved = time.monotonic()
        for views, labels in self._batches():
            progress("training", self.step, self.config.steps)
            self.losses.append(self._learn(views, labels))
            self.step += 1
            if self.step % self.epoch_steps == 0 or self.step == self.config.steps:
                self._judge()
            if self.checkpoint is not None and time.monotonic() - saved > _SAVE_SECONDS:
                self._save(self.checkpoint)
                saved = time.monotonic()
        progress("training", self.config.steps, self.config.steps)
        model: FloatModel = self.module.float_model()
        model.verify()
        return model

    def _batches(self) -> Iterator[tuple[Bytes, Tensor]]:
        """Views and labels of each step to come; the next ones are made meanwhile."""
        coming = self._views(self.step)
        for step in range(self.step, self.config.steps):
            indices, views = coming
            if step + 1 < self.config.steps:
                coming = self._views(step + 1)
            yield views.result(), torch.from_numpy(self.train.labels[indices]).to(self.device)

    def _views(self, step: int) -> tuple[NDArray[np.int64], "Future[Bytes]"]:
        epoch, place = divmod(step, self.epoch_steps)
        order = np.random.default_rng([self.config.seed, 1, epoch]).permutation(len(self.train))
        indices = order[place * self.batch : (place + 1) * self.batch]
        return indices, self.train.random_crops(indices, np.random.default_rng([self.config.seed, 2, step]), self.config.mirror)

    def _learn(self, views: Bytes, labels: Tensor) -> float:
        """One step; the mean loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = self._rate()
        self.module.train()
        self.optimiser.zero_grad(set_to_none=True)
        seed = int(np.random.SeedSequence([self.config.seed, 3, self.step]).generate_state(1)[0])
        generator = torch.Generator(self.device).manual_seed(seed)
        total = 0.0
        for piece, wanted in zip(self._pieces(views), labels.split(self._piece()), strict=True):
            loss = functional.cross_entropy(self._scores(piece, generator), wanted, reduction="sum") / len(views)
            loss.backward()
            total += float(loss.detach())
        if not np.isfinite(total):
            raise FirebrickError(f"training diverged at step {self.step}; give a smaller --rate than {self.config.learning_rate:g}")
        self.optimiser.step()
        return total

    @torch.no_grad()
    def _judge(self) -> None:
        """Close an epoch."""
        self.module.eval()
        loss, right, alive = 0.0, 0, False
        for start in range(0, len(self.val), self._piece()):
            indices = range(start, min(start + self._piece(), len(self.val)))
            labels = torch.from_numpy(self.val.labels[start : start + self._piece()]).to(self.device)
            scores = self._scores(self.val.centre_crops(indices))
            loss += float(functional.cross_entropy(scores, labels, reduction="sum"))
            right += int((scores.argmax(1) == labels).sum())
            alive |= bool(scores.any())
        count = len(self.val)
        self.curves.append(
            {
                "epoch": len(self.curves) + 1,
                "step": self.step,
                "rate": self._rate(),
                "loss": float(np.mean(self.losses)),
                "val_loss": loss / count if count else None,
                "top1": right / count if count else None,
            }
        )
        self.losses = []
        if count and not alive:
            raise FirebrickError(
                f"the network died by step {self.step}: every score is zero, which nothing mends; give another --seed or a smaller --rate"
            )

    def _scores(self, frames: Bytes, generator: torch.Generator | None = None) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.mixed):
            scores: Tensor = self.module(torch.from_numpy(frames).to(self.device), generator)
        return scores.float()

    def _rate(self) -> float:
        """The learning rate of the step."""
        return self.config.learning_rate * (1 - self.step / self.config.steps)

    def _piece(self) -> int:
        """Frames that go through the network at once."""
        shape = self.train.shape
        return max(1, _PIXELS // (shape.height * shape.width))

    def _pieces(self, frames: Bytes) -> list[Bytes]:
        return [frames[start : start + self._piece()] for start in range(0, len(frames), self._piece())]

    def _save(self, path: Path) -> None:
        data = io.BytesIO()
        state = {"trainee": self.module.state_dict(), "optimiser": self.optimiser.state_dict()}
        torch.save({"task": self.task, "step": self.step, "curves": self.curves, "losses": self.losses, **state}, data)
        write_atomically(path, data.getvalue())

    def _resume(self) -> None:
        """Go on from the checkpoint, if it is there and belongs to the task."""
        if self.checkpoint is None or not self.checkpoint.exists():
            return
        try:
            state: dict[str, Any] = torch.load(self.checkpoint, weights_only=True, map_location=self.device)
            if state["task"] != self.task:
                return
            self.module.load_state_dict(state["trainee"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step, self.curves, self.losses = int(state["step"]), list(state["curves"]), list(state["losses"])
        except Exception as problem:  # a damaged file may raise anything
            raise FirebrickError(f"checkpoint {self.checkpoint} is damaged; delete it to train from the start") from problem


def _task(start: FloatModel, train: ImageCache, val: ImageCache, recipe: TrainingConfig) -> str:
    """A digest of all that decides what comes out."""
    digest = hashlib.sha256(repr((start.network, start.preprocessing, start.labels, train.sha256, val.sha256)).encode())
    for name, weights in start.weights.items():
        digest.update(weights.tobytes() + start.biases[name].tobytes())
    digest.update(json.dumps(recipe.as_checkpoint_key()).encode())
    return digest.hexdigest()
