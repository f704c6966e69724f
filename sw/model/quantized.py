# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The quantised model: a network with integer weights, which hardware computes bit for bit (see docs/numerics.md)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..errors import FirebrickError
from ..network.graph import Fire, Layer, Network, Shape
from ..network.limits import RESIZE_MAX
from ..network.stored_fields import LATER, stored_repr

ACTIVATION_MAX = 255
"""Largest pixel; every activation is an unsigned byte."""
CENTROID_BITS = 12
"""Width of a centroid, sign included: a product with a pixel stays below 2^20."""
CENTROID_MAX = (1 << (CENTROID_BITS - 1)) - 1
SHIFT_MAX = 24
"""Largest right shift from accumulator to activation."""
LUMINANCE = (0.299, 0.587, 0.114)
"""Weights of R, G and B in the luminance (ITU-R BT.601)."""
Border = tuple[int, int, int, int]
"""Pixels at the top, left, bottom and right of an image."""
NO_BORDER: Border = (0, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class QuantizedLayer:
    """The integers of one convolution.

        out = clamp((sum(codebook[codes] * in) + bias + 2^(shift-1)) >> shift, 0, 255)

    The rounding term 2^(shift-1) is 0 when shift is 0.
    """

    codes: NDArray[np.uint8]
    """Codebook indices, shape (filters, input channels, kernel, kernel); code 0 is a zero weight."""
    codebook: NDArray[np.int32]
    """2^bits centroids, each within CENTROID_BITS signed bits; the first is 0."""
    bias: NDArray[np.int64]
    """One per filter, in accumulator units, without the rounding term."""
    shift: int
    """Right shift from accumulator to activation, 0 to SHIFT_MAX."""

    @property
    def bits(self) -> int:
        """Width of a codebook index."""
        return (len(self.codebook) - 1).bit_length()

    @property
    def nonzero(self) -> int:
        """Number of weights whose code is not 0."""
        return int(np.count_nonzero(self.codes))

    @property
    def weights(self) -> NDArray[np.int32]:
        """The weights as integers, in the shape of the codes."""
        return self.codebook[self.codes]

    @cached_property
    def filter_nonzero(self) -> NDArray[np.int64]:
        """Number of non-zero weights of each filter; a weight is zero by its value, whatever its code."""
        return np.asarray(np.count_nonzero((self.codebook != 0)[self.codes], axis=(1, 2, 3)), np.int64)

    @property
    def accumulator_init(self) -> NDArray[np.int64]:
        """Initial value of each filter's accumulator: bias + rounding term."""
        return self.bias + ((1 << self.shift) >> 1)

    def accumulator_range(self) -> tuple[int, int]:
        """The smallest and the largest value of any partial sum, in any order of summation.

        Proven from the weights: pixels are 0..255, so a sum lies between accumulator_init + 255 * (sum of its negative weights) and
        accumulator_init + 255 * (sum of its positive weights). Leaving products out keeps a sum between these bounds.
        """
        flat = self.weights.reshape(len(self.bias), -1).astype(np.int64)
        low = self.accumulator_init + ACTIVATION_MAX * np.minimum(flat, 0).sum(axis=1)
        high = self.accumulator_init + ACTIVATION_MAX * np.maximum(flat, 0).sum(axis=1)
        return min(0, int(low.min())), max(0, int(high.max()))

    @cached_property
    def accumulator_bits(self) -> int:
        """Width of a two's complement accumulator that cannot overflow."""
        low, high = self.accumulator_range()
        return max((-low - 1).bit_length(), high.bit_length()) + 1


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes the network's input: resized, cropped to the centre, in bytes. The mean is folded into conv1's bias.

    A network with three input channels reads R, G and B; one with a single channel reads their luminance (ITU-R BT.601).

    A border of the mean colour stands for the zeros with which a float network's first convolution pads its input, image minus mean. The
    network's input has the border, and its first convolution needs no padding then. A float network computes with 0 there, which is
    exact; an integer network has the mean colour rounded to bytes.
    """

    resize: int
    """Length in pixels of the image's short side, before the central crop to the input's size."""
    mean: tuple[float, float, float]
    """Subtracted from R, G and B by the float network, in byte units."""
    border: Border = field(default=NO_BORDER, metadata=LATER)
    """Pixels of the mean colour that are put around the cropped image."""

    def __repr__(self) -> str:
        return stored_repr(self)

    def verify(self, frame: Shape) -> None:
        """Raise FirebrickError unless images can become a network's input of this shape."""
        if not 1 <= self.resize <= RESIZE_MAX:
            raise FirebrickError(f"the length of an image's short side before the crop must be 1 to {RESIZE_MAX} pixels, not {self.resize}")
        image = self.image_shape(frame)
        if min(self.border) < 0 or min(image.height, image.width) < 1:
            raise FirebrickError(f"a border of {self.border} pixels must leave some of the input for an image, {frame}")
        if self.has_border and not all(0 <= value <= ACTIVATION_MAX for value in self.mean):
            raise FirebrickError(f"the mean must be a colour, 0 to {ACTIVATION_MAX}, where images have a border of it, not {self.mean}")

    @property
    def has_border(self) -> bool:
        """Whether there is a border on any side."""
        return any(self.border)

    def image_shape(self, frame: Shape) -> Shape:
        """The part of a network's input that shows the image."""
        top, left, bottom, right = self.border
        return Shape(frame.channels, frame.height - top - bottom, frame.width - left - right)

    def frame_shape(self, image: Shape) -> Shape:
        """The network's input for cropped images of this shape: with the border."""
        top, left, bottom, right = self.border
        return Shape(image.channels, image.height + top + bottom, image.width + left + right)

    def border_colour(self, channels: int) -> tuple[int, ...]:
        """The byte of each channel in the border: the mean, rounded."""
        return tuple(round(mean) for mean in self.means(channels))

    def means(self, channels: int) -> tuple[float, ...]:
        """The mean of each of 3 channels; for any other number of channels, the mean's luminance for each."""
        if channels == 3:
            return self.mean
        return (sum(weight * mean for weight, mean in zip(LUMINANCE, self.mean, strict=True)),) * channels


@dataclass(frozen=True, eq=False)
class Model:
    """A quantised network, with all that is needed to use it: preprocessing, class names, score scale and provenance."""

    network: Network
    layers: dict[str, QuantizedLayer]
    """By layer name, in the order of ``network.layers()``."""
    preprocessing: Preprocessing
    labels: tuple[str, ...]
    """Class names in the order of the scores."""
    score_scale: float
    """A score, which is an integer sum over all positions, times this is the float network's output before softmax."""
    metadata: dict[str, str] = field(default_factory=dict)
    """Provenance, licence, calibration and command, as human-readable text."""
    zero_point: int = 0
    """The byte of the last feature maps that stands for 0; it is subtracted at every position. 0 where the last convolution has a ReLU."""

    def verify(self) -> None:
        """Raise FirebrickError unless network and integers fit together."""
        self.network.verify()
        self.network.verify_totals()
        self.preprocessing.verify(self.network.input)
        expected = self.network.layers()
        if list(self.layers) != [layer.name for layer in expected]:
            raise FirebrickError(f"model of {self.network.name}: layers must be those of the network, in its order")
        for layer in expected:
            for problem in _layer_problems(layer, self.layers[layer.name]):
                raise FirebrickError(f"layer {layer.name}: {problem}")
        for stage in self.network.stages:
            if isinstance(stage, Fire):
                expand = [f"{stage.name}/{part}" for part in ("expand1x1", "expand3x3")]
                shifts = {self.layers[name].shift for name in expand if name in self.layers}
                if len(shifts) > 1:
                    raise FirebrickError(f"stage {stage.name}: both kinds of expand filters must have one shift, not {sorted(shifts)}")
        if not (math.isfinite(self.score_scale) and self.score_scale > 0):
            raise FirebrickError(f"score_scale must be a positive number, not {self.score_scale}")
        if not 0 <= self.zero_point <= (ACTIVATION_MAX if self.network.signed_scores else 0):
            allowed = f"0 to {ACTIVATION_MAX}" if self.network.signed_scores else "0, as the last convolution has a ReLU"
            raise FirebrickError(f"zero_point must be {allowed}, not {self.zero_point}")
        if len(self.labels) != self.network.classes:
            raise FirebrickError(f"labels must be {self.network.classes}, one a class, not {len(self.labels)}")


def _layer_problems(layer: Layer, quantized: QuantizedLayer) -> Iterator[str]:
    """What makes a layer's integers illegal, worded for messages."""
    limit = 1 << (CENTROID_BITS - 1)
    codes, codebook, bias = quantized.codes, quantized.codebook, quantized.bias
    if [part.dtype.name for part in (codes, codebook, bias)] != ["uint8", "int32", "int64"]:
        yield f"codes, codebook and biases must be uint8, int32 and int64, not {codes.dtype}, {codebook.dtype} and {bias.dtype}"
    if codes.shape != layer.weight_shape:
        yield f"codes must have shape {layer.weight_shape}, not {codes.shape}"
    if bias.shape != (layer.conv.filters,):
        yield f"biases must be {layer.conv.filters}, not {bias.shape}"
    if codebook.shape not in [(1 << bits,) for bits in range(1, 9)]:
        yield f"codebook must have 2 to 256 entries, a power of two, not {codebook.shape}"
    if codebook[0] != 0:
        yield "the codebook's first entry must be 0"
    if codebook.min() <= -limit or codebook.max() >= limit:
        yield f"centroids must lie within +-{limit - 1}"
    if codes.max(initial=0) >= len(codebook):
        yield "a code lies outside the codebook"
    if not 0 <= quantized.shift <= SHIFT_MAX:
        yield f"shift must be 0 to {SHIFT_MAX}, not {quantized.shift}"
    if bias.min(initial=0) <= -(1 << 31) or bias.max(initial=0) >= 1 << 31:
        yield "biases must fit 32 bits"
