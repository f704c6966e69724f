# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What each supported ONNX operator makes of its inputs: nodes of the feature graph, scores, or quantised values."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import feature_graph
from ..feature_graph import FeatureNode, Filters, unsupported
from . import classifier_head
from .classifier_head import Scores
from .constants import quantisation
from .dataflow import Dataflow, Quantised, Value, finite_floats
from .graph import NODES_MAX, Node
from .padding import padding


def _conv(flow: Dataflow, node: Node) -> FeatureNode:
    source = flow.features(node)
    if not flow.are_constants(node.inputs[1:]) or not node.input(1):
        raise unsupported(node.where, "weights and biases must be constants")
    constant = flow.constant(node, 1)
    weights = finite_floats(node, constant.values)
    if weights.ndim != 4:
        raise unsupported(node.where, f"weights must have four axes, not {weights.ndim}")
    bias = finite_floats(node, flow.constant(node, 2).values) if node.input(2) else np.zeros(len(weights), np.float32)
    if node.integer("group", 1) != 1 or set(node.integers("dilations", [1, 1])) != {1}:
        raise unsupported(node.where, "must have one group and no dilation")
    if node.integers("kernel_shape", list(weights.shape[2:])) != list(weights.shape[2:]):
        raise unsupported(node.where, f"kernel_shape must be that of the weights, {list(weights.shape[2:])}")
    strides = node.pair("strides", [1, 1])
    pads = padding(node, source.shape, [int(side) for side in weights.shape[2:]], strides)
    return feature_graph.conv(node.where, source, Filters(weights, bias, constant.codebook_weights()), strides, pads)


def _relu(flow: Dataflow, node: Node) -> Value:
    value = flow.unquantised(node)
    return feature_graph.relu(node.where, value) if isinstance(value, FeatureNode) else value  # the average of ReLUs is not negative


def _max_pool(flow: Dataflow, node: Node) -> FeatureNode:
    source = flow.features(node)
    kernel, strides = node.pair("kernel_shape"), node.pair("strides", [1, 1])
    if set(node.integers("dilations", [1, 1])) != {1}:
        raise unsupported(node.where, "must have no dilation")
    ceil_mode = node.integer("ceil_mode", 0)
    if ceil_mode not in (0, 1):
        raise unsupported(node.where, f"ceil_mode must be 0 or 1, not {ceil_mode}")
    pads = padding(node, source.shape, kernel, strides)
    return feature_graph.max_pool(node.where, source, kernel, strides, pads, bool(ceil_mode))


def _concat(flow: Dataflow, node: Node) -> FeatureNode:
    if not node.inputs or node.integer("axis", 1) not in (1, -3):
        raise unsupported(node.where, "must join channels, axis 1")
    return feature_graph.concat(node.where, [flow.features(node, index) for index in range(len(node.inputs))])


def _add(flow: Dataflow, node: Node) -> FeatureNode:
    return feature_graph.add(node.where, flow.features(node, 0), flow.features(node, 1))


def _identity(flow: Dataflow, node: Node) -> Value:
    return flow.value(node)


def _dropout(flow: Dataflow, node: Node) -> Value:
    training_mode = node.input(2)
    if training_mode and (training_mode not in flow.constants or np.any(flow.constant(node, 2).values)):
        raise unsupported(node.where, "must not be in training mode; export the network for inference")
    return flow.value(node)


def _global_average_pool(flow: Dataflow, node: Node) -> Scores:
    average = feature_graph.average(node.where, flow.features(node))
    return Scores(average, (average.shape.channels, 1, 1))


def _average_pool(flow: Dataflow, node: Node) -> Scores:
    source = flow.features(node)
    kernel = node.pair("kernel_shape")
    pads = padding(node, source.shape, kernel, node.pair("strides", [1, 1]))
    if kernel != [source.shape.height, source.shape.width] or any(pads) or set(node.integers("dilations", [1, 1])) != {1}:
        raise unsupported(node.where, f"kernel {kernel} must be the whole map, {source.shape}, without padding and dilation")
    return _global_average_pool(flow, node)


def _reduce_mean(flow: Dataflow, node: Node) -> Scores:
    axes = flow.integers(node, "axes")
    keep_axes = node.integer("keepdims", 1)
    if sorted(axis + 4 if axis < 0 else axis for axis in axes) != [2, 3]:
        raise unsupported(node.where, f"must be over all positions, axes 2 and 3, not {axes[:8]}")
    scores = _global_average_pool(flow, node)
    return scores if keep_axes else replace(scores, shape=scores.shape[:1])


def _flatten(flow: Dataflow, node: Node) -> Scores:
    return classifier_head.flatten(node, flow.scores(node))


def _reshape(flow: Dataflow, node: Node) -> Scores:
    return classifier_head.reshape(node, flow.scores(node), flow.integers(node, "shape"), flow.batch)


def _softmax(flow: Dataflow, node: Node) -> Scores:
    return classifier_head.softmax(node, flow.scores(node), flow.opset)


def _quantize_linear(flow: Dataflow, node: Node) -> Quantised:
    value = flow.unquantised(node)
    scale, zero_point = _scale_and_zero_point(flow, node)
    if zero_point.dtype.name not in ("int8", "uint8", "int16", "uint16"):
        raise unsupported(node.where, f"quantises to {zero_point.dtype.name}; int8, uint8, int16 and uint16 are supported")
    if (zero_point == np.iinfo(zero_point.dtype).min).all() and isinstance(value, FeatureNode):
        value = feature_graph.relu(node.where, value)  # no integer is left for negative values, so they become zero
    return Quantised(value, scale, zero_point)


def _dequantize_linear(flow: Dataflow, node: Node) -> FeatureNode | Scores:
    value = flow.value(node)
    scale, zero_point = _scale_and_zero_point(flow, node)
    is_pair = isinstance(value, Quantised) and np.array_equal(value.scale, scale) and np.array_equal(value.zero_point, zero_point)
    if not isinstance(value, Quantised) or not is_pair:
        raise unsupported(node.where, "must follow a QuantizeLinear of the same scale and zero point")
    return value.value


def _scale_and_zero_point(flow: Dataflow, node: Node) -> tuple[NDArray[Any], NDArray[Any]]:
    """Scale and zero point of a quantiser of activations, so that they broadcast to the shape of what it reads."""
    if not node.input(1) or not flow.are_constants(node.inputs[1:3]):
        raise unsupported(node.where, "scale and zero point must be constants")
    scale = flow.constant(node, 1).values
    zero_point = flow.constant(node, 2).values if node.input(2) else None
    value = flow.value(node)
    inner = value.value if isinstance(value, Quantised) else value
    shape = inner.shape if isinstance(inner, Scores) else (inner.shape.channels, inner.shape.height, inner.shape.width)
    scale, zero_point = quantisation(node, scale, zero_point, (0, *shape))  # 0 stands for the number of images
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise unsupported(node.where, "the scale must be positive")
    return scale, zero_point


OPERATORS: dict[str, Callable[[Dataflow, Node], Value]] = {
    "Add": _add,
    "AveragePool": _average_pool,
    "Concat": _concat,
    "Conv": _conv,
    "DequantizeLinear": _dequantize_linear,
    "Dropout": _dropout,
    "Flatten": _flatten,
    "GlobalAveragePool": _global_average_pool,
    "Identity": _identity,
    "MaxPool": _max_pool,
    "QuantizeLinear": _quantize_linear,
    "ReduceMean": _reduce_mean,
    "Relu": _relu,
    "Reshape": _reshape,
    "Softmax": _softmax,
}
"""Every operator that may read what depends on the image."""
MAX_INPUTS = {"Add": 2, "Concat": NODES_MAX, "Conv": 3, "Dropout": 3, "ReduceMean": 2, "Reshape": 2}
MAX_INPUTS |= dict.fromkeys(("QuantizeLinear", "DequantizeLinear"), 3)
"""Inputs of operators that may have more than one."""
