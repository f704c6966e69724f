# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""ONNX operators that scale, shift, pad, cast or transpose feature maps: parts of the convolutions beside them, or of the normalisation."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import affine_operators, feature_graph
from ..feature_graph import FeatureNode, unsupported
from ..filters import Affine, Doubles
from . import classifier_head
from .classifier_head import Scores
from .dataflow import Dataflow, Quantised, Value
from .graph import Node

QUANT_BITS = 8
"""Bits that the network's activations have; quantisers of fewer are reported."""


def add(flow: Dataflow, node: Node) -> Value:
    """Add or Sum: of a constant, or of two maps at the end of a bypass."""
    if len(node.inputs) == 2 and not any(name in flow.constants for name in node.inputs):
        first, second = flow.features(node, 0), flow.features(node, 1)
        if first.axes != second.axes:
            raise unsupported(node.where, "maps must have their axes in one order")
        return feature_graph.add(node.where, first, second)
    value, constant, _ = _with_constant(flow, node)
    return _apply(node, value, Affine(np.ones_like(constant), constant))


def sub(flow: Dataflow, node: Node) -> Value:
    """Sub of or from a constant."""
    value, constant, is_second = _with_constant(flow, node)
    ones = np.ones_like(constant)
    return _apply(node, value, Affine(ones, -constant) if is_second else Affine(-ones, constant))


def mul(flow: Dataflow, node: Node) -> Value:
    """Mul by a constant."""
    value, constant, _ = _with_constant(flow, node)
    return _apply(node, value, Affine(constant, np.zeros_like(constant)))


def div(flow: Dataflow, node: Node) -> Value:
    """Div by a constant."""
    value, constant, is_second = _with_constant(flow, node)
    if not is_second or not constant.all():
        raise unsupported(node.where, "must divide by a constant that is not zero")
    return _apply(node, value, Affine(1 / constant, np.zeros_like(constant)))


def batch_normalization(flow: Dataflow, node: Node) -> Value:
    """BatchNormalization with the statistics of training."""
    source = flow.features(node)
    feature_graph.need_channels_first(node.where, source)
    if node.integer("training_mode", 0) or node.integer("spatial", 1) != 1:
        raise unsupported(node.where, "must normalise each channel by constants; export the network for inference, in evaluation mode")
    epsilon = node.attributes.get("epsilon", 1e-5)
    values = [flow.constant(node, index).values for index in range(1, 5)]
    channels = source.shape.channels
    if any(array.shape != (channels,) or _is_integer(array) for array in values) or not isinstance(epsilon, float):
        raise unsupported(node.where, f"must have four lists of {channels} floats, one a channel, and a number as epsilon")
    gamma, beta, mean, variance = (array.astype(np.float64) for array in values)
    with np.errstate(all="ignore"):  # what is not finite is refused below
        scale = gamma / np.sqrt(variance + epsilon)
        return affine_operators.affine(node.where, source, Affine(scale, beta - mean * scale))


def cast(flow: Dataflow, node: Node) -> Value:
    """Cast between types of floats, which is not computed; also of an image's bytes."""
    from onnx import TensorProto

    value, target = flow.unquantised(node), node.integer("to", 0)
    floats = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE)
    whole = (TensorProto.UINT8, TensorProto.INT16, TensorProto.INT32, TensorProto.INT64)
    if target not in floats and not (flow.takes_bytes and flow.is_image(value) and target in whole):
        raise unsupported(node.where, "must cast to floats; feature maps in whole numbers are only supported between quantisers")
    return value


def clip(flow: Dataflow, node: Node) -> Value:
    """Clip at zero, which is a ReLU; of integers between quantisers, to fewer bits."""
    value = flow.value(node)
    low, high = (_bound(flow, node, index, name) for index, name in ((1, "min"), (2, "max")))
    if isinstance(value, Quantised):
        limits = np.iinfo(value.zero_point.dtype)
        low, high = max(low, limits.min), min(high, limits.max)
        bits = int(np.ceil(np.log2(max(high - low, 0) + 1)))
        if bits < QUANT_BITS:
            flow.coarse[f"of {bits} bits"] += 1
        if (value.zero_point == low).all() and isinstance(value.value, FeatureNode):
            return replace(value, value=feature_graph.relu(node.where, value.value))
        return value
    if high != np.inf or low not in (0, -np.inf) or not isinstance(value, FeatureNode):
        problem = f"clips from {low:g} to {high:g}; only a ReLU is supported: train with ReLU in place of ReLU6 and the like"
        raise unsupported(node.where, problem)
    return value if low else feature_graph.relu(node.where, value)


def pad(flow: Dataflow, node: Node) -> Value:
    """Pad with zeros, which the next convolution or pool takes up."""
    source = flow.features(node)
    mode = node.text("mode", "constant")
    name = "paddings" if "paddings" in node.attributes else "pads"
    pads = flow.integers(node, name)
    fill = flow.constant(node, 2).values if node.input(2) else np.asarray(node.attributes.get("value", 0.0))
    axes = flow.integers(node, "axes", index=3) if node.input(3) else [0, 1, 2, 3]
    if len(pads) != 2 * len(axes) or not all(-4 <= axis < 4 for axis in axes):
        raise unsupported(node.where, f"must have two pads for each axis, not {pads[:8]}")
    starts, ends = [0] * 4, [0] * 4
    for position, axis in enumerate(axes):
        starts[source.axes[axis]], ends[source.axes[axis]] = pads[position], pads[position + len(axes)]
    if any([*starts[:2], *ends[:2]]):
        raise unsupported(node.where, "must pad rows and columns only")
    if not any(pads):
        return source
    if mode != "constant" or fill.size != 1 or float(fill.reshape(())) != 0:
        raise unsupported(node.where, "must pad with zeros: only these become part of a convolution")
    return affine_operators.pad(node.where, source, [*starts[2:], *ends[2:]])


def transpose(flow: Dataflow, node: Node) -> Value:
    """Transpose: another order of the file's axes, which means nothing to the network."""
    value = flow.unquantised(node)
    if isinstance(value, Scores):
        return classifier_head.transpose(node, value, flow.batch)
    order = node.integers("perm", [3, 2, 1, 0])
    if sorted(order) != [0, 1, 2, 3]:
        raise unsupported(node.where, f"perm must order the axes 0 to 3, not {order[:8]}")
    return replace(value, axes=tuple(value.axes[axis] for axis in order))


def _with_constant(flow: Dataflow, node: Node) -> tuple[FeatureNode | Scores, Doubles, bool]:
    """The input that depends on the image, the other one for each of its channels, and whether the constant is the second."""
    if len(node.inputs) != 2:
        raise unsupported(node.where, f"must have two inputs, not {len(node.inputs)}")
    is_second = node.input(1) in flow.constants
    value = flow.unquantised(node, 0 if is_second else 1)
    return value, _per_channel(node, flow.constant(node, int(is_second)).values, value), is_second


def _per_channel(node: Node, array: NDArray[Any], value: FeatureNode | Scores) -> Doubles:
    """A constant as one number for each channel; raises FirebrickError where it differs from position to position."""
    if _is_integer(array) or not np.isfinite(doubles := array.astype(np.float64)).all():
        raise unsupported(node.where, "the constant must be finite floats")
    sides = value.sides(1)
    channels = value.average.shape.channels if isinstance(value, Scores) else value.shape.channels
    try:
        whole = np.broadcast_to(doubles, sides)
    except ValueError:
        whole = None
    if whole is not None and isinstance(value, FeatureNode):
        whole = whole.transpose([value.axes.index(axis) for axis in range(4)])
        whole = whole[0, :, 0, 0] if (whole == whole[:, :, :1, :1]).all() else None
    if whole is None:
        raise unsupported(node.where, f"the constant must be one number, or one for each of {channels} channels, not {array.shape}")
    return np.array(whole.reshape(-1))


def _is_integer(array: NDArray[Any]) -> bool:
    return array.dtype.kind in "iub" or "int" in array.dtype.name


def _apply(node: Node, value: FeatureNode | Scores, function: Affine) -> FeatureNode | Scores:
    if isinstance(value, FeatureNode):
        return affine_operators.affine(node.where, value, function)
    if not value.is_linear:
        raise unsupported(node.where, "changes probabilities; after a softmax, only the shape may change")
    return replace(value, average=affine_operators.affine(node.where, value.average, function))


def _bound(flow: Dataflow, node: Node, index: int, name: str) -> float:
    """A bound of Clip, which is an attribute before operator set 11."""
    nothing = -np.inf if name == "min" else np.inf
    number = flow.constant(node, index).values if node.input(index) else np.asarray(node.attributes.get(name, nothing))
    if number.size != 1 or number.dtype.kind not in "iuf":
        raise unsupported(node.where, f"{name} must be one number")
    bound = float(number.reshape(()))
    limits = np.finfo(np.float32)
    return nothing if bound <= limits.min or bound >= limits.max else bound  # the largest float stands for no bound, in old files
