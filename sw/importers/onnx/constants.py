# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Constants of an ONNX graph: initialisers, Constant nodes, and what operators make of them and of the shapes of feature maps.

Gather(codebook, indices) is the interesting one: it keeps a published codebook.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firebrick.sw.errors import FirebrickError
from firebrick.sw.model.float_model import CodebookWeights
from firebrick.sw.network.limits import WEIGHTS_MAX

from ..feature_graph import unsupported
from .folding import Inputs, evaluate, whole_numbers
from .graph import Graph, Node
from .quantisation import dequantize, quant, quantize
from .tensors import TensorReader

Array = NDArray[Any]
CENTROIDS_MAX = 256
DEPTH_MAX = 20
"""Maximum number of operators between an initialiser and the node that uses its value."""
_WORK_MAX = 16 * WEIGHTS_MAX
"""Maximum number of elements in all evaluations together, so that a small file cannot ask for much work."""
_WORK_MIN = 5000
"""Elements that every evaluation is counted as at least, since small ones cost time, too."""
_REFERENCE_WORK = 100_000
"""The same for evaluations by ONNX's reference evaluator, about half a millisecond each."""
ShapeOf = Callable[[str, int], tuple[int, ...]]
"""The shape of a tensor that depends on the image, by its name and the number of images."""


@dataclass(frozen=True, eq=False)
class Constant:
    """An array; if it was looked up in a codebook, its indices and the codebook, too."""

    values: Array
    indices: Array | None = None
    """Same shape as the values; not negative."""
    codebook: Array | None = None

    def codebook_weights(self) -> CodebookWeights | None:
        """The values as codes of at most 8 bits with code 0 for zero; None when there is no such codebook."""
        if self.indices is None or self.codebook is None or len(self.codebook) > CENTROIDS_MAX:
            return None
        with np.errstate(over="ignore", invalid="ignore"):
            book = self.codebook.astype(np.float32)
        if not np.isfinite(book).all():
            return None
        order = np.argsort(book != 0, kind="stable")  # a zero, if there is one, comes first
        table, new_index = book[order], np.argsort(order)
        if not len(table) or table[0] != 0:
            if len(table) == CENTROIDS_MAX:
                return None
            table, new_index = np.concatenate([[np.float32(0)], table]), new_index + 1
        codes = np.where(book[self.indices] == 0, 0, new_index[self.indices]).astype(np.uint8)
        return CodebookWeights(codes, np.pad(table, (0, CENTROIDS_MAX - len(table))).astype(np.float32))


class Constants:
    """The constant tensors of a graph by name, evaluated on demand and not cached, to bound memory."""

    def __init__(self, graph: Graph, shape_of: ShapeOf) -> None:
        self._tensors = graph.tensors
        self._opset = graph.opset
        self._shape_of = shape_of
        self._nodes: dict[str, Node] = {}
        self._shaped: set[str] = set()
        self._work = 0
        self.reader = TensorReader(graph.folder)
        for node in graph.nodes:
            inputs = [name for name in node.inputs if name]
            if node.operator in ("Constant", "Shape", "Size") or (inputs and all(name in self for name in inputs)):
                outputs = [name for name in node.outputs if name]
                self._nodes.update(dict.fromkeys(outputs, node))
                if node.operator in ("Shape", "Size") or not self._shaped.isdisjoint(inputs):
                    self._shaped.update(outputs)

    def __contains__(self, name: str) -> bool:
        return name in self._tensors or name in self._nodes

    def depends_on_shape(self, name: str) -> bool:
        """Whether the constant may depend on the number of images."""
        return name in self._shaped

    def value(self, name: str, images: int, depth: int = 0) -> Constant:
        """A constant by name, for a number of images at a time; raises FirebrickError where it is damaged or not supported."""
        node = self._nodes.get(name)
        where = node.where if node else f"tensor {name[:60]!r}"
        if depth > DEPTH_MAX:
            raise unsupported(where, f"a constant must be computed by at most {DEPTH_MAX} operators")
        if node is None:
            constant = Constant(self.reader.array(where, self._tensors[name]))
        elif node.operator == "Constant":
            constant = Constant(self._literal(node))
        elif node.operator in ("Shape", "Size"):
            constant = Constant(self._shape(node, images, depth))
        else:
            constant = self._computed(node, name, images, depth)
        self._spend(where, constant.values.size)
        return constant

    def _spend(self, where: str, elements: int) -> None:
        self._work += max(elements, _WORK_MIN)
        if self._work > _WORK_MAX:
            raise unsupported(where, f"all constants together must have at most {_WORK_MAX} elements")

    def _computed(self, node: Node, name: str, images: int, depth: int) -> Constant:
        inputs = [self.value(source, images, depth + 1) if source else None for source in node.inputs]
        if inputs[0] is None:
            raise unsupported(node.where, "has no input")
        rest = [constant.values if constant else None for constant in inputs[1:]]
        special = _FOLDABLE.get(node.operator)
        if special is not None:
            with np.errstate(all="ignore"):  # values that are not finite are rejected where they are used
                constant = special(node, inputs[0], rest)
            if constant is not None:
                return constant
        self._spend(node.where, max(inputs[0].values.size, _REFERENCE_WORK))
        outputs = evaluate(node, [inputs[0].values, *rest], self._opset, min(WEIGHTS_MAX, _WORK_MAX - self._work))
        return Constant(outputs[node.outputs.index(name)])

    def _shape(self, node: Node, images: int, depth: int) -> Array:
        name = node.input(0)
        shape = self.value(name, images, depth + 1).values.shape if name in self else self._shape_of(name, images)
        if node.operator == "Size":
            return np.array(int(np.prod(shape, dtype=object)), np.int64)
        return np.array(shape[slice(node.integer("start", 0), node.integer("end", len(shape)))], np.int64)

    def _literal(self, node: Node) -> Array:
        from onnx import TensorProto

        for key, number_type in (("value_float", float), ("value_floats", float), ("value_int", int), ("value_ints", int)):
            numbers = node.attributes.get(key)
            if numbers is None:
                continue
            if not all(isinstance(number, number_type) for number in (numbers if isinstance(numbers, list) else [numbers])):
                raise unsupported(node.where, f"attribute {key} must be {'whole numbers' if number_type is int else 'floats'}")
            return np.array(numbers, np.int64 if number_type is int else np.float32)
        tensor = node.attributes.get("value")
        if not isinstance(tensor, TensorProto):
            raise unsupported(node.where, "must hold a tensor or numbers")
        return self.reader.array(node.where, tensor)


def _identity(_node: Node, source: Constant, _rest: Inputs) -> Constant:
    return source


def _cast(node: Node, source: Constant, _rest: Inputs) -> Constant:
    from onnx import helper

    try:
        dtype = np.dtype(helper.tensor_dtype_to_np_dtype(node.integer("to", 0)))
        if dtype.kind in "cOSU":
            raise TypeError(dtype)
        return Constant(source.values.astype(dtype))
    except (KeyError, TypeError, ValueError) as error:
        raise FirebrickError(f"{node.where}: casts to a type that is not supported; whole numbers and floats are") from error


def _reshape(node: Node, source: Constant, rest: Inputs) -> Constant:
    target = node.integers("shape", []) if not rest or rest[0] is None else whole_numbers(node, "shape", rest[0])
    sides = [source.values.shape[axis] if side == 0 and axis < source.values.ndim else side for axis, side in enumerate(target)]
    try:
        values = source.values.reshape(sides)
    except (ValueError, OverflowError) as error:
        raise FirebrickError(f"{node.where}: {source.values.shape} cannot become {target[:8]}") from error
    indices = None if source.indices is None else source.indices.reshape(values.shape)
    return Constant(values, indices, source.codebook)


def _gather(node: Node, source: Constant, rest: Inputs) -> Constant | None:
    book, indices = source.values, rest[0] if rest else None
    if indices is None or indices.dtype.kind not in "iu":
        raise unsupported(node.where, "must look whole-numbered indices up")
    if book.ndim != 1 or node.integer("axis", 0) not in (0, -1):
        return None  # no codebook
    if indices.size and not -len(book) <= int(indices.min()) <= int(indices.max()) < len(book):
        raise unsupported(node.where, f"an index lies outside the codebook of {len(book)}")
    indices = np.where(indices < 0, indices.astype(np.int64) + len(book), indices).astype(np.int64)
    return Constant(book[indices], indices, book)


def _values_only(function: Callable[[Node, Array, Sequence[Array | None]], Array]) -> Callable[[Node, Constant, Inputs], Constant]:
    return lambda node, source, rest: Constant(function(node, source.values, rest))


def _quant(node: Node, values: Array, rest: Inputs) -> Array:
    return quant(node, rest, values.shape).apply(values)


_FOLDABLE: dict[str, Callable[[Node, Constant, Inputs], Constant | None]] = {
    "BipolarQuant": _values_only(_quant),
    "Cast": _cast,
    "DequantizeLinear": _values_only(dequantize),
    "Gather": _gather,
    "Identity": _identity,
    "Quant": _values_only(_quant),
    "QuantizeLinear": _values_only(quantize),
    "Reshape": _reshape,
}
"""Operators that keep a codebook, or that quantise; None where the reference evaluator shall compute it."""
