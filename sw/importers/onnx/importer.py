# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A network of the family from an ONNX file, as torchvision's exports and the ONNX model zoo have them, in any naming and node order.

Quantised files (QuantizeLinear, DequantizeLinear) give the float network they stand for: weights are what the integers mean,
activations are not rounded. A pair whose zero point is the least integer cuts off negative values, and so counts as a ReLU.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firebrick.sw.errors import FirebrickError
from firebrick.sw.fire_format.metadata import NUMBER_MAX
from firebrick.sw.model.float_model import FloatModel
from firebrick.sw.network.graph import Shape
from firebrick.sw.utils.atomic_files import read_some

from .. import feature_graph
from ..feature_graph import FeatureNode, Filters, unsupported
from ..fire_matcher import match_network
from ..normalisation import TORCH, Normalisation, build_float_model
from .classifier_head import Scores, flatten, reshape, softmax
from .constants import Constant, Constants, quantisation, whole_numbers
from .graph import BYTES_MAX, NODES_MAX, Graph, Node, read_graph
from .metadata import read_metadata
from .padding import padding


@dataclass(frozen=True, eq=False)
class _Quantised:
    """Between a QuantizeLinear and its DequantizeLinear."""

    value: FeatureNode | Scores
    scale: NDArray[Any]
    zero: NDArray[Any]


_Value = FeatureNode | Scores | _Quantised


def import_onnx(
    path: Path,
    normalisation: Normalisation | None = None,
    labels: Sequence[str] | None = None,
    size: tuple[int, int] | None = None,
) -> FloatModel:
    """The network in an ONNX file.

    ``normalisation`` and ``labels`` are what the file says itself, if `float_onnx` wrote it, or else torchvision's and ImageNet's, unless
    given. ``size`` is rows and columns of a picture, for files that leave them open. Raises FirebrickError when the file cannot be read, is
    damaged, or holds anything but a network of the family; the sentence names the node and what is supported.
    """
    data = read_some(path, BYTES_MAX + 1, "an ONNX file")
    return onnx_model(data, path.name, normalisation, labels, size)


def onnx_model(
    data: bytes,
    name: str,
    normalisation: Normalisation | None = None,
    labels: Sequence[str] | None = None,
    size: tuple[int, int] | None = None,
) -> FloatModel:
    """The network in an ONNX file's bytes; ``name`` is for messages. Raises FirebrickError as `import_onnx` does."""
    name = feature_graph.printable(name)
    try:
        if len(data) > BYTES_MAX:
            raise FirebrickError(f"an ONNX file must have at most {BYTES_MAX} bytes")
        graph = read_graph(data)
        shape = _input_shape(graph, size)
        said = read_metadata(graph.properties, shape)
        normalisation = normalisation or (said.normalisation if said else TORCH)
        last = _Reader(graph, shape, not any(normalisation.mean)).last()
        provenance = (said.metadata if said else {}) | {
            "name": name,
            "source": f"an ONNX file made by {graph.producer}",
            "source sha256": hashlib.sha256(data).hexdigest(),
        }
        return build_float_model(match_network(last, Path(name).stem), normalisation, labels or (said.labels if said else None), provenance)
    except FirebrickError as problem:
        raise FirebrickError(f"{name}: {problem}") from problem


def _input_shape(graph: Graph, size: tuple[int, int] | None) -> Shape:
    channels, *sides = graph.sides[1:]
    if channels is None:
        raise FirebrickError(f"the input {graph.input[:60]!r} must have a fixed number of channels")
    if None in sides and size is None:
        raise FirebrickError(f"the input {graph.input[:60]!r} leaves rows or columns open; give --input HxW")
    height, width = (side if side is not None else size[axis] if size else 0 for axis, side in enumerate(sides))
    if not all(1 <= side <= NUMBER_MAX for side in (channels, height, width)):
        raise FirebrickError(f"the input must have sides from 1 to {NUMBER_MAX}, not {height}x{width}x{channels}")
    if size is not None and size != (height, width):
        raise FirebrickError(f"the input is {height}x{width} in the file, not {size[0]}x{size[1]}")
    return Shape(channels, height, width)


class _Reader:
    """Goes through the nodes in the order of the dataflow."""

    def __init__(self, graph: Graph, shape: Shape, nonnegative: bool) -> None:
        self.graph = graph
        self.constants = Constants(graph)
        self.values: dict[str, _Value] = {graph.input: feature_graph.input_node(shape, nonnegative)}

    def last(self) -> FeatureNode:
        """The global average that the output comes from."""
        for node in self.graph.nodes:
            if any(name in self.constants for name in node.outputs):
                continue
            handler = _OPERATORS.get(node.operator)
            if handler is None:
                raise unsupported(node.where, f"this operator is not supported; supported are {', '.join(sorted(_OPERATORS))}")
            if not node.outputs or not node.outputs[0]:
                raise unsupported(node.where, "has no output")
            most = _INPUTS.get(node.operator, 1)
            if len(node.inputs) > most:
                raise unsupported(node.where, f"must have at most {most} input{'s' if most > 1 else ''}, not {len(node.inputs)}")
            self.values[node.outputs[0]] = handler(self, node)
        value = self.values.get(self.graph.output)
        if not isinstance(value, Scores):
            end = self.graph.nodes[-1].where if self.graph.nodes else "the output"
            raise unsupported(end, "the graph must end with the average over all positions, and flattening or softmax after it")
        return value.maps

    def value(self, node: Node, index: int = 0) -> _Value:
        """A picture-dependent input of a node."""
        name = node.input(index)
        if not name or name in self.constants:
            raise unsupported(node.where, f"input {index} must depend on the picture; arithmetic with constants is not supported")
        if name not in self.values:
            raise unsupported(node.where, f"reads {name[:60]!r}, a second output that is not supported")
        return self.values[name]

    def maps(self, node: Node, index: int = 0) -> FeatureNode:
        """An input that must be feature maps."""
        value = self.value(node, index)
        if not isinstance(value, FeatureNode):
            what = "the scores" if isinstance(value, Scores) else "integers between quantisers"
            raise unsupported(node.where, f"must read feature maps, not {what}")
        return value

    def open_value(self, node: Node) -> FeatureNode | Scores:
        """An input that is not between quantisers."""
        value = self.value(node)
        return self.maps(node) if isinstance(value, _Quantised) else value

    def constant(self, node: Node, index: int) -> Constant:
        """An input that must be a constant."""
        name = node.input(index)
        if name not in self.constants:
            raise unsupported(node.where, f"input {index} must be a constant")
        try:
            return self.constants.value(name)
        except FirebrickError as problem:
            raise FirebrickError(f"{node.where} reads {problem}") from problem

    def conv(self, node: Node) -> FeatureNode:
        source = self.maps(node)
        if not all(name in self.constants for name in node.inputs[1:] if name) or not node.input(1):
            raise unsupported(node.where, "weights and biases must be constants")
        found = self.constant(node, 1)
        weights = self._floats(node, found.values)
        if weights.ndim != 4:
            raise unsupported(node.where, f"weights must have four axes, not {weights.ndim}")
        bias = self._floats(node, self.constant(node, 2).values) if node.input(2) else np.zeros(len(weights), np.float32)
        if node.integer("group", 1) != 1 or set(node.integers("dilations", [1, 1])) != {1}:
            raise unsupported(node.where, "must have one group and no dilation")
        if node.integers("kernel_shape", list(weights.shape[2:])) != list(weights.shape[2:]):
            raise unsupported(node.where, f"kernel_shape must be that of the weights, {list(weights.shape[2:])}")
        strides = node.pair("strides", [1, 1])
        pads = padding(node, source.shape, [int(side) for side in weights.shape[2:]], strides)
        return feature_graph.conv(node.where, source, Filters(weights, bias, found.codebook_weights()), strides, pads)

    def max_pool(self, node: Node) -> FeatureNode:
        source = self.maps(node)
        kernel, strides = node.pair("kernel_shape"), node.pair("strides", [1, 1])
        if set(node.integers("dilations", [1, 1])) != {1}:
            raise unsupported(node.where, "must have no dilation")
        ceil = node.integer("ceil_mode", 0)
        if ceil not in (0, 1):
            raise unsupported(node.where, f"ceil_mode must be 0 or 1, not {ceil}")
        pads = padding(node, source.shape, kernel, strides)
        return feature_graph.max_pool(node.where, source, kernel, strides, pads, bool(ceil))

    def relu(self, node: Node) -> _Value:
        value = self.open_value(node)
        return feature_graph.relu(node.where, value) if isinstance(value, FeatureNode) else value  # the average of what is not negative

    def concat(self, node: Node) -> FeatureNode:
        if not node.inputs or node.integer("axis", 1) not in (1, -3):
            raise unsupported(node.where, "must join channels, axis 1")
        return feature_graph.concat(node.where, [self.maps(node, index) for index in range(len(node.inputs))])

    def add(self, node: Node) -> FeatureNode:
        return feature_graph.add(node.where, self.maps(node, 0), self.maps(node, 1))

    def unchanged(self, node: Node) -> _Value:
        return self.value(node)

    def dropout(self, node: Node) -> _Value:
        if node.input(2) and (node.input(2) not in self.constants or np.any(self.constant(node, 2).values)):
            raise unsupported(node.where, "must not be in training mode; export the network for inference")
        return self.value(node)

    def global_average(self, node: Node) -> Scores:
        found = feature_graph.average(node.where, self.maps(node))
        return Scores(found, (found.shape.channels, 1, 1))

    def average_pool(self, node: Node) -> Scores:
        source = self.maps(node)
        kernel = node.pair("kernel_shape")
        pads = padding(node, source.shape, kernel, node.pair("strides", [1, 1]))
        if kernel != [source.shape.height, source.shape.width] or any(pads) or set(node.integers("dilations", [1, 1])) != {1}:
            raise unsupported(node.where, f"kernel {kernel} must be the whole map, {source.shape}, without padding and dilation")
        return self.global_average(node)

    def reduce_mean(self, node: Node) -> Scores:
        axes = self._numbers(node, "axes")
        keep = node.integer("keepdims", 1)
        if sorted(axis + 4 if axis < 0 else axis for axis in axes) != [2, 3]:
            raise unsupported(node.where, f"must be over all positions, axes 2 and 3, not {axes[:8]}")
        scores = self.global_average(node)
        return scores if keep else replace(scores, shape=scores.shape[:1])

    def flatten(self, node: Node) -> Scores:
        return flatten(node, self._scores(node))

    def reshape(self, node: Node) -> Scores:
        return reshape(node, self._scores(node), self._numbers(node, "shape"), self.graph.sides[0])

    def softmax(self, node: Node) -> Scores:
        return softmax(node, self._scores(node), self.graph.opset)

    def quantize(self, node: Node) -> _Quantised:
        value = self.open_value(node)
        scale, zero = self._quantisation(node)
        if zero.dtype.name not in ("int8", "uint8", "int16", "uint16"):
            raise unsupported(node.where, f"quantises to {zero.dtype.name}; int8, uint8, int16 and uint16 are supported")
        if (zero == np.iinfo(zero.dtype).min).all() and isinstance(value, FeatureNode):
            value = feature_graph.relu(node.where, value)
        return _Quantised(value, scale, zero)

    def dequantize(self, node: Node) -> FeatureNode | Scores:
        value = self.value(node)
        scale, zero = self._quantisation(node)
        if not isinstance(value, _Quantised) or not np.array_equal(value.scale, scale) or not np.array_equal(value.zero, zero):
            raise unsupported(node.where, "must follow a QuantizeLinear of the same scale and zero point")
        return value.value

    def _quantisation(self, node: Node) -> tuple[NDArray[Any], NDArray[Any]]:
        if not node.input(1) or not all(name in self.constants for name in node.inputs[1:3] if name):
            raise unsupported(node.where, "scale and zero point must be constants")
        scale, zero = self.constant(node, 1).values, self.constant(node, 2).values if node.input(2) else None
        value = self.value(node)
        inner = value.value if isinstance(value, _Quantised) else value
        shape = inner.shape if isinstance(inner, Scores) else (inner.shape.channels, inner.shape.height, inner.shape.width)
        scale, zero = quantisation(node, scale, zero, (0, *shape))
        if not (np.isfinite(scale).all() and (scale > 0).all()):
            raise unsupported(node.where, "the scale must be positive")
        return scale, zero

    def _scores(self, node: Node) -> Scores:
        value = self.value(node)
        if not isinstance(value, Scores):
            raise unsupported(node.where, "must come after the average over all positions")
        return value

    def _floats(self, node: Node, array: NDArray[Any]) -> NDArray[np.float32]:
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                floats = array.astype(np.float32)
        except (TypeError, ValueError) as error:
            raise unsupported(node.where, "weights and biases must be numbers") from error
        if array.dtype.kind in "iub" or "int" in array.dtype.name or not np.isfinite(floats).all():
            raise unsupported(node.where, "weights and biases must be finite floats")
        return floats

    def _numbers(self, node: Node, name: str) -> list[int]:
        """A second input of whole numbers, which was an attribute of that name in older operator sets."""
        if not node.input(1):
            return node.integers(name)
        if node.input(1) not in self.constants:
            raise unsupported(node.where, f"{name} must be a constant")
        return whole_numbers(node, name, self.constant(node, 1).values)


_OPERATORS: dict[str, Callable[[_Reader, Node], _Value]] = {
    "Add": _Reader.add,
    "AveragePool": _Reader.average_pool,
    "Concat": _Reader.concat,
    "Conv": _Reader.conv,
    "DequantizeLinear": _Reader.dequantize,
    "Dropout": _Reader.dropout,
    "Flatten": _Reader.flatten,
    "GlobalAveragePool": _Reader.global_average,
    "Identity": _Reader.unchanged,
    "MaxPool": _Reader.max_pool,
    "QuantizeLinear": _Reader.quantize,
    "ReduceMean": _Reader.reduce_mean,
    "Relu": _Reader.relu,
    "Reshape": _Reader.reshape,
    "Softmax": _Reader.softmax,
}
_INPUTS = {"Add": 2, "Concat": NODES_MAX, "Conv": 3, "Dropout": 3, "ReduceMean": 2, "Reshape": 2}
_INPUTS |= dict.fromkeys(("QuantizeLinear", "DequantizeLinear"), 3)
"""Most inputs of operators that have more than one."""
