# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Quantised ONNX graphs: QuantizeLinear and DequantizeLinear (QDQ), operators on integers (QOperator), and QONNX's Quant.

They give the float network that they stand for: weights are as quantised, and activations are not rounded. Where the file rounds
activations more coarsely than 8 bits do, the import says so.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import affine_operators, feature_graph
from ..feature_graph import FeatureNode, unsupported
from ..filters import Affine, Filters
from . import head_operators, quantisation
from .arithmetic import QUANT_BITS
from .classifier_head import Scores
from .dataflow import Dataflow, Quantised, Value
from .geometry import concat, convolve
from .graph import Node

Translate = Callable[[Dataflow, Node], Value]


def on_integers(translate: Translate) -> Translate:
    """An operator that commutes with rounding, so that it may also stand between quantisers."""

    def translated(flow: Dataflow, node: Node) -> Value:
        value = flow.value(node)
        if not isinstance(value, Quantised):
            return translate(flow, node)
        name = node.inputs[0]
        flow.values[name] = value.value
        try:
            result = translate(flow, node)
        finally:
            flow.values[name] = value
        assert not isinstance(result, Quantised)
        return replace(value, value=result)

    return translated


def quantize_linear(flow: Dataflow, node: Node) -> Quantised:
    """QuantizeLinear of activations."""
    value = flow.unquantised(node)
    scale, zero_point = _parameters(flow, node, value, 1)
    if flow.is_image(value) and scale.size == 1:
        quantisation.check_integer_type(node, zero_point.dtype)
        limits = np.iinfo(zero_point.dtype)
        low, high = ((limit - float(zero_point)) * float(scale) for limit in (limits.min, limits.max))
        flow.input_range = (low, high)
        return Quantised(value, scale, zero_point)
    return _quantised(node, value, scale, zero_point)


def dequantize_linear(flow: Dataflow, node: Node) -> FeatureNode | Scores:
    """DequantizeLinear of activations, or of an image's bytes."""
    value = flow.value(node)
    if isinstance(value, FeatureNode) and flow.takes_bytes and flow.is_image(value):
        scale, zero = (np.broadcast_to(array.astype(np.float64), value.sides(1)) for array in _parameters(flow, node, value, 1))
        if value.axes == feature_graph.CHANNELS_FIRST:
            return affine_operators.affine(node.where, value, Affine(scale[0, :, 0, 0], (-zero * scale)[0, :, 0, 0]))
    return _dequantised(flow, node, 0)


def quant(flow: Dataflow, node: Node) -> FeatureNode | Scores:
    """QONNX's Quant of activations."""
    value = flow.unquantised(node)
    if not flow.are_constants(node.inputs[1:]):
        raise unsupported(node.where, "scale, zero point and bit width must be constants")
    rest = [flow.constant(node, index).values for index in range(1, len(node.inputs))]
    quantiser = quantisation.quant(node, rest, value.sides(1))
    if quantiser.bits < QUANT_BITS:
        flow.coarse[f"of {quantiser.bits} bit{'s' if quantiser.bits > 1 else ''}"] += 1
    elif quantiser.rounding not in quantisation.NEAREST:
        flow.coarse[f"that round with {quantiser.rounding}"] += 1
    if quantiser.bits == 1 and quantiser.signed:
        raise unsupported(node.where, "activations of one bit with a sign are not supported; only weights may have one bit")
    if flow.is_image(value) and quantiser.scale.size == quantiser.zero.size == 1:
        scale, zero = float(quantiser.scale.reshape(())), float(quantiser.zero.reshape(()))
        flow.input_range = ((quantiser.low - zero) * scale, (quantiser.high - zero) * scale)
        return value
    if (quantiser.zero == quantiser.low).all() and isinstance(value, FeatureNode):
        return feature_graph.relu(node.where, value)  # no integer is left for negative values
    return value


def qlinear_conv(flow: Dataflow, node: Node) -> Quantised:
    """QLinearConv: x, its scale and zero point; weights, theirs; the output's; biases in steps of x scale times weight scale."""
    source = _dequantised(flow, node, 0)
    if not isinstance(source, FeatureNode):
        raise unsupported(node.where, "must read feature maps, not the scores")
    if not flow.are_constants(node.inputs[1:]):
        raise unsupported(node.where, "weights, biases, scales and zero points must be constants")
    weights, scale, zero = (flow.constant(node, index).values for index in (3, 4, 5))
    if not _is_integer(weights) or scale.size not in (1, len(weights)) or zero.size not in (1, len(weights)) or weights.ndim != 4:
        raise unsupported(node.where, "must have weights in integers, with one scale and zero point, or one for each filter")
    steps = scale.reshape(-1).astype(np.float64) * np.ones(len(weights))
    floats = (weights.astype(np.float64) - zero.reshape(-1, 1, 1, 1).astype(np.float64)) * steps[:, None, None, None]
    bias = np.zeros(len(weights))
    if node.input(8):
        bias = flow.constant(node, 8).values.reshape(-1) * steps * float(flow.constant(node, 1).values.reshape(()))
    if not (np.isfinite(floats).all() and np.isfinite(bias).all()):
        raise unsupported(node.where, "weights and biases must be finite floats")
    conv = convolve(node, source, Filters(floats, bias))
    return _quantised(node, conv, *_parameters(flow, node, conv, 6))


def qlinear_concat(flow: Dataflow, node: Node) -> Quantised:
    """QLinearConcat: scale and zero point of the output, then each map with its own."""
    sources = [_dequantised(flow, node, index) for index in range(2, len(node.inputs), 3)]
    maps = [source for source in sources if isinstance(source, FeatureNode)]
    if len(maps) < len(sources):
        raise unsupported(node.where, "must read feature maps, not the scores")
    joined = concat(node, maps)
    return _quantised(node, joined, *_parameters(flow, node, joined, 0))


def qlinear_add(flow: Dataflow, node: Node) -> Quantised:
    """QLinearAdd: each map with its scale and zero point, then those of the output."""
    first, second = _dequantised(flow, node, 0), _dequantised(flow, node, 3)
    if not isinstance(first, FeatureNode) or not isinstance(second, FeatureNode):
        raise unsupported(node.where, "must read feature maps, not the scores")
    total = feature_graph.add(node.where, first, second)
    return _quantised(node, total, *_parameters(flow, node, total, 6))


def qlinear_average(flow: Dataflow, node: Node) -> Quantised:
    """QLinearGlobalAveragePool and QLinearAveragePool: the map with its scale and zero point, then those of the output."""
    if node.integer("channels_last", 0):
        raise unsupported(node.where, "must have channels first; give the file as it was before onnxruntime optimised it")
    _dequantised(flow, node, 0)
    average = head_operators.global_average_pool if node.operator.endswith("GlobalAveragePool") else head_operators.average_pool
    averaged = on_integers(average)(flow, node)
    assert isinstance(averaged, Quantised)
    return _quantised(node, averaged.value, *_parameters(flow, node, averaged.value, 3))


def _quantised(node: Node, value: FeatureNode | Scores, scale: NDArray[Any], zero_point: NDArray[Any]) -> Quantised:
    quantisation.check_integer_type(node, zero_point.dtype)
    if (zero_point == np.iinfo(zero_point.dtype).min).all() and isinstance(value, FeatureNode):
        value = feature_graph.relu(node.where, value)  # no integer is left for negative values, so they become zero
    return Quantised(value, scale, zero_point)


def _dequantised(flow: Dataflow, node: Node, index: int) -> FeatureNode | Scores:
    """An input in integers as what was quantised, if the scale and zero point after it are those it was quantised with."""
    value = flow.value(node, index)
    if isinstance(value, Quantised):
        scale, zero_point = _parameters(flow, node, value.value, index + 1)
        if np.array_equal(value.scale, scale) and np.array_equal(value.zero_point, zero_point):
            return value.value
    raise unsupported(node.where, "must follow a QuantizeLinear of the same scale and zero point")


def _parameters(flow: Dataflow, node: Node, value: FeatureNode | Scores, index: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Scale and zero point of activations, two inputs of the node, so that they broadcast to the shape of the value."""
    if not node.input(index) or not flow.are_constants(node.inputs[index : index + 2]):
        raise unsupported(node.where, "scale and zero point must be constants")
    scale = flow.constant(node, index).values
    zero_point = flow.constant(node, index + 1).values if node.input(index + 1) else None
    scale, zero_point = quantisation.quantisation(node, scale, zero_point, value.sides(0))  # 0 stands for the number of images
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise unsupported(node.where, "the scale must be positive")
    return scale, zero_point


def _is_integer(array: NDArray[Any]) -> bool:
    return array.dtype.kind in "iu" or "int" in array.dtype.name
