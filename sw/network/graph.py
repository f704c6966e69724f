# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The SqueezeNet family as a typed graph (arXiv:1602.07360, Table 1 and Fig. 2).

A network is a sequence of stages. A Fire module is one stage, and its bypass connection (Section 6) is one of its fields:

    squeeze1x1 -> expand1x1 -+-> concatenate -> (+) -> next stage
    |         `-> expand3x3 -'                   |
    input ------- bypass: nothing, the input, or a 1x1 convolution of it

Every convolution has a bias and a ReLU; only the last one before the average may be without (`LinearConv`).
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from ..errors import FirebrickError
from . import limits
from .stage_names import clashes, name_problems
from .stored_fields import LATER, stored_repr


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
    relu: ClassVar[bool] = True
    """Whether a ReLU follows."""


@dataclass(frozen=True)
class LinearConv(Conv):
    """A convolution with bias and without a ReLU, only directly before the global average: scores may be negative."""

    relu: ClassVar[bool] = False


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
    """Max pooling with stride 2; a window that overhangs the map, or begins before it, covers only the pixels that exist.

    It is one of `POOLS`. Maps are never negative, so pixels that do not exist count as zeros.
    """

    name: str
    kernel: int = field(default=3, metadata=LATER)
    padding: int = field(default=0, metadata=LATER)
    """Rows and columns by which the first window begins before the map; it may overhang the other end by as many."""
    ceil: bool = field(default=True, metadata=LATER)
    """The output size is rounded up: a last window overhangs the map if it would otherwise leave out a row or column."""

    def __repr__(self) -> str:
        return stored_repr(self)

    @property
    def geometry(self) -> str:
        """Kernel and stride, and what else is not as in the paper, in words."""
        more = f", padding {self.padding}" if self.padding else ""
        usual = self.kernel == 3 and not self.padding
        rounded = "" if self.ceil == usual else f", rounded {'up' if self.ceil else 'down'}"
        return f"{self.kernel}x{self.kernel}/2{more}{rounded}"

    @property
    def min_length(self) -> int:
        """Rows or columns that a map must have: those that the first window needs."""
        return self.kernel - self.padding

    def output_length(self, length: int) -> int:
        """Rows or columns of the output, for those of the input.

        That is (length + 2 * padding - kernel) / 2, rounded up or down, plus 1, as PyTorch, Caffe and ONNX define it. No pool among `POOLS`
        has a window that begins behind the map, which those leave out.
        """
        return (length + 2 * self.padding - self.kernel + int(self.ceil)) // 2 + 1


@dataclass(frozen=True)
class GlobalAverage:
    """The mean of each channel over all positions; always the last stage."""

    name: str


Stage = Conv | Fire | MaxPool | GlobalAverage

POOLS = ((3, 0, True), (3, 0, False), (3, 1, False), (2, 0, False), (2, 0, True))
"""Kernel, padding and rounding up of every pool that hardware has."""


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

    @property
    def signed_scores(self) -> bool:
        """Whether scores may be negative, because the last convolution has no ReLU."""
        return any(isinstance(stage, LinearConv) for stage in self.stages)

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

        - stage names are unique identifiers that clash with no other module of the hardware (`stage_names`);
        - every count is positive, except that a Fire module may lack one of its two kinds of expand filters;
        - no feature map shrinks below one pixel;
        - the last stage, and no other, is the global average;
        - every convolution but that directly before it has a ReLU;
        - the two operands of every simple bypass have the same number of channels;
        - no map or layer exceeds the `limits`.
        """
        for problem in self._problems():
            raise FirebrickError(f"network {self.name[: limits.NAME_MAX]}{problem}")

    def verify_totals(self) -> None:
        """Raise FirebrickError if a model of this network would have too many weights, or a frame too many multiply-accumulates."""
        layers = self.layers()
        weights, macs = sum(layer.weights for layer in layers), sum(layer.macs for layer in layers)
        if weights > limits.WEIGHTS_MAX:
            raise FirebrickError(f"network {self.name}: all layers together must have at most {limits.WEIGHTS_MAX} weights, not {weights}")
        if macs > limits.MACS_MAX:
            raise FirebrickError(f"network {self.name}: a frame must take at most {limits.MACS_MAX} multiply-accumulates, not {macs}")

    def _problems(self) -> Iterator[str]:
        """What makes the network illegal, worded to follow its name. Each check relies on those before it."""
        if len(self.name) > limits.NAME_MAX:
            yield f": its name must have at most {limits.NAME_MAX} characters, not {len(self.name)}"
        if not self.stages or not isinstance(self.stages[-1], GlobalAverage):
            yield ": the last stage must be the global average"
        if len(self.stages) > limits.STAGES_MAX:
            yield f": there must be at most {limits.STAGES_MAX} stages, not {len(self.stages)}"
        yield from self._name_problems()
        if min(self.input.channels, self.input.height, self.input.width) < 1:
            yield f": input shape must be positive, not {self.input}"
        for problem in _map_problems(self.input):
            yield f": {problem}"
        shape = self.input
        for index, stage in enumerate(self.stages):
            where = f", stage {stage.name}: "
            if isinstance(stage, GlobalAverage) and index != len(self.stages) - 1:
                yield f"{where}the global average must be the last stage"
            if isinstance(stage, LinearConv) and index != len(self.stages) - 2:
                yield f"{where}only the convolution directly before the global average may be without a ReLU"
            for problem in _stage_problems(stage, shape):
                yield f"{where}{problem}"
            for layer in stage_layers(stage, shape):
                for problem in _layer_problems(layer):
                    yield f"{where}{problem}"
            shape = _output_shape(stage, shape)
            for problem in _map_problems(shape):
                yield f"{where}{problem}"

    def _name_problems(self) -> Iterator[str]:
        names = [stage.name for stage in self.stages]
        for name in names:
            for problem in name_problems(name):
                yield f": {problem}"
        if len(set(names)) != len(names):
            duplicate = next(name for name, uses in Counter(names).items() if uses > 1)
            yield f": stage name {duplicate!r} is used twice; give each stage its own name"
        for name, fire in clashes(names, [stage.name for stage in self.stages if isinstance(stage, Fire)]).items():
            yield f": stage {name!r} has the name of a part of the Fire module {fire!r}; choose another"


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
            return Shape(shape.channels, stage.output_length(shape.height), stage.output_length(shape.width))
        case GlobalAverage():
            return Shape(shape.channels, 1, 1)


def _stage_problems(stage: Stage, shape: Shape) -> Iterator[str]:
    """What makes a stage with this input shape illegal, worded for messages."""
    match stage:
        case Conv():
            if min(stage.filters, stage.kernel, stage.stride) < 1 or stage.padding < 0:
                yield "filters, kernel and stride must be positive and padding must not be negative"
            elif max(stage.kernel, stage.stride) > limits.KERNEL_MAX:
                yield f"kernel and stride must be at most {limits.KERNEL_MAX}, not {stage.kernel} and {stage.stride}"
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
            if (stage.kernel, stage.padding, stage.ceil) not in POOLS:
                yield f"a pool must be {' or '.join(MaxPool(stage.name, *pool).geometry for pool in POOLS)}, not {stage.geometry}"
            elif min(shape.height, shape.width) < stage.min_length:
                yield f"{stage.kernel}x{stage.kernel} pooling does not fit a map of {shape}"
        case GlobalAverage():
            pass


def _map_problems(shape: Shape) -> Iterator[str]:
    """What makes a feature map too large, worded for messages."""
    if max(shape.channels, shape.height, shape.width) > limits.SIDE_MAX:
        yield f"a feature map must have at most {limits.SIDE_MAX} rows, columns and channels, not {shape}"
    elif shape.channels * shape.height * shape.width > limits.MAP_VALUES_MAX:
        yield f"a feature map must have at most {limits.MAP_VALUES_MAX} values, not {shape}"


def _layer_problems(layer: Layer) -> Iterator[str]:
    """What makes a convolution too large, worded for messages."""
    yield from _map_problems(layer.output)
    operand = layer.input.channels * layer.conv.kernel**2 * layer.output.height * layer.output.width
    if operand > limits.IM2COL_VALUES_MAX:
        yield f"input channels x kernel^2 x output positions must be at most {limits.IM2COL_VALUES_MAX}, not {operand}"
