# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Layers of Caffe that scale and shift channels: BatchNorm, Scale, Bias and Power. They become part of the convolutions beside them."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..affine_operators import affine
from ..feature_graph import FeatureNode, unsupported
from ..filters import Affine

_BATCH_NORM_EPS = 1e-5  # Caffe's default


class LayerReader(Protocol):
    """What reads the layers of a file."""

    def source(self, where: str, layer: Any, index: int = 0) -> FeatureNode:
        """The maps that a layer reads."""

    def blob(self, where: str, blob: Any) -> NDArray[np.float32]:
        """The numbers of a layer."""


def _power(reader: LayerReader, where: str, layer: Any) -> FeatureNode:
    source, settings = reader.source(where, layer), layer.power_param
    if settings.HasField("power") and settings.power != 1:
        raise unsupported(where, f"power must be 1, not {settings.power:g}")
    scale = settings.scale if settings.HasField("scale") else 1.0
    channels = source.shape.channels
    return affine(where, source, Affine(np.full(channels, scale, np.float64), np.full(channels, settings.shift, np.float64)))


def _batch_norm(reader: LayerReader, where: str, layer: Any) -> FeatureNode:
    """``(x - mean) / sqrt(variance + eps)``; mean and variance are sums, to be divided by the third blob."""
    source = reader.source(where, layer)
    if len(layer.blobs) != 3:
        raise unsupported(where, f"must have mean, variance and their weight, not {len(layer.blobs)} blobs")
    mean, variance, weight = (reader.blob(where, blob).reshape(-1).astype(np.float64) for blob in layer.blobs)
    if len(weight) != 1 or not len(mean) == len(variance) == source.shape.channels:
        raise unsupported(where, f"must have {source.shape.channels} means and variances, one a channel, and one weight")
    factor = 1 / weight[0] if weight[0] else 0.0
    eps = layer.batch_norm_param.eps if layer.batch_norm_param.HasField("eps") else _BATCH_NORM_EPS
    with np.errstate(divide="ignore", invalid="ignore"):  # `affine` refuses what is not finite
        scale = 1 / np.sqrt(variance * factor + eps)
        return affine(where, source, Affine(scale, -mean * factor * scale))


def _scale(reader: LayerReader, where: str, layer: Any) -> FeatureNode:
    """One factor a channel and, with ``bias_term``, one number to add."""
    source, settings = reader.source(where, layer), layer.scale_param
    blobs = 2 if settings.bias_term else 1
    if len(layer.blobs) != blobs or (settings.HasField("axis") and settings.axis not in (1, -3)):
        raise unsupported(where, "must scale channels, axis 1, by numbers of its own")
    return _per_channel(reader, where, source, layer, [0, 1][:blobs])


def _bias(reader: LayerReader, where: str, layer: Any) -> FeatureNode:
    """One number to add for each channel."""
    settings = layer.bias_param
    if len(layer.blobs) != 1 or (settings.HasField("axis") and settings.axis not in (1, -3)):
        raise unsupported(where, "must add numbers of its own to channels, axis 1")
    return _per_channel(reader, where, reader.source(where, layer), layer, [1])


def _per_channel(reader: LayerReader, where: str, source: FeatureNode, layer: Any, roles: Sequence[int]) -> FeatureNode:
    """Scale (0) and shift (1) of each channel, from the blobs with these roles."""
    channels = source.shape.channels
    numbers = [np.ones(channels), np.zeros(channels)]
    for role, blob in zip(roles, layer.blobs, strict=True):
        numbers[role] = reader.blob(where, blob).reshape(-1).astype(np.float64)
        if len(numbers[role]) != channels:
            raise unsupported(where, f"must have {channels} numbers, one a channel, not {len(numbers[role])}")
    return affine(where, source, Affine(*numbers))


AFFINE_LAYERS: dict[str, Callable[[Any, str, Any], FeatureNode]] = {
    "BatchNorm": _batch_norm,
    "Bias": _bias,
    "Power": _power,
    "Scale": _scale,
}
