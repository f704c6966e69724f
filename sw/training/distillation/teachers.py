# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Several teachers: the mean of their probabilities is the target (arXiv:1503.02531); feature maps are those of the source alone."""

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ...errors import FirebrickError
from ...model.float_digest import float_digest
from ...model.float_model import FloatModel
from ...model.quantized import LUMINANCE
from ..torch_backend import FeatureMaps
from .student_teacher import Teacher


class Teachers(nn.Module):
    """The float network that a student is made from, and further ones, each with its own mean and input size.

    Args:
        source: the first teacher, whose feature maps count.
        others: further teachers.
        dtype: of the feature maps.

    Raises FirebrickError for a teacher whose input or classes cannot be converted.
    """

    def __init__(self, source: FloatModel, others: Sequence[FloatModel], dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.source = Teacher(source, dtype)
        self.others = nn.ModuleList(_Converted(source, other, dtype) for other in others)
        digest = hashlib.sha256()
        for model in (source, *others):
            digest.update(float_digest(model, model.network, model.preprocessing, model.labels).digest())
        self.sha256 = digest.hexdigest()
        """Digest of all that determines what the teachers say."""

    @torch.no_grad()
    def forward(self, frames: Tensor, temperature: float = 1.0) -> tuple[Tensor, FeatureMaps]:
        """The mean of the probabilities at a temperature, (frames, classes), and the source's feature maps; ``frames`` are bytes."""
        scores, maps = self.source(frames)
        probabilities = functional.softmax(scores.float() / temperature, 1)
        for other in self.others:
            probabilities = probabilities + functional.softmax(other(frames).float() / temperature, 1)
        return probabilities / (1 + len(self.others)), maps


class _Converted(nn.Module):
    """A teacher that sees the views of the source, in its own size and channels, and whose classes are put in the source's order."""

    order: Tensor

    def __init__(self, source: FloatModel, other: FloatModel, dtype: torch.dtype) -> None:
        super().__init__()
        ours, theirs = source.network.input, other.network.input
        if ours.channels != theirs.channels and (ours.channels, theirs.channels) != (3, 1):
            raise FirebrickError(
                f"teacher {_name(other)} sees {theirs.channels} channels, and {_name(source)} {ours.channels}; take one that sees as many"
            )
        self.teacher = Teacher(other, dtype)
        self.scales = (theirs.height / ours.height, theirs.width / ours.width)
        self.grey = theirs.channels < ours.channels
        self.register_buffer("order", torch.from_numpy(_class_order(source, other)))

    def forward(self, frames: Tensor) -> Tensor:
        """Scores before softmax, in the order of the source's classes."""
        if self.grey:
            luminance = torch.tensor(LUMINANCE, device=frames.device)[:, None, None]
            frames = (frames * luminance).sum(1, keepdim=True).round()
        if self.scales != (1.0, 1.0):
            rows, columns = (round(side * scale) for side, scale in zip(frames.shape[2:], self.scales, strict=True))
            frames = functional.interpolate(frames, (rows, columns), mode="bilinear", antialias=True)
        scores: Tensor = self.teacher(frames)[0]
        return scores[:, self.order]


def _class_order(source: FloatModel, other: FloatModel) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The index of each of the source's classes among the other's; raises FirebrickError unless both have the same."""
    if source.labels == other.labels:
        return np.arange(len(source.labels))
    index = {label: position for position, label in enumerate(other.labels)}
    if len(index) < len(other.labels) or set(index) != set(source.labels) or len(source.labels) != len(other.labels):
        unknown = next((label for label in source.labels if label not in index), source.labels[0])
        raise FirebrickError(
            f"teacher {_name(other)} has other classes than {_name(source)} ({len(other.labels)} and {len(source.labels)}; "
            f"{unknown!r} for one); take one with the same names of classes"
        )
    return np.array([index[label] for label in source.labels])


def _name(model: FloatModel) -> str:
    return model.metadata.get("name", model.network.name)
