# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Image normalisation of foreign networks, folded into the first layer, so that the input is RGB bytes minus a mean.

With weights w for (byte - mean) / std, the layer's sum is w / std * (byte - mean): the mean stays, the standard deviation is divided into
the weights, and BGR becomes another order of the input channels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from firebrick.sw.errors import FirebrickError
from firebrick.sw.model.float_model import FloatModel
from firebrick.sw.model.padding_as_border import padding_as_border
from firebrick.sw.model.quantized import Preprocessing
from firebrick.sw.network.graph import Conv

from .class_names import imagenet_class_names
from .filters import Filters
from .fire_matcher import MatchedNetwork

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Normalisation:
    """Training saw (byte - mean) / std of each channel; all numbers are for bytes 0 to 255 and in the order R, G, B."""

    mean: Triple
    std: Triple
    bgr: bool = False
    """The network's channels come in the order B, G, R."""
    crop: float = 1.0
    """Fraction of the image's short side that the central crop keeps."""
    assumed: bool = False
    """Neither user nor file says it; it is the usual one of such files."""

    def verify(self) -> None:
        """Raise FirebrickError unless means are 0 to 255, standard deviations positive and finite, and the crop above 0 to 1."""
        if not all(0 <= value <= 255 for value in self.mean):
            raise FirebrickError(f"mean must be three numbers from 0 to 255, not {self.mean}")
        if not all(0 < value < math.inf for value in self.std):
            raise FirebrickError(f"std must be three positive numbers, not {self.std}")
        if not 0 < self.crop <= 1:
            raise FirebrickError(f"crop must be above 0 and at most 1, not {self.crop}")


TORCH = Normalisation((123.675, 116.28, 103.53), (58.395, 57.12, 57.375), crop=224 / 256)
"""torchvision's: (x / 255 - mean) / std with mean 0.485, 0.456, 0.406 and std 0.229, 0.224, 0.225; 224 pixels of 256."""
CAFFE = Normalisation((123.0, 117.0, 104.0), (1.0, 1.0, 1.0), bgr=True)
"""Caffe's; both published SqueezeNets were trained with it."""
CONVENTIONS = {
    "torch": TORCH,
    "caffe": CAFFE,
    "unit": Normalisation((0.0, 0.0, 0.0), (255.0, 255.0, 255.0), crop=TORCH.crop),
    "signed": Normalisation((127.5, 127.5, 127.5), (127.5, 127.5, 127.5), crop=TORCH.crop),
    "bytes": Normalisation((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), crop=TORCH.crop),
    "torch-bgr": replace(TORCH, bgr=True),
    "caffe-rgb": replace(CAFFE, bgr=False),
}
"""The usual ones by name: also 0 to 1, -1 to 1, the bytes themselves, and torchvision's and Caffe's with the other order of channels."""
ASSUMED = " (assumed)"
"""How the metadata of a network ends whose normalisation nobody told."""


def with_input_affine(normalisation: Normalisation, matched: MatchedNetwork) -> Normalisation:
    """The normalisation, followed by what the network itself computes of its input before the first convolution.

    With s and h that scale and shift, ``s * (byte - mean) / std + h`` is ``(byte - (mean - h * std / s)) / (std / s)``. Raises
    FirebrickError for a scale that is not positive.
    """
    if matched.input_affine is None:
        return normalisation
    scale, shift = (np.broadcast_to(numbers, 3) for numbers in (matched.input_affine.scale, matched.input_affine.shift))
    if not (scale > 0).all():
        raise FirebrickError("the network scales its input by a number that is not positive")
    if normalisation.bgr:
        scale, shift = scale[::-1], shift[::-1]
    std = np.array(normalisation.std) / scale
    mean = np.array(normalisation.mean) - shift * std
    return replace(normalisation, mean=triple(mean), std=triple(std))


def triple(numbers: NDArray[np.float64]) -> Triple:
    """Numbers of the channels as R, G and B, one number for all three; rounded to the digits that a normalisation is written with."""
    red, green, blue = (round(float(number), 6) for number in np.broadcast_to(numbers, 3))
    return red, green, blue


def build_float_model(
    matched: MatchedNetwork, normalisation: Normalisation, labels: Sequence[str] | None, metadata: dict[str, str]
) -> FloatModel:
    """The float model of a matched network, with standard deviation and channel order folded into its first layer.

    Folding is exact but for rounding to 32 bits. Without ``labels``, 1000 classes get ImageNet's names and others get numbers. Published
    codebooks are kept; that of the first layer only if all channels have one standard deviation, since otherwise each channel would need
    its own. Raises FirebrickError when the network does not take RGB or grey images, or an image is to be scaled too large.
    """
    normalisation.verify()
    network = matched.network
    first = network.stages[0]
    if not isinstance(first, Conv):
        raise FirebrickError(f"the first stage must be a convolution, to take up the mean, not {first.name}")
    if network.input.channels not in (1, 3):
        raise FirebrickError(f"the input must have 3 channels, R, G and B, or 1 for grey, not {network.input.channels}")
    if network.input.channels == 1 and len({*normalisation.std}) > 1:
        raise FirebrickError("the input is grey; give its standard deviation as three equal numbers: --std S,S,S")
    filters = matched.filters | {first.name: _fold(matched.filters[first.name], normalisation)}
    if labels is None:
        labels = imagenet_class_names() if network.classes == 1000 else [f"class {index}" for index in range(network.classes)]
    preprocessing = Preprocessing(1, normalisation.mean, matched.input_border)
    image = preprocessing.image_shape(network.input)
    preprocessing = replace(preprocessing, resize=round(max(image.height, image.width) / normalisation.crop))
    if matched.changes:
        metadata = metadata | {"changed": "; ".join(matched.changes)}
    with np.errstate(over="ignore", invalid="ignore"):  # what becomes infinite is refused by the model
        weights = {name: layer.weights.astype(np.float32) for name, layer in filters.items()}
        biases = {name: layer.bias.astype(np.float32) for name, layer in filters.items()}
    model = FloatModel(
        network,
        weights,
        biases,
        preprocessing,
        tuple(labels),
        {name: layer.codebook_weights for name, layer in filters.items() if layer.codebook_weights is not None},
        metadata | {"normalisation": describe(normalisation) + ASSUMED * normalisation.assumed},
    )
    model = padding_as_border(model)
    model.verify()
    return model


def _fold(filters: Filters, normalisation: Normalisation) -> Filters:
    """The first layer's filters for RGB bytes minus the mean."""
    grey = filters.weights.shape[1] == 1
    if normalisation.bgr and not grey:
        filters = filters.permuted(channels=np.array([2, 1, 0]))
    std = np.array(normalisation.std[: 1 if grey else 3])
    coded = None
    if filters.codebook_weights is not None and len(set(normalisation.std)) == 1:
        coded = replace(filters.codebook_weights, codebook=(filters.codebook_weights.codebook / std[0]).astype(np.float32))
    with np.errstate(over="ignore", invalid="ignore"):
        weights = coded.values if coded else filters.weights / std[:, None, None]
    return Filters(weights, filters.bias, coded)


def describe(normalisation: Normalisation) -> str:
    """The normalisation in words."""
    mean, std = (", ".join(f"{value:g}" for value in triple) for triple in (normalisation.mean, normalisation.std))
    return f"bytes minus ({mean}), divided by ({std}), in the order {'BGR' if normalisation.bgr else 'RGB'}"
