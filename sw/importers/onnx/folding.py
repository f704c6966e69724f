# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Constant folding: what an ONNX operator makes of constants, by ONNX's own reference evaluator.

The evaluator trusts its input. So only operators are evaluated whose result and work have a known bound, which is checked before.
"""

import warnings
from collections.abc import Callable, Sequence
from math import ceil, isfinite, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firebrick.sw.errors import FirebrickError

from ..feature_graph import unsupported
from .graph import Node

Array = NDArray[Any]
Inputs = Sequence[Array | None]
LIST_MAX = 64
"""Maximum length of a list of axes or sides; NumPy's arrays have no more axes."""


def evaluate(node: Node, inputs: Inputs, opset: int, limit: int) -> list[Array]:
    """The node's outputs. Raises FirebrickError when it cannot be folded, or costs more than ``limit`` elements."""
    cost = COSTS.get(node.operator)
    if cost is None:
        raise unsupported(
            node.where, "its inputs are constants, but this operator is not folded; export the file anew with constants folded"
        )
    try:
        if cost(node, [values for values in inputs if values is not None]) > limit:
            raise FirebrickError(f"{node.where}: computes a constant of too many elements")
        with warnings.catch_warnings(), np.errstate(all="ignore"):  # what is not finite is rejected where it is used
            warnings.simplefilter("ignore")
            return _reference(node, inputs, opset)
    except FirebrickError:
        raise
    except Exception as error:  # the evaluator has no errors of its own
        raise FirebrickError(f"{node.where}: its constant inputs do not fit together; export the file anew") from error


def _reference(node: Node, inputs: Inputs, opset: int) -> list[Array]:
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    names = {name: values for name, values in zip(node.inputs, inputs, strict=True) if name and values is not None}
    results = [name for name in node.outputs if name]
    graph = helper.make_graph(
        [node.proto],
        "constant",
        [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in names],
        [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in results],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    values = ReferenceEvaluator(model).run(None, names)
    computed = dict(zip(results, (np.asarray(array) for array in values), strict=True))
    if any(array.dtype.kind in "OSUc" for array in computed.values()):
        raise TypeError("not real numbers")
    return [computed.get(name, np.zeros(0)) for name in node.outputs]


def whole_numbers(node: Node, name: str, array: Array) -> list[int]:
    """A constant as a list of axes or sides; raises FirebrickError unless it is a short list of whole numbers."""
    if array.dtype.kind not in "iu" or array.size > LIST_MAX:
        raise unsupported(node.where, f"{name} must be at most {LIST_MAX} whole numbers")
    return [int(number) for number in array.reshape(-1)]


def _elementwise(_node: Node, inputs: list[Array]) -> int:
    return prod(int(side) for side in np.broadcast_shapes(*(array.shape for array in inputs)))


def _moved(node: Node, inputs: list[Array]) -> int:
    """Of operators whose result has at most the elements of their first input; what follows it are short lists."""
    for array in inputs[1:]:
        whole_numbers(node, "what follows the first input", array)
    return int(inputs[0].size)


def _joined(_node: Node, inputs: list[Array]) -> int:
    return sum(array.size for array in inputs)


def _gathered(node: Node, inputs: list[Array]) -> int:
    data, indices = inputs
    return int(indices.size * data.size // max(1, data.shape[node.integer("axis", 0)]))


def _multiplied(_node: Node, inputs: list[Array]) -> int:
    first, second = inputs[:2]
    if first.ndim != 2 or second.ndim != 2:
        raise ValueError("only matrices are multiplied")
    return int(first.size * max(second.shape) + second.size * max(first.shape))


def _filled(node: Node, inputs: list[Array]) -> int:
    return prod(whole_numbers(node, "the shape", inputs[0]))


def _expanded(node: Node, inputs: list[Array]) -> int:
    return prod(max(side, 1) for side in whole_numbers(node, "the shape", inputs[1])) * inputs[0].size


def _tiled(node: Node, inputs: list[Array]) -> int:
    return int(inputs[0].size) * prod(whole_numbers(node, "the repeats", inputs[1]))


def _ranged(_node: Node, inputs: list[Array]) -> int:
    start, limit, delta = (float(array.reshape(())) for array in inputs)
    length = (limit - start) / delta
    if not isfinite(length):
        raise ValueError("an endless range")
    return max(0, ceil(length))


def _padded(node: Node, inputs: list[Array]) -> int:
    pads = whole_numbers(node, "the pads", inputs[1]) if len(inputs) > 1 else node.integers("pads")
    return prod(side + 2 * max(0, *pads) for side in inputs[0].shape)


_NAMES = {
    _elementwise: "Abs Add And Ceil Clip Div Equal Exp Floor Greater GreaterOrEqual Less LessOrEqual Log Max Mean Min Mod "
    "Mul Neg Not Or Pow Reciprocal Relu Round Sigmoid Sign Sqrt Sub Sum Tanh Where Xor",
    _moved: "Flatten ReduceL1 ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Slice Squeeze Transpose "
    "Unsqueeze",
    _joined: "Concat",
    _gathered: "Gather",
    _multiplied: "Gemm MatMul",
    _filled: "ConstantOfShape",
    _expanded: "Expand",
    _tiled: "Tile",
    _ranged: "Range",
    _padded: "Pad",
}
COSTS: dict[str, Callable[[Node, list[Array]], int]] = {name: cost for cost, names in _NAMES.items() for name in names.split()}
"""For each operator that is folded, an upper bound of the elements it computes, from its inputs."""
