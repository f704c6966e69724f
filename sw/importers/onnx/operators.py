# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What each supported ONNX operator makes of its inputs: nodes of the feature graph, scores, or quantised values."""

from collections.abc import Callable

import numpy as np

from .. import feature_graph
from ..feature_graph import FeatureNode, unsupported
from ..filters import Filters
from . import arithmetic, head_operators, quantised_operators
from .dataflow import Dataflow, Value, finite_floats
from .geometry import concat, convolve, padding
from .graph import NODES_MAX, Node
from .quantised_operators import on_integers


def _conv(flow: Dataflow, node: Node) -> FeatureNode:
    source = flow.features(node)
    if not flow.are_constants(node.inputs[1:]) or not node.input(1):
        raise unsupported(node.where, "weights and biases must be constants")
    constant = flow.constant(node, 1)
    weights = finite_floats(node, constant.values)
    bias = finite_floats(node, flow.constant(node, 2).values) if node.input(2) else np.zeros(weights.shape[:1], np.float32)
    return convolve(node, source, Filters(weights, bias, constant.codebook_weights()))


def _fused_conv(flow: Dataflow, node: Node) -> FeatureNode:
    activation = node.text("activation", "")
    if node.input(3) or activation not in ("", "Relu"):
        more = "a sum" if node.input(3) else f"the activation {activation[:20]!r}"
        raise unsupported(
            node.where, f"onnxruntime fused a convolution with {more}; give the file as it was before onnxruntime optimised it"
        )
    conv = _conv(flow, node)
    return feature_graph.relu(node.where, conv) if activation else conv


def _relu(flow: Dataflow, node: Node) -> Value:
    value = flow.unquantised(node)
    if isinstance(value, FeatureNode):
        return feature_graph.relu(node.where, value)
    if not (value.average.rectified and value.is_linear):
        raise unsupported(node.where, "cuts scores off; a ReLU must come before the average")
    return value  # the average of ReLUs is not negative


def _max_pool(flow: Dataflow, node: Node) -> FeatureNode:
    source = flow.features(node)
    kernel, strides = node.pair("kernel_shape"), node.pair("strides", [1, 1])
    if set(node.integers("dilations", [1, 1])) != {1}:
        raise unsupported(node.where, "must have no dilation")
    ceil_mode = node.integer("ceil_mode", 0)
    if ceil_mode not in (0, 1):
        raise unsupported(node.where, f"ceil_mode must be 0 or 1, not {ceil_mode}")
    pads = padding(node, source.bordered_shape, kernel, strides)
    return feature_graph.max_pool(node.where, source, kernel, strides, pads, bool(ceil_mode))


def _concat(flow: Dataflow, node: Node) -> FeatureNode:
    return concat(node, [flow.features(node, index) for index in range(len(node.inputs))])


def _identity(flow: Dataflow, node: Node) -> Value:
    return flow.value(node)


def _dropout(flow: Dataflow, node: Node) -> Value:
    training_mode = node.input(2)
    if training_mode and (training_mode not in flow.constants or np.any(flow.constant(node, 2).values)):
        raise unsupported(node.where, "must not be in training mode; export the network for inference")
    return flow.value(node)


OPERATORS: dict[str, Callable[[Dataflow, Node], Value]] = {
    "Add": arithmetic.add,
    "AveragePool": head_operators.average_pool,
    "BatchNormalization": arithmetic.batch_normalization,
    "Cast": arithmetic.cast,
    "Clip": arithmetic.clip,
    "Concat": _concat,
    "Conv": _conv,
    "DequantizeLinear": quantised_operators.dequantize_linear,
    "Div": arithmetic.div,
    "Dropout": _dropout,
    "Flatten": on_integers(head_operators.flatten),
    "GlobalAveragePool": head_operators.global_average_pool,
    "Identity": _identity,
    "LogSoftmax": head_operators.softmax,
    "MaxPool": on_integers(_max_pool),
    "Mul": arithmetic.mul,
    "Pad": arithmetic.pad,
    "QLinearConv": quantised_operators.qlinear_conv,
    "Quant": quantised_operators.quant,
    "QuantizeLinear": quantised_operators.quantize_linear,
    "ReduceMean": head_operators.reduce_mean,
    "Relu": _relu,
    "Reshape": on_integers(head_operators.reshape),
    "Softmax": head_operators.softmax,
    "Squeeze": on_integers(head_operators.squeeze),
    "Sub": arithmetic.sub,
    "Sum": arithmetic.add,
    "Transpose": on_integers(arithmetic.transpose),
    "Unsqueeze": on_integers(head_operators.unsqueeze),
    "com.microsoft.FusedConv": _fused_conv,
    "com.microsoft.QLinearAdd": quantised_operators.qlinear_add,
    "com.microsoft.QLinearAveragePool": quantised_operators.qlinear_average,
    "com.microsoft.QLinearConcat": quantised_operators.qlinear_concat,
    "com.microsoft.QLinearGlobalAveragePool": quantised_operators.qlinear_average,
}
"""Every operator that may read what depends on the image."""
MAX_INPUTS = {"BatchNormalization": 5, "Clip": 3, "Concat": NODES_MAX, "Conv": 3, "Dropout": 3, "Pad": 4, "QLinearConv": 9, "Quant": 4}
MAX_INPUTS |= dict.fromkeys(("Add", "Div", "Mul", "ReduceMean", "Reshape", "Squeeze", "Sub", "Sum", "Unsqueeze"), 2)
MAX_INPUTS |= dict.fromkeys(("QuantizeLinear", "DequantizeLinear"), 3)
MAX_INPUTS |= {"com.microsoft.FusedConv": 4, "com.microsoft.QLinearAdd": 8, "com.microsoft.QLinearConcat": NODES_MAX}
MAX_INPUTS |= dict.fromkeys(("com.microsoft.QLinearAveragePool", "com.microsoft.QLinearGlobalAveragePool"), 5)
"""Inputs of operators that may have more than one."""

_QDQ = "quantise in QDQ format (onnxruntime: quantize_static with quant_format=QuantFormat.QDQ), or give the float file"
_HINTS = {
    "ArgMax": "leaves no scores; the graph must end with scores; give the file as it was before ArgMax was added",
    "BipolarQuant": "activations of one bit are not supported; only weights may have one bit",
    "ConvInteger": f"is of dynamic quantisation; {_QDQ}",
    "DynamicQuantizeLinear": f"is of dynamic quantisation; {_QDQ}",
    "If": "chooses between graphs; simplify the file (python -m onnxsim), or export it anew for images of one size",
    "MatMulInteger": f"is of dynamic quantisation; {_QDQ}",
    "TopK": "leaves no scores; the graph must end with scores; give the file as it was before TopK was added",
}


def refusal(operator: str) -> str:
    """Why an operator is not supported, and what to do."""
    if operator in _HINTS:
        return _HINTS[operator]
    if operator.startswith("com.microsoft.QLinear"):
        return f"this operator on integers is not supported; {_QDQ}"
    if operator.startswith(("com.microsoft.", "ai.onnxruntime.")):
        return "is an operator that only onnxruntime has; give the file as it was before onnxruntime optimised it"
    if operator.endswith((".Trunc", ".MultiThreshold", ".FloatQuant")):
        return "is not supported; of QONNX, Quant is, and BipolarQuant of weights: give the file before FINN or hls4ml transforms it"
    names = sorted(name for name in OPERATORS if "." not in name)
    return f"this operator is not supported; supported are {', '.join(names)}"
