# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What distillations share: learning rates, and the error of feature maps."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..torch_backend import FeatureMaps
from .student_teacher import Student

WARM_UP = 50
"""Steps in which the learning rate rises."""
_CENTROID_RATE = 0.25
"""Learning rate of centroids relative to that of weights: a centroid's gradient is the sum of those of many weights."""
MAX_RATE = "top"
"""Key of a parameter group's maximum learning rate; the optimiser's state in checkpoints has it, so it keeps its name."""


def parameter_groups(student: Student, rate: float) -> list[dict[str, Any]]:
    """A parameter group for each layer's weights, centroids and biases, whose learning rate is ``rate`` relative to their magnitude."""
    groups: list[dict[str, Any]] = []
    for name in student.model.layers:
        layer = student.layer(name)
        weights = layer.latent.detach()[layer.kept]
        magnitude = float(weights.square().mean().sqrt()) if len(weights) else 1.0
        zero_point = 0 if layer.conv.relu else student.model.zero_point  # a part of the bias that is not to be learnt
        bias = float((layer.bias.detach() - zero_point).abs().mean()) + 1
        magnitudes = [(layer.latent, magnitude), (layer.centroids, _CENTROID_RATE * magnitude), (layer.bias, bias / 2)]
        groups.extend({"params": [values], "lr": 0.0, MAX_RATE: rate * scale} for values, scale in magnitudes)
    return groups


def rate_schedule(step: int, steps: int, warm_up: int = WARM_UP) -> float:
    """The learning rate as a fraction of its maximum: a linear warm-up, times half a cosine from 1 to 0."""
    return float(min(1.0, (step + 1) / warm_up) * (1 + np.cos(np.pi * step / steps)) / 2)


def map_scales(maps: FeatureMaps, teacher_maps: FeatureMaps) -> list[float]:
    """The real value of one step of each feature map's bytes: the least squares fit to the teacher's maps, <q, x> / <q, q>."""
    pairs = zip(maps, teacher_maps, strict=True)
    return [float((bytes_.float() * real.float()).sum() / bytes_.float().square().sum().clamp(min=1e-9)) for bytes_, real in pairs]


class _FirstFrames(torch.autograd.Function):
    """``maps[:frames]``, whose gradient has the memory layout of the maps.

    The gradient of a slice is contiguous instead, and all layers before it then convert between layouts, a third of a training step.
    """

    @staticmethod
    def forward(ctx: Any, maps: Tensor, frames: int) -> Tensor:
        ctx.like, ctx.frames = maps.detach(), frames
        return maps[:frames]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        whole = torch.zeros_like(ctx.like)
        whole[: ctx.frames] = gradients[0]
        return whole, None


def first(maps: FeatureMaps, frames: int) -> FeatureMaps:
    """The feature maps of the first frames of a batch."""
    return [_FirstFrames.apply(one, frames) for one in maps]


def map_error(maps: FeatureMaps, teacher_maps: FeatureMaps, scales: list[float], last_weight: float | None = None) -> Tensor:
    """Squared error of the feature maps relative to the teacher's, averaged over the maps.

    ``last_weight`` is the share of the last map in the average, 0 to 1; None for the same as the others.
    """
    errors = []
    for student_map, target, scale in zip(maps, teacher_maps, scales, strict=True):
        error = functional.mse_loss(student_map * scale, target).float()
        errors.append(error / target.float().square().mean().clamp(min=1e-9))
    if last_weight is None or len(errors) == 1:
        return torch.stack(errors).mean()
    return (1 - last_weight) * torch.stack(errors[:-1]).mean() + last_weight * errors[-1]
