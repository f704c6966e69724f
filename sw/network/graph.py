# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The SqueezeNet family as a typed graph (arXiv:1602.07360, Table 1 and Fig. 2).

A network is a sequence of stages. A Fire module is one stage, and its bypass connection (Section 6) is one of its fields:

    squeeze1x1 -> expand1x1 -+-> concatenate -> (+) -> next stage
    |         `-> expand3x3 -'                   |
    input ------- bypass: nothing, the input, or a 1x1 convolution of it

Every convolution has a bias and a ReLU.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from ..errors import FirebrickError


class Bypass(StrEnum):
    """The bypass connection of a Fire module (Section 6, Fig. 2): none, its input, or a 1x1 convolution of its input."""

    NONE = "none"
    SIMPLE = "simple"
    COMPLEX = "complex"


@dataclass(frozen=True)
class Shape:
    """Size of a feature map: channels, rows and columns."""

    channels: int
    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.height}x{self.width}x{self.channels}"


@dataclass(frozen=True)
class Conv:
    """A square convolution with bias and ReLU."""

    name: str
    filters: int
    kernel: int
    stride: int = 1
    padding: int = 0


@dataclass(frozen=True)
class Fire:
    """A Fire module: 1x1 squeeze filters, whose output 1x1 and 3x3 expand filters read side by side (Section 3.2)."""

    name: str
    squeeze: int
    expand1x1: int
    expand3x3: int
    bypass: Bypass = Bypass.NONE


@dataclass(frozen=True)
class MaxPool:
    """3x3 max pooling with stride 2 and no padding; the output size is rounded up."""

    name: str


@dataclass(frozen=True)
class GlobalAverage:
    """The mean of each channel over all positions; always the last stage."""

    name: str


Stage = Conv | Fire | MaxPool | GlobalAverage


@dataclass(frozen=True)
class Layer:
    """One convolution of the network, with the shapes of its input and output. Weights are stored by layer."""

    name: str
    conv: Conv
    input: Shape
    output: Shape

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """(filters, input channels, kernel rows, kernel columns)."""
        return (self.conv.filters, self.input.channels, self.conv.kernel, self.conv.kernel)

    @property
    def weights(self) -> int:
        """Number of weights, without biases."""
        return self.conv.filters * self.input.channels * self.conv.kernel**2

    @property
    def parameters(self) -> int:
        """Weights and biases, as Table 1 counts them."""
        return self.weights + self.conv.filters

    @property
    def macs(self) -> int:
        """Dense multiply-accumulates for one frame (products with padding zeros included)."""
        return self.weights * self.output.height * self.output.width


@dataclass(frozen=True)
class Network:
    """A network of the family: a name, the input's shape and the stages in order."""

    name: str
    input: Shape
    stages: tuple[Stage, ...]

    @property
    def classes(self) -> int:
        """Number of scores in the network's output."""
        return self.shapes()[-1].channels

    def shapes(self) -> tuple[Shape, ...]:
        """The input's shape, then each stage's output shape."""
        shapes = [self.input]
        for stage in self.stages:
            shapes.append(_output_shape(stage, shapes[-1]))
        return tuple(shapes)

    def layers(self) -> tuple[Layer, ...]:
        """Every convolution in order; Fire modules have layers such as ``fire2/squeeze1x1``."""
        return tuple(layer for stage, shape in zip(self.stages, self.shapes(), strict=False) for layer in stage_layers(stage, shape))

    def verify(self) -> None:
        """Raise FirebrickError unless this is a legal network.

        A network is legal when

        - stage names are unique, not empty and without slashes;
        - every count is positive, except that a Fire module may lack one of its two kinds of expand filters;
        - no feature map shrinks below one pixel;
        - the last stage, and no other, is the global average;
        - the two operands of every simple bypass have the same number of channels.
        """
        names = [stage.name for stage in self.stages]
        if len(set(names)) != len(names):
            duplicate = next(name for name in names if names.count(name) > 1)
            raise FirebrickError(f"network {self.name}: stage name {duplicate!r} is used twice; give each stage its own name")
        if any(not name or "/" in name for name in names):
            raise FirebrickError(f"network {self.name}: every stage must have a name, and names must have no slash")
        if not self.stages or not isinstance(self.stages[-1], GlobalAverage):
            raise FirebrickError(f"network {self.name}: the last stage must be the global average")
        if min(self.input.channels, self.input.height, self.input.width) < 1:
            raise FirebrickError(f"network {self.name}: input shape must be positive, not {self.input}")
        shape = self.input
        for index, stage in enumerate(self.stages):
            where = f"network {self.name}, stage {stage.name}"
            if isinstance(stage, GlobalAverage) and index != len(self.stages) - 1:
                raise FirebrickError(f"{where}: the global average must be the last stage")
            for problem in _stage_problems(stage, shape):
                raise FirebrickError(f"{where}: {problem}")
            shape = _output_shape(stage, shape)


def stage_layers(stage: Stage, shape: Shape) -> tuple[Layer, ...]:
    """The convolutions of one stage whose input has the given shape, in the order in which weights are stored."""
    if isinstance(stage, Conv):
        return (Layer(stage.name, stage, shape, _conv_output_shape(stage, shape)),)
    if not isinstance(stage, Fire):
        return ()
    squeezed = Shape(stage.squeeze, shape.height, shape.width)
    parts = [
        (Conv("squeeze1x1", stage.squeeze, 1), shape),
        (Conv("expand1x1", stage.expand1x1, 1), squeezed),
        (Conv("expand3x3", stage.expand3x3, 3, padding=1), squeezed),
    ]
    if stage.bypass is Bypass.COMPLEX:
        parts.append((Conv("bypass1x1", stage.expand1x1 + stage.expand3x3, 1), shape))
    return tuple(
        Layer(f"{stage.name}/{conv.name}", conv, inputs, _conv_output_shape(conv, inputs)) for conv, inputs in parts if conv.filters
    )


def _conv_output_shape(conv: Conv, shape: Shape) -> Shape:
    def size(length: int) -> int:
        return (length + 2 * conv.padding - conv.kernel) // conv.stride + 1

    return Shape(conv.filters, size(shape.height), size(shape.width))


def _output_shape(stage: Stage, shape: Shape) -> Shape:
    match stage:
        case Conv():
            return _conv_output_shape(stage, shape)
        case Fire():
            return Shape(stage.expand1x1 + stage.expand3x3, shape.height, shape.width)
        case MaxPool():
            return Shape(shape.channels, pooled_length(shape.height), pooled_length(shape.width))
        case GlobalAverage():
            return Shape(shape.channels, 1, 1)


def pooled_length(length: int) -> int:
    """Rows or columns after 3x3/2 pooling without padding, rounded up: ceil((length - 3) / 2) + 1."""
    return -(-(length - 3) // 2) + 1


def _stage_problems(stage: Stage, shape: Shape) -> Iterator[str]:
    """What makes a stage with this input shape illegal, worded for messages."""
    match stage:
        case Conv():
            if min(stage.filters, stage.kernel, stage.stride) < 1 or stage.padding < 0:
                yield "filters, kernel and stride must be positive and padding must not be negative"
            elif stage.padding >= stage.kernel:
                yield f"padding must be less than the kernel, {stage.kernel}, not {stage.padding}"
            elif min(shape.height, shape.width) + 2 * stage.padding < stage.kernel:
                yield f"a {stage.kernel}x{stage.kernel} kernel does not fit a map of {shape}"
        case Fire():
            if stage.squeeze < 1 or min(stage.expand1x1, stage.expand3x3) < 0 or stage.expand1x1 + stage.expand3x3 < 1:
                yield "a Fire module must have squeeze filters and at least one kind of expand filters"
            elif stage.bypass is Bypass.SIMPLE and stage.expand1x1 + stage.expand3x3 != shape.channels:
                yield f"a simple bypass must join equal channel counts, not {shape.channels} and {stage.expand1x1 + stage.expand3x3}"
        case MaxPool():
            if min(shape.height, shape.width) < 3:
                yield f"3x3 pooling does not fit a map of {shape}"
        case GlobalAverage():
            pass
