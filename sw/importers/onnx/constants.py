# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Constants of an ONNX graph: initialisers, Constant nodes, and the results of a few operators on them (constant folding).

Gather(codebook, indices) is the interesting one: it keeps a published codebook.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firebrick.sw.errors import FirebrickError
from firebrick.sw.fire_format.metadata import WEIGHTS_MAX
from firebrick.sw.model.float_model import CodebookWeights

from ..feature_graph import unsupported
from .graph import Graph, Node

if TYPE_CHECKING:
    from onnx import TensorProto

Array = NDArray[Any]
CENTROIDS_MAX = 256
DEPTH_MAX = 20
"""Maximum number of operators between an initialiser and the node that uses its value."""
_WORK_MAX = 16 * WEIGHTS_MAX
"""Maximum number of elements in all evaluations together, so that a small file cannot ask for much work."""
_AXES_MAX = 64
"""Maximum length of a list of axes or sides; NumPy's arrays have no more axes."""
_WORK_MIN = 1000
"""Elements that every evaluation is counted as at least, since small ones cost time, too."""


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

    def __init__(self, graph: Graph) -> None:
        self._tensors = graph.tensors
        self._nodes: dict[str, Node] = {}
        self._work = 0
        for node in graph.nodes:
            constant = node.operator == "Constant" or (node.operator in _FOLDABLE and all(not name or name in self for name in node.inputs))
            if constant and node.outputs:
                self._nodes[node.outputs[0]] = node

    def __contains__(self, name: str) -> bool:
        return name in self._tensors or name in self._nodes

    def value(self, name: str, depth: int = 0) -> Constant:
        """A constant by name; raises FirebrickError where it is damaged or not supported."""
        node = self._nodes.get(name)
        where = node.where if node else f"tensor {name[:60]!r}"
        if depth > DEPTH_MAX:
            raise unsupported(where, f"a constant must be computed by at most {DEPTH_MAX} operators")
        if node is None:
            constant = Constant(self._array(where, self._tensors[name]))
        elif node.operator == "Constant":
            constant = Constant(self._literal(node))
        else:
            inputs = [self.value(source, depth + 1) if source else None for source in node.inputs]
            if not inputs or inputs[0] is None:
                raise unsupported(where, "has no input")
            with np.errstate(all="ignore"):  # values that are not finite are rejected where they are used
                constant = _FOLDABLE[node.operator](node, inputs[0], [rest.values if rest else None for rest in inputs[1:]])
        self._work += max(constant.values.size, _WORK_MIN)
        if self._work > _WORK_MAX:
            raise unsupported(where, f"all constants together must have at most {_WORK_MAX} elements")
        return constant

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
        return self._array(node.where, tensor)

    def _array(self, where: str, tensor: "TensorProto") -> Array:
        from onnx import TensorProto, numpy_helper

        if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
            raise unsupported(where, "its data lie in another file; save the model with its weights inside")
        if min(tensor.dims, default=1) < 0 or prod(tensor.dims) > WEIGHTS_MAX:
            raise unsupported(where, f"shape {list(tensor.dims)[:8]} must have at most {WEIGHTS_MAX} elements")
        try:
            array = numpy_helper.to_array(tensor)
        except Exception as error:  # shape, data type and data may contradict each other in many ways
            raise FirebrickError(f"{where}: its data do not fit its shape {list(tensor.dims)[:8]}; export the file anew") from error
        if array.dtype.kind in "OSU":
            raise unsupported(where, "must hold numbers, not text")
        if array.dtype.kind == "c":
            raise unsupported(where, "must hold real numbers, not complex ones")
        return array


def whole_numbers(node: Node, name: str, array: Array) -> list[int]:
    """A constant as a list of axes or sides; raises FirebrickError unless it is a short list of whole numbers."""
    if array.dtype.kind not in "iu" or array.size > _AXES_MAX:
        raise unsupported(node.where, f"{name} must be at most {_AXES_MAX} whole numbers")
    return [int(number) for number in array.reshape(-1)]


def _identity(_node: Node, source: Constant, _rest: list[Array | None]) -> Constant:
    return source


def _cast(node: Node, source: Constant, _rest: list[Array | None]) -> Constant:
    from onnx import helper

    try:
        dtype = np.dtype(helper.tensor_dtype_to_np_dtype(node.integer("to", 0)))
        if dtype.kind in "cOSU":
            raise TypeError(dtype)
        return Constant(source.values.astype(dtype))
    except (KeyError, TypeError, ValueError) as error:
        raise FirebrickError(f"{node.where}: casts to a type that is not supported; whole numbers and floats are") from error


def _reshape(node: Node, source: Constant, rest: list[Array | None]) -> Constant:
    target = node.integers("shape", []) if not rest or rest[0] is None else whole_numbers(node, "shape", rest[0])
    sides = [source.values.shape[axis] if side == 0 and axis < source.values.ndim else side for axis, side in enumerate(target)]
    try:
        values = source.values.reshape(sides)
    except (ValueError, OverflowError) as error:
        raise FirebrickError(f"{node.where}: {source.values.shape} cannot become {target[:8]}") from error
    indices = None if source.indices is None else source.indices.reshape(values.shape)
    return Constant(values, indices, source.codebook)


def _gather(node: Node, source: Constant, rest: list[Array | None]) -> Constant:
    book, indices = source.values, rest[0] if rest else None
    if book.ndim != 1 or node.integer("axis", 0) not in (0, -1) or indices is None or indices.dtype.kind not in "iu":
        raise unsupported(node.where, "must look whole-numbered indices up in a codebook of one axis")
    if indices.size and not -len(book) <= int(indices.min()) <= int(indices.max()) < len(book):
        raise unsupported(node.where, f"an index lies outside the codebook of {len(book)}")
    indices = np.where(indices < 0, indices.astype(np.int64) + len(book), indices).astype(np.int64)
    return Constant(book[indices], indices, book)


def quantisation(node: Node, scale: Array, zero: Array | None, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Scale and zero point of a QuantizeLinear or DequantizeLinear, so that they broadcast to ``shape``.

    Raises FirebrickError unless there is one scale, or one for each index of the node's axis.
    """
    zero = np.zeros(scale.shape, _output_type(node)) if zero is None else zero
    if node.integer("block_size", 0) or max(scale.ndim, zero.ndim) > 1 or scale.dtype.kind != "f" or zero.size != scale.size:
        raise unsupported(node.where, "must have one scale, or one for each channel, and as many zero points; blocks are not supported")
    if scale.size == 1:
        return scale.reshape(()), zero.reshape(())
    axis = node.integer("axis", 1)
    if not -len(shape) <= axis < len(shape) or shape[axis] != scale.size:
        raise unsupported(node.where, f"{scale.size} scales do not fit axis {axis} of {shape}")
    sides = [1] * len(shape)
    sides[axis] = scale.size
    return scale.reshape(sides), zero.reshape(sides)


def _output_type(node: Node) -> np.dtype[Any]:
    """The integer type of a quantiser without a zero point."""
    from onnx import TensorProto, helper

    data_type = node.integer("output_dtype", TensorProto.UINT8) or TensorProto.UINT8
    try:
        return np.dtype(helper.tensor_dtype_to_np_dtype(data_type))
    except (KeyError, TypeError) as error:
        raise unsupported(node.where, "quantises to a type that is not supported; int8, uint8, int16 and uint16 are") from error


def _quantize(node: Node, source: Constant, rest: list[Array | None]) -> Constant:
    scale, zero = _parameters(node, rest, source.values.shape)
    if zero.dtype.name not in ("int8", "uint8", "int16", "uint16"):
        raise unsupported(node.where, f"quantises to {zero.dtype.name}; int8, uint8, int16 and uint16 are supported")
    limits = np.iinfo(zero.dtype)
    steps = np.nan_to_num(np.rint(source.values.astype(np.float32) / scale), posinf=1e9, neginf=-1e9) + zero
    return Constant(np.clip(steps, limits.min, limits.max).astype(zero.dtype))


def _dequantize(node: Node, source: Constant, rest: list[Array | None]) -> Constant:
    scale, zero = _parameters(node, rest, source.values.shape)
    return Constant((source.values.astype(np.float64) - zero.astype(np.float64)).astype(np.float32) * scale.astype(np.float32))


def _parameters(node: Node, rest: list[Array | None], shape: tuple[int, ...]) -> tuple[Array, Array]:
    if not rest or rest[0] is None:
        raise unsupported(node.where, "has no scale")
    return quantisation(node, rest[0], rest[1] if len(rest) > 1 else None, shape)


_FOLDABLE: dict[str, Callable[[Node, Constant, list[Array | None]], Constant]] = {
    "Cast": _cast,
    "DequantizeLinear": _dequantize,
    "Gather": _gather,
    "Identity": _identity,
    "QuantizeLinear": _quantize,
    "Reshape": _reshape,
}
