# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Gradual distillation: a nearly lossless integer model learns on unlabelled pictures while it is pruned to its goal.

The loss of a batch, at temperature T, with p the mean of the teachers' probabilities and q the student's (arXiv:1503.02531), is

    T^2 KL(p || q) + feature_map_weight * E_map + label_weight * cross-entropy (labelled pictures only)

with E_map the relative squared error of the feature maps against the source's, as hints (arXiv:1412.6550). Half of its weight is that of
the last map before the average, which the scores are made of.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ...errors import FirebrickError
from ...fire_format.file import decode_model, encode_model
from ...model.quantized import Model
from ...utils.progress import Progress, no_progress
from ..checkpoint import Checkpoint
from ..torch_backend import best_device, keep_freed_memory
from .compression_goal import SETTLED, RateController
from .gradual_task import GradualResult, GradualTask, HeldOutMetrics
from .held_out import HeldOut, predicted_classes
from .optimisation import MAX_RATE, WARM_UP, first, map_error, map_scales, parameter_groups, rate_schedule
from .pace import Pace, duration
from .picture_set import drawing_probabilities
from .rate_layer import RateLayer
from .student_teacher import Student
from .teachers import Teachers
from .views import ViewBatch, Views

_MAP_FRAMES = 8
"""Views of a batch whose feature maps are compared; a part of the batch, to save time."""
_CONTROLS, _MIN_CONTROL_STEPS = 200, 5
"""How often masks, bits and the multiplier are chosen anew, and after how many steps at least."""
_SAVE_EVERY = 100
_BETAS = (0.9, 0.99)
_LAST_MAP = 0.5
"""Share of the last map before the average in the error of the maps."""
_MEASURED_STEPS = 6
"""Steps after which it is said how long the rest takes."""
_FITS = 60
"""Attempts to fit a model into its goal, each a little smaller."""
_FIT_PRICE, _FIT_DENSITY = 1.1, 0.99
"""Factors on the multiplier and on the densities from one attempt to the next."""


def distil_gradually(
    task: GradualTask,
    *,
    checkpoint: Path | None = None,
    progress: Progress = no_progress,
    say: Callable[[str], None] = lambda _line: None,
) -> GradualResult:
    """Train, and give the best model that meets the goal.

    The same task on the same machine gives the same model. Raises FirebrickError where the loss diverges, no model meets the goal, a
    teacher does not fit, or the checkpoint is damaged.

    Args:
        task: what to train, and on what.
        checkpoint: file to keep up to date during training, and to resume from if it belongs to the same task. It is left to the caller
            to delete.
        progress: the progress callback.
        say: is given a line now and then: how long it will take, and each evaluation.
    """
    trainer = _Trainer(task, checkpoint, progress, say)
    try:
        return trainer.run()
    finally:
        trainer.views.close()


class _Trainer:
    """The state of one training; see `distil_gradually`."""

    def __init__(self, task: GradualTask, checkpoint: Path | None, progress: Progress, say: Callable[[str], None]) -> None:
        keep_freed_memory()
        task.config.verify()
        self.task, self.config, self.progress, self.say = task, task.config, progress, say
        self.device, dtype = best_device()
        self.teachers = Teachers(task.source, task.teachers, dtype).to(self.device)
        longest = HeldOutMetrics(len(task.held_out), 1.0, 0.0, len(task.held_out), 1.0 if task.held_out_labels else None)
        start = replace(task.start, metadata=self._metadata(longest, self.config.steps))  # sizes are to be those of the final model
        self.student, self.average = (Student(start, dtype, RateLayer, task.limits).to(self.device) for _ in range(2))
        self.rate = RateController(start, task.goal, self.config.steps)
        self.optimiser = torch.optim.Adam(parameter_groups(self.student, self.config.learning_rate), betas=_BETAS)
        self.labels = torch.tensor(task.labels if task.labels is not None else [-1] * len(task.pictures), device=self.device)
        self.step, self.seconds, self.evaluation_seconds = 0, 0.0, 0.0
        self.classes: list[int] = []
        """The teachers' class of each picture, where pictures are balanced by it."""
        self.map_scales: list[float] = []
        self.curve: list[dict[str, Any]] = []
        self.best: tuple[Tensor, HeldOutMetrics, int] | None = None
        self.losses: list[float] = []
        self.agreements: list[float] = []
        """Those of the steps since the last evaluation."""
        self.checkpoint = Checkpoint(checkpoint, task.digest(self.teachers.sha256))
        self.checkpoint.resume(self._restore, self.device)
        self.views = self._make_views()
        if not self.map_scales:
            self._begin()
        progress("asking the teachers about the held-out pictures")
        self.held_out = HeldOut(task.held_out, task.held_out_labels, self.teachers, self.device)

    def run(self) -> GradualResult:
        """Train to the last step."""
        steps, teachers = self.config.steps, self.held_out.evaluate_teachers()
        if not self.curve:
            self._evaluate()
        if teachers.top1 is not None:
            self.say(f"the teachers: top-1 {teachers.top1:.1%} of {teachers.labelled:,} labelled held-out pictures")
        self.say(self._line(self.curve[-1]))
        pace = Pace([float(np.prod(self.views.size(step))) for step in range(steps)])
        started, first_step = time.monotonic(), self.step
        while self.step < steps:
            self.progress("distilling", self.step, steps)
            begun = time.monotonic()
            if self.step % self._control_every == 0:
                self._control()
            self._train(self.views(self.step, steps))
            pace.note(self.step, time.monotonic() - begun)
            self.step += 1
            if self.step == first_step + _MEASURED_STEPS:
                self._say_duration(pace)
            if self.step * self.config.evaluations // steps > (self.step - 1) * self.config.evaluations // steps:
                self._evaluate()
                self.say(f"{self._line(self.curve[-1])}; about {duration(pace.seconds(self.step) + self._evaluations_left())} left")
            if self.step % _SAVE_EVERY == 0:
                now = time.monotonic()
                self.seconds, started = self.seconds + now - started, now
                self._save()
        self.progress("distilling", steps, steps)
        if self.best is None:
            raise FirebrickError("no model of the training met its limits; allow more, or train for more steps")
        data, metrics, step = self.best
        trained = decode_model(data.numpy().tobytes())
        seconds = self.seconds + time.monotonic() - started
        return GradualResult(replace(trained, metadata=self._metadata(metrics, step)), metrics, step, teachers, self.curve, seconds)

    @property
    def _control_every(self) -> int:
        return max(_MIN_CONTROL_STEPS, self.config.steps // _CONTROLS)

    def _train(self, batch: ViewBatch) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = group[MAX_RATE] * rate_schedule(self.step, self.config.steps, min(WARM_UP, 1 + self.config.steps // 20))
        loss = self._loss(batch)
        if not torch.isfinite(loss):
            raise FirebrickError(
                f"distillation diverged at step {self.step}; train with a smaller --rate than {self.config.learning_rate:g}"
            )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        decay = min(self.config.average_decay, (1 + self.step) / (10 + self.step))  # the first steps count less
        with torch.no_grad():
            for mean, value in zip(self.average.parameters(), self.student.parameters(), strict=True):
                mean.lerp_(value, 1 - decay)
        self.losses.append(float(loss.detach()))

    def _loss(self, batch: ViewBatch) -> Tensor:
        """The loss of the module's docstring; where views are mixed, their labels count in proportion."""
        config = self.config
        frames = torch.from_numpy(batch.frames).to(self.device).float()
        targets, teacher_maps = self.teachers(frames, config.temperature)
        scores, maps = self.student(frames)
        logs = functional.log_softmax(scores.float() / config.temperature, 1)
        loss = config.temperature**2 * functional.kl_div(logs, targets, reduction="batchmean")
        error = map_error(first(maps, _MAP_FRAMES), first(teacher_maps, _MAP_FRAMES), self.map_scales, _LAST_MAP)
        loss = loss + config.feature_map_weight * error
        self.agreements.append(float((scores.detach().argmax(1) == targets.argmax(1)).float().mean()))
        for pictures, fraction in ((batch.pictures, batch.mix_ratio), (batch.mixed_in, 1 - batch.mix_ratio)):
            labels = self.labels[torch.from_numpy(pictures).to(self.device)]
            if fraction and (labels >= 0).any():
                loss = loss + config.label_weight * fraction * functional.cross_entropy(scores.float(), labels, ignore_index=-1)
        return loss

    def _control(self) -> None:
        """Choose masks, the bits of codes and the multiplier anew."""
        self.rate.steer(self._export(), self.step)
        for name in self.task.start.layers:
            layer = _rate_layer(self.student, name)
            if self.step < SETTLED * self.config.steps:
                layer.select(self.rate.count(name, self.step))
            layer.count_bits()
            layer.price = self.rate.multiplier * self.task.goal.prices[name]
            layer.measuring = True

    def _export(self, price: float = 1.0, density: float = 1.0) -> Model:
        """The average as a model, with factors on the multiplier and on the number of weights that are kept."""
        for name in self.task.start.layers:
            now, mean = _rate_layer(self.student, name), _rate_layer(self.average, name)
            for buffer in ("kept", "bits", "input_power"):
                getattr(mean, buffer).copy_(getattr(now, buffer))
            mean.price = price * self.rate.multiplier * self.task.goal.prices[name]
            if density < 1:
                mean.prune(int(density * int(now.kept.sum())))
        model: Model = self.average.to_model()
        return model

    def _fitted(self) -> Model | None:
        """The average as a model that meets the goal, smaller than trained where it has to be; None where that does not suffice."""
        for attempt in range(_FITS):
            self.progress("fitting the limits" if attempt else "evaluating")
            model = self._export(_FIT_PRICE**attempt, _FIT_DENSITY**attempt)
            if self.task.goal.is_met(model):
                if self.task.goal.work:  # prune as far in training, too
                    self.rate.tightness *= _FIT_DENSITY**attempt
                return model
        return None

    def _evaluate(self) -> None:
        """Add an entry to the curve; after pruning, keep the best model."""
        pruned = self.step > 0 and self.rate.progress(self.step) == 0
        fitted = self._fitted() if pruned else None
        model = fitted or self._export()
        begun = time.monotonic()
        metrics = self.held_out.evaluate(model)
        self.evaluation_seconds = time.monotonic() - begun
        data, layers = encode_model(model), model.layers.values()
        self.curve.append(
            {
                "step": self.step,
                "loss": float(np.mean(self.losses)) if self.losses else None,
                "agreement_on_views": float(np.mean(self.agreements)) if self.agreements else None,
                "density": sum(layer.nonzero for layer in layers) / sum(layer.codes.size for layer in layers),
                "multiplier": self.rate.multiplier,
                "bytes": len(data),
                "meets_limits": fitted is not None,
                "held_out": metrics.as_dict(),
            }
        )
        self.losses, self.agreements = [], []
        if fitted and (self.best is None or metrics.rank > self.best[1].rank):
            self.best = torch.frombuffer(bytearray(data), dtype=torch.uint8), metrics, self.step

    def _make_views(self) -> Views:
        config, pictures = self.config, self.task.pictures
        if config.balance == "class" and not self.classes:
            self.classes = predicted_classes(pictures, self.teachers, self.device, self.progress)
        kinds: dict[str, Sequence[object]] = {"class": self.classes, "folder": pictures.folders, "none": list(range(len(pictures)))}
        probabilities = drawing_probabilities(kinds[config.balance])
        return Views(pictures, probabilities, config.seed, config.batch, round(config.small_fraction * config.steps))

    def _begin(self) -> None:
        """What is found out once, before the first step: the real value of one step of each feature map's bytes."""
        frames = torch.from_numpy(self.views.make(0).frames).to(self.device).float()
        with torch.no_grad():
            self.map_scales = map_scales(self.student(frames)[1], self.teachers.source(frames)[1])
        self._save()

    def _save(self) -> None:
        best = self.best and [self.best[0], self.best[1].as_dict(), self.best[2]]
        self.checkpoint.save(
            self.step,
            student=self.student.state_dict(),
            average=self.average.state_dict(),
            optimiser=self.optimiser.state_dict(),
            rate=self.rate.state(),
            prices=[_rate_layer(self.student, name).price for name in self.task.start.layers],
            curve=self.curve,
            recent=[self.losses, self.agreements],
            best=best,
            classes=self.classes,
            map_scales=self.map_scales,
            seconds=self.seconds,
        )

    def _restore(self, state: dict[str, Any]) -> None:
        self.student.load_state_dict(state["student"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.rate.restore(state["rate"])
        for name, price in zip(self.task.start.layers, state["prices"], strict=True):
            _rate_layer(self.student, name).price = price
        self.curve, (self.losses, self.agreements) = state["curve"], state["recent"]
        self.best = state["best"] and (state["best"][0].cpu(), HeldOutMetrics(**state["best"][1]), state["best"][2])
        self.classes, self.map_scales, self.seconds = state["classes"], state["map_scales"], state["seconds"]
        self.step = int(state["step"])

    def _say_duration(self, pace: Pace) -> None:
        left = pace.seconds(self.step)
        each = left / max(1, self.config.steps - self.step)
        views = f"{self.config.steps - self.step:,} more steps of {self.config.batch} views"
        rate = f"{self.config.batch / each if each else 0:.1f} views a second"
        self.say(f"{views} take about {duration(left + self._evaluations_left())}, at {rate}; interrupted, the same command continues")

    def _evaluations_left(self) -> float:
        """Seconds that further evaluations take."""
        config = self.config
        return self.evaluation_seconds * (config.evaluations - self.step * config.evaluations // config.steps)

    def _line(self, entry: dict[str, Any]) -> str:
        loss = "" if entry["loss"] is None else f"loss {entry['loss']:.3f}, {entry['agreement_on_views']:.1%} of views as the teachers, "
        held_out = HeldOutMetrics(**entry["held_out"]).describe()
        return f"step {entry['step']:,} of {self.config.steps:,}: {loss}{held_out}, {entry['bytes']:,} bytes"

    def _metadata(self, metrics: HeldOutMetrics, step: int) -> dict[str, str]:
        """The metadata of the trained model: those of the start, and what it says about its training."""
        config, pictures = self.config, self.task.pictures
        teachers = [model.metadata.get("source", model.metadata.get("name", model.network.name)) for model in self.task.teachers]
        return {
            **self.task.start.metadata,
            "distilled": f"{config.steps} steps, seed {config.seed}",
            "distillation pictures": f"{len(pictures)} pictures in {len(set(pictures.folders))} folders",
            "distillation sha256": pictures.sha256,
            "distillation held out": f"{metrics.describe()} at step {step}, the best of {config.evaluations} evaluations",
            **({"further teachers": "; ".join(teachers)} if teachers else {}),
        }


def _rate_layer(student: Student, name: str) -> RateLayer:
    layer = student.layer(name)
    assert isinstance(layer, RateLayer)
    return layer
