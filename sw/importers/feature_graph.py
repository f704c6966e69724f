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

from firebrick.sw.errors import FirebrickError
from firebrick.sw.model.quantized import NO_BORDER, Border
from firebrick.sw.network.graph import POOLS, MaxPool, Shape

from .filters import Affine, Filters, identity

CHANNELS_FIRST = (0, 1, 2, 3)
CHANNELS_LAST = (0, 2, 3, 1)


class Operation(StrEnum):
    """What computes feature maps."""

    INPUT = "input"
    CONV = "conv"
    POOL = "pool"
    CONCAT = "concat"
    ADD = "add"
    AVERAGE = "average"


@dataclass(frozen=True, eq=False)
class FeatureNode:
    """Feature maps and the operation that computes them."""

    where: str
    """The operator as messages name it."""
    operation: Operation
    sources: tuple["FeatureNode", ...]
    shape: Shape
    rectified: bool
    """No value is negative. All maps but the input must be rectified before anything but a ReLU, Concat or pool reads them,
    or the average, of a convolution."""
    filters: Filters | None = None
    stride: int = 1
    padding: int = 0
    pool: MaxPool | None = None
    """The pool, not yet named."""
    affine: Affine | None = None
    """What the file does with the values afterwards, until a convolution takes it up; of the input, it is the normalisation."""
    border: Border = NO_BORDER
    """Zeros that the file puts around the maps afterwards, at top, left, bottom and right, until a convolution or pool takes them up. The
    input keeps those that are not the same on all sides: they become a border of images."""
    axes: tuple[int, ...] = CHANNELS_FIRST
    """The file's order of axes: which of images (0), channels (1), rows (2) and columns (3) each of its axes is."""
    origin: object = field(default_factory=object)
    """The same object in nodes that differ only by a ReLU."""

    @property
    def bordered_shape(self) -> Shape:
        """The shape with the border."""
        top, left, bottom, right = self.border
        return Shape(self.shape.channels, self.shape.height + top + bottom, self.shape.width + left + right)

    def sides(self, images: int) -> tuple[int, ...]:
        """Lengths of the file's axes, for a number of images."""
        shape = self.bordered_shape
        lengths = (images, shape.channels, shape.height, shape.width)
        return tuple(lengths[axis] for axis in self.axes)

    @property
    def plain(self) -> "FeatureNode":
        """The node without border and affine function, for the reader that takes them up."""
        return self if self.affine is None and not any(self.border) else replace(self, affine=None, border=NO_BORDER)

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


def need_channels_first(where: str, source: FeatureNode) -> None:
    """Raise FirebrickError unless the file has the maps as ONNX's convolutions read them."""
    if source.axes != CHANNELS_FIRST:
        raise unsupported(where, f"must read images, channels, rows and columns in this order, not in the order {list(source.axes)}")


def input_node(shape: Shape, nonnegative: bool, axes: tuple[int, ...] = CHANNELS_FIRST) -> FeatureNode:
    """The network's input; ``nonnegative`` when no mean is subtracted from it."""
    return FeatureNode("the input", Operation.INPUT, (), shape, nonnegative, axes=axes)


def conv(where: str, source: FeatureNode, filters: Filters, strides: Sequence[int], pads: Sequence[int]) -> FeatureNode:
    """A convolution with one group and no dilation; ``pads`` are top, left, bottom and right."""
    _need_relu(where, source, allow_input=True)
    need_channels_first(where, source)
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
    pads = [pad + zeros for pad, zeros in zip(pads, source.border, strict=True)] if len(pads) == 4 else pads
    kernel, stride, padding = weights.shape[2], strides[0], pads[0]
    sizes = _output_sizes(where, source, kernel, stride, pads)
    source = replace(source, border=NO_BORDER)
    # Padding at the bottom or right may differ where the stride leaves it unused.
    if pads[0] != pads[1] or sizes != _output_sizes(where, source, kernel, stride, [padding] * 4):
        if source.operation is not Operation.INPUT or max(pads) >= kernel:
            first = "; of the first convolution, less than the kernel on each side" if source.operation is Operation.INPUT else ""
            raise unsupported(where, f"padding must be the same on all sides, not {list(pads)}{first}")
        source, padding = replace(source, border=(pads[0], pads[1], pads[2], pads[3])), 0
    if source.affine is not None and source.operation is not Operation.INPUT:
        if any(pads) and source.affine.shift.any():
            raise unsupported(where, f"pads maps to which {source.where} adds numbers; a padded convolution cannot take these up")
        filters, source = filters.preceded_by(source.affine), source.plain
    return FeatureNode(where, Operation.CONV, (source,), Shape(len(weights), *sizes), False, filters, stride, padding)


def relu(where: str, source: FeatureNode) -> FeatureNode:
    """A ReLU. Every convolution of the family has one; it may also come after the pool or Concat that reads the convolution."""
    if source.operation is Operation.INPUT and not source.rectified:
        raise unsupported(where, "a ReLU must come after a convolution, not cut off the input's negative values")
    if source.operation is Operation.AVERAGE and not source.rectified:
        raise unsupported(where, "cuts scores off; a ReLU must come before the average")
    if source.rectified and source.affine is not None and not source.affine.keeps_sign:
        raise unsupported(where, f"cuts off negative values of what comes after the ReLU of {source.where}; one ReLU is supported")
    return source if source.rectified else replace(source, rectified=True)


def max_pool(
    where: str, source: FeatureNode, kernel: Sequence[int], strides: Sequence[int], pads: Sequence[int], ceil_mode: bool
) -> FeatureNode:
    """A pool among `POOLS`, its output size rounded by ceil mode or by padding; ``pads`` are top, left, bottom and right."""
    need_channels_first(where, source)
    if any(source.border):
        if not source.rectified or (source.affine is not None and not source.affine.keeps_sign):
            raise unsupported(where, "must read a ReLU behind a Pad, so that the zeros are never the maximum")
        pads = [pad + zeros for pad, zeros in zip(pads, source.border, strict=True)]
    if source.affine is not None and (source.affine.scale < 0).any():
        raise unsupported(where, f"reads what {source.where} multiplies by a negative number, which would turn maximum into minimum")
    if list(kernel) not in ([2, 2], [3, 3]) or list(strides) != [2, 2]:
        raise unsupported(where, f"kernel {list(kernel)} and strides {list(strides)} must be 3x3 and 2, or 2x2 and 2")
    sizes = _output_sizes(where, source, kernel[0], 2, pads, ceil_mode)
    pools = [MaxPool("pool", *settings) for settings in POOLS if settings[0] == kernel[0]]
    lengths = (source.shape.height, source.shape.width)
    same = [
        pool
        for pool in pools
        if list(pads[:2]) == [pool.padding] * 2 and tuple(map(pool.output_length, lengths)) == sizes and min(lengths) >= pool.min_length
    ]
    if not same:
        raise unsupported(
            where,
            f"padding {list(pads)} {'with' if ceil_mode else 'without'} ceil mode on a map of {source.shape} "
            f"must come to the same as {' or '.join(pool.geometry for pool in pools)}",
        )
    shape = Shape(source.shape.channels, *sizes)
    return FeatureNode(where, Operation.POOL, (source.plain,), shape, source.rectified, pool=same[0], affine=source.affine)


def concat(where: str, sources: Sequence[FeatureNode]) -> FeatureNode:
    """The channels of several maps, one after the other."""
    first = sources[0].shape
    if any((source.shape.height, source.shape.width) != (first.height, first.width) for source in sources):
        raise unsupported(where, f"maps must be of one size, not {', '.join(str(source.shape) for source in sources[:4])}")
    for source in sources:
        _need_no_border(where, source)
    shape = Shape(sum(source.shape.channels for source in sources), first.height, first.width)
    affine = None
    if any(source.affine is not None for source in sources):
        parts = [source.affine or identity(source.shape.channels) for source in sources]
        affine = Affine(np.concatenate([part.scale for part in parts]), np.concatenate([part.shift for part in parts]))
    rectified = all(source.rectified for source in sources)
    plain = tuple(source.plain for source in sources)
    return FeatureNode(where, Operation.CONCAT, plain, shape, rectified, affine=affine, axes=sources[0].axes)


def add(where: str, first: FeatureNode, second: FeatureNode) -> FeatureNode:
    """The sum at the end of a bypass."""
    for source in (first, second):
        _need_relu(where, source)
        _need_no_affine(where, source)
        _need_no_border(where, source)
    if first.shape != second.shape:
        raise unsupported(where, f"maps must be of one shape, not {first.shape} and {second.shape}")
    return FeatureNode(where, Operation.ADD, (first, second), first.shape, True, axes=first.axes)


def average(where: str, source: FeatureNode) -> FeatureNode:
    """The mean over all positions, of a convolution also without a ReLU; scores may then be negative."""
    if source.operation is not Operation.CONV:
        _need_relu(where, source)
    _need_no_affine(where, source)
    _need_no_border(where, source)
    return FeatureNode(where, Operation.AVERAGE, (source,), Shape(source.shape.channels, 1, 1), source.rectified)


def _need_relu(where: str, source: FeatureNode, *, allow_input: bool = False) -> None:
    if not (source.rectified or (allow_input and source.operation is Operation.INPUT)):
        raise unsupported(where, f"reads {source.where} without a ReLU between; every convolution of the family has one, but the last")


def _need_no_affine(where: str, source: FeatureNode) -> None:
    if source.affine is not None:
        raise unsupported(where, f"reads {source.where} with a scale or shift after its ReLU, which only a convolution can take up")


def _need_no_border(where: str, source: FeatureNode) -> None:
    if any(source.border):
        raise unsupported(where, "reads maps behind a Pad; only a convolution or a pool may")


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
    if ceil_mode:  # a last window that begins in the padding at the end is left out
        rows, columns = (
            min(count, (length - pad - 1) // stride + 1) for count, length, pad in zip((rows, columns), lengths, pads[2:], strict=True)
        )
    return rows, columns
