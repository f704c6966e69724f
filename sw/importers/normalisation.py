# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What was done to pictures in training becomes part of the first layer, so that RGB bytes minus a mean are the input."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from firebrick.sw.errors import FirebrickError
from firebrick.sw.fire_format.metadata import WEIGHTS_MAX
from firebrick.sw.model.float_model import FloatModel
from firebrick.sw.model.quantized import Preprocessing
from firebrick.sw.network.graph import Conv

from .class_names import imagenet_class_names
from .feature_graph import Filters
from .fire_matcher import MatchedNetwork

MAP_MAX = 1 << 24
"""Most values of a feature map, so that a small file cannot ask for much memory; SqueezeNet's largest has 1.2 million."""
Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Normalisation:
    """The network saw (byte - mean) / std of each channel; all numbers are for bytes 0 to 255 and in the order R, G, B."""

    mean: Triple
    std: Triple
    bgr: bool = False
    """The network's channels come in the order B, G, R."""
    crop: float = 1.0
    """Share of the picture's short side that the network saw."""

    def verify(self) -> None:
        """Raise FirebrickError unless every number is finite, a mean 0 to 255, a std and the crop positive."""
        if not all(0 <= value <= 255 for value in self.mean):
            raise FirebrickError(f"mean must be three numbers from 0 to 255, not {self.mean}")
        if not all(0 < value < math.inf for value in self.std):
            raise FirebrickError(f"std must be three positive numbers, not {self.std}")
        if not 0 < self.crop <= 1:
            raise FirebrickError(f"crop must be above 0 and at most 1, not {self.crop}")


TORCH = Normalisation((123.675, 116.28, 103.53), (58.395, 57.12, 57.375), crop=224 / 256)
"""torchvision's: (x / 255 - mean) / std with mean 0.485, 0.456, 0.406 and std 0.229, 0.224, 0.225; 224 pixels of 256."""
CAFFE = Normalisation((123.0, 117.0, 104.0), (1.0, 1.0, 1.0), bgr=True)
"""Caffe's, with which both published SqueezeNets were trained."""


def build_float_model(
    found: MatchedNetwork, normalisation: Normalisation, labels: Sequence[str] | None, metadata: dict[str, str]
) -> FloatModel:
    """The network with std and channel order folded into its first layer, exactly but for rounding to 32 bits.

    Without ``labels``, 1000 classes are ImageNet's and others have numbers. Published codebooks are kept; the first layer's only where
    std is one for all channels, as its weights are scaled channel by channel else.
    """
    normalisation.verify()
    network = found.network
    first = network.stages[0]
    if not isinstance(first, Conv):
        raise FirebrickError(f"the first stage must be a convolution, to take up the mean, not {first.name}")
    if network.input.channels not in (1, 3):
        raise FirebrickError(f"the input must have 3 channels, R, G and B, or 1 for grey, not {network.input.channels}")
    if network.input.channels == 1 and len({*normalisation.std}) > 1:
        raise FirebrickError("the input is grey; say what it was divided by with three equal numbers: --std S,S,S")
    if sum(layer.weights for layer in network.layers()) > WEIGHTS_MAX:
        raise FirebrickError(f"network {network.name}: all layers together must have at most {WEIGHTS_MAX} weights")
    filters = found.filters | {first.name: _folded(found.filters[first.name], normalisation)}
    for shape in (network.input, *(layer.output for layer in network.layers())):
        if shape.channels * shape.height * shape.width > MAP_MAX:
            raise FirebrickError(f"network {network.name}: a feature map must have at most {MAP_MAX} values, not {shape}")
    if labels is None:
        labels = imagenet_class_names() if network.classes == 1000 else [f"class {index}" for index in range(network.classes)]
    resize = round(max(network.input.height, network.input.width) / normalisation.crop)
    if found.changed:
        metadata = metadata | {"changed": "; ".join(found.changed)}
    model = FloatModel(
        network,
        {name: each.weights for name, each in filters.items()},
        {name: each.bias for name, each in filters.items()},
        Preprocessing(resize, normalisation.mean),
        tuple(labels),
        {name: each.codebook_weights for name, each in filters.items() if each.codebook_weights is not None},
        metadata | {"normalisation": _words(normalisation)},
    )
    model.verify()
    return model


def _folded(filters: Filters, normalisation: Normalisation) -> Filters:
    grey = filters.weights.shape[1] == 1
    if normalisation.bgr and not grey:
        filters = filters.permuted(channels=np.array([2, 1, 0]))
    std = np.array(normalisation.std[: 1 if grey else 3])
    coded = None
    if filters.codebook_weights is not None and len(set(normalisation.std)) == 1:
        coded = replace(filters.codebook_weights, codebook=(filters.codebook_weights.codebook / std[0]).astype(np.float32))
    with np.errstate(over="ignore", invalid="ignore"):  # what becomes infinite is refused by the model
        weights = coded.values if coded else (filters.weights / std[:, None, None]).astype(np.float32)
    return Filters(weights, filters.bias, coded)


def _words(normalisation: Normalisation) -> str:
    mean, std = (", ".join(f"{value:g}" for value in triple) for triple in (normalisation.mean, normalisation.std))
    return f"bytes minus ({mean}), divided by ({std}), in the order {'BGR' if normalisation.bgr else 'RGB'}"
