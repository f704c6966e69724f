# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The feature graph: a foreign file's operators on feature maps, before `fire_matcher` finds Fire modules among them.

Each function below adds one operator. It checks what the family allows and raises FirebrickError with a sentence that starts with the
operator's name in the file.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from firebrick.sw.errors import FirebrickError
from firebrick.sw.model.float_model import CodebookWeights
from firebrick.sw.network.graph import Shape, pooled_length


class Operation(StrEnum):
    """What computes feature maps."""

    INPUT = "input"
    CONV = "conv"
    POOL = "pool"
    CONCAT = "concat"
    ADD = "add"
    AVERAGE = "average"


@dataclass(frozen=True, eq=False)
class Filters:
    """Weights and biases of a convolution."""

    weights: NDArray[np.float32]
    """Shape (filters, input channels, kernel, kernel)."""
    bias: NDArray[np.float32]
    codebook_weights: CodebookWeights | None = None
    """The same weights as codes, where the file has a codebook."""

    def permuted(self, filters: NDArray[np.intp] | None = None, channels: NDArray[np.intp] | None = None) -> "Filters":
        """Filters and input channels in another order: entry k is the index of the one that comes k-th; None keeps the order."""
        rows = np.arange(len(self.bias)) if filters is None else filters
        columns = np.arange(self.weights.shape[1]) if channels is None else channels
        selection = np.ix_(rows, columns)
        coded = self.codebook_weights
        if coded is not None:
            coded = replace(coded, codes=np.ascontiguousarray(coded.codes[selection]))
        return Filters(np.ascontiguousarray(self.weights[selection]), self.bias[rows], coded)


@dataclass(frozen=True, eq=False)
class FeatureNode:
    """Feature maps and the operation that computes them."""

    where: str
    """The operator as messages name it."""
    operation: Operation
    sources: tuple["FeatureNode", ...]
    shape: Shape
    rectified: bool
    """No value is negative. All maps but the input must be rectified before anything but a ReLU, Concat or pool reads them."""
    filters: Filters | None = None
    stride: int = 1
    padding: int = 0
    origin: object = field(default_factory=object)
    """The same object in nodes that differ only by a ReLU."""

    @property
    def kernel(self) -> int:
        """Side of a convolution's kernel; 0 for every other operation."""
        return 0 if self.filters is None else self.filters.weights.shape[2]

    def same_as(self, other: "FeatureNode") -> bool:
        """Whether both come from the same operator, before or after its ReLU."""
        return self.origin is other.origin


def describe_operator(what: str, name: str, operator: str) -> str:
    """An operator as messages name it, ``node 'a' (Conv)``; on one line even if a hostile file's names are not."""
    shown = operator[:60] if str(operator).isprintable() else ascii(operator[:60])
    return f"{what} {name[:60]!r} ({shown})"


def printable(text: str | bytes, max_length: int = 255) -> str:
    """A name from a file on one line, without characters that a terminal or a model's metadata would not take."""
    characters = text if isinstance(text, str) else text.decode(errors="replace")  # a damaged protobuf string comes as bytes
    return "".join(character if character.isprintable() else "?" for character in characters[:max_length])


def unsupported(where: str, problem: str) -> FirebrickError:
    """The exception to raise when an operator is not as it should be."""
    return FirebrickError(f"{where}: {problem}")


def input_node(shape: Shape, nonnegative: bool) -> FeatureNode:
    """The network's input; ``nonnegative`` when no mean is subtracted from it."""
    return FeatureNode("the input", Operation.INPUT, (), shape, nonnegative)


def conv(where: str, source: FeatureNode, filters: Filters, strides: Sequence[int], pads: Sequence[int]) -> FeatureNode:
    """A convolution with one group and no dilation; ``pads`` are top, left, bottom and right."""
    _need_relu(where, source, allow_input=True)
    weights = filters.weights
    if weights.ndim != 4 or weights.shape[2] != weights.shape[3] or not weights.size:
        raise unsupported(where, f"weights must be (filters, channels, k, k), not {weights.shape}; square kernels are supported")
    if weights.shape[1] != source.shape.channels:
        channels = f"{weights.shape[1]} channels, the input has {source.shape.channels}"
        raise unsupported(where, f"weights are for {channels}; one group is supported")
    if filters.bias.shape != weights.shape[:1]:
        raise unsupported(where, f"biases must be {len(weights)}, one a filter, not {filters.bias.shape}")
    if len(set(strides)) != 1 or strides[0] < 1:
        raise unsupported(where, f"strides must be equal and positive, not {list(strides)}")
    kernel, stride, padding = weights.shape[2], strides[0], pads[0]
    sizes = _output_sizes(where, source, kernel, stride, pads)
    # Padding at the bottom or right may differ where the stride leaves it unused.
    if pads[0] != pads[1] or sizes != _output_sizes(where, source, kernel, stride, [padding] * 4):
        raise unsupported(where, f"padding must be the same on all sides, not {list(pads)}")
    return FeatureNode(where, Operation.CONV, (source,), Shape(len(weights), *sizes), False, filters, stride, padding)


def relu(where: str, source: FeatureNode) -> FeatureNode:
    """A ReLU. Every convolution of the family has one; it may also come after the pool or Concat that reads the convolution."""
    if source.operation is Operation.INPUT and not source.rectified:
        raise unsupported(where, "a ReLU must come after a convolution, not cut off the input's negative values")
    return source if source.rectified else replace(source, rectified=True)


def max_pool(
    where: str, source: FeatureNode, kernel: Sequence[int], strides: Sequence[int], pads: Sequence[int], ceil_mode: bool
) -> FeatureNode:
    """3x3/2 pooling, output size rounded up, whether by ceil mode or by padding; ``pads`` are top, left, bottom and right."""
    if list(kernel) != [3, 3] or list(strides) != [2, 2]:
        raise unsupported(where, f"kernel {list(kernel)} and strides {list(strides)} must be 3x3 and 2")
    if min(source.shape.height, source.shape.width) < 3:
        raise unsupported(where, f"3x3 pooling does not fit a map of {source.shape}")
    sizes = (pooled_length(source.shape.height), pooled_length(source.shape.width))
    if pads[:2] != [0, 0] or _output_sizes(where, source, 3, 2, pads, ceil_mode) != sizes:
        raise unsupported(
            where,
            f"padding {list(pads)} {'with' if ceil_mode else 'without'} ceil mode on a map of {source.shape} "
            "must come to the same as no padding and an output size that is rounded up",
        )
    return FeatureNode(where, Operation.POOL, (source,), Shape(source.shape.channels, *sizes), source.rectified)


def concat(where: str, sources: Sequence[FeatureNode]) -> FeatureNode:
    """The channels of several maps, one after the other."""
    first = sources[0].shape
    if any((source.shape.height, source.shape.width) != (first.height, first.width) for source in sources):
        raise unsupported(where, f"maps must be of one size, not {', '.join(str(source.shape) for source in sources[:4])}")
    shape = Shape(sum(source.shape.channels for source in sources), first.height, first.width)
    return FeatureNode(where, Operation.CONCAT, tuple(sources), shape, all(source.rectified for source in sources))


def add(where: str, first: FeatureNode, second: FeatureNode) -> FeatureNode:
    """The sum at the end of a bypass."""
    for source in (first, second):
        _need_relu(where, source)
    if first.shape != second.shape:
        raise unsupported(where, f"maps must be of one shape, not {first.shape} and {second.shape}")
    return FeatureNode(where, Operation.ADD, (first, second), first.shape, True)


def average(where: str, source: FeatureNode) -> FeatureNode:
    """The mean over all positions."""
    _need_relu(where, source)
    return FeatureNode(where, Operation.AVERAGE, (source,), Shape(source.shape.channels, 1, 1), True)


def _need_relu(where: str, source: FeatureNode, *, allow_input: bool = False) -> None:
    if not (source.rectified or (allow_input and source.operation is Operation.INPUT)):
        raise unsupported(where, f"reads {source.where} without a ReLU between; every convolution of the family has one")


def _output_sizes(
    where: str, source: FeatureNode, kernel: int, stride: int, pads: Sequence[int], ceil_mode: bool = False
) -> tuple[int, int]:
    """Rows and columns of the output of a convolution or pool."""
    if len(pads) != 4 or min(pads) < 0:
        raise unsupported(where, f"padding must be four numbers that are not negative, not {list(pads)}")
    lengths = (source.shape.height + pads[0] + pads[2], source.shape.width + pads[1] + pads[3])
    if min(lengths) < kernel:
        raise unsupported(where, f"a {kernel}x{kernel} kernel does not fit a map of {source.shape}")
    rows, columns = ((length - kernel + (stride - 1 if ceil_mode else 0)) // stride + 1 for length in lengths)
    return rows, columns
