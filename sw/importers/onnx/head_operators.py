# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The global average of an ONNX graph, and the operators after it, from their inputs and attributes."""

from dataclasses import replace

from .. import feature_graph
from ..feature_graph import unsupported
from . import classifier_head
from .classifier_head import Scores
from .dataflow import Dataflow
from .geometry import padding
from .graph import Node


def global_average_pool(flow: Dataflow, node: Node) -> Scores:
    """GlobalAveragePool."""
    source = flow.features(node)
    feature_graph.need_channels_first(node.where, source)
    return Scores(feature_graph.average(node.where, source), (source.shape.channels, 1, 1))


def average_pool(flow: Dataflow, node: Node) -> Scores:
    """AveragePool over the whole map."""
    source = flow.features(node)
    shape, kernel = source.bordered_shape, node.pair("kernel_shape")
    pads = padding(node, shape, kernel, node.pair("strides", [1, 1]))
    if kernel != [shape.height, shape.width] or any(pads) or set(node.integers("dilations", [1, 1])) != {1}:
        raise unsupported(node.where, f"kernel {kernel} must be the whole map, {shape}, without padding and dilation")
    return global_average_pool(flow, node)


def reduce_mean(flow: Dataflow, node: Node) -> Scores:
    """ReduceMean over all positions."""
    source, axes = flow.features(node), flow.integers(node, "axes")
    keep_axes = node.integer("keepdims", 1)
    if not all(-4 <= axis < 4 for axis in axes) or sorted(source.axes[axis] for axis in axes) != [2, 3] or source.axes[0] != 0:
        positions = sorted(source.axes.index(axis) for axis in (2, 3))
        raise unsupported(node.where, f"must be over all positions, axes {positions[0]} and {positions[1]}, not {axes[:8]}")
    average = feature_graph.average(node.where, source)
    sides = tuple(average.shape.channels if axis == 1 else 1 for axis in source.axes[1:] if axis == 1 or keep_axes)
    return Scores(average, sides)


def flatten(flow: Dataflow, node: Node) -> Scores:
    """Flatten."""
    return classifier_head.flatten(node, flow.scores(node))


def reshape(flow: Dataflow, node: Node) -> Scores:
    """Reshape to a shape that may be computed from that of the scores."""
    return classifier_head.reshape(node, flow.scores(node), lambda images: flow.integers(node, "shape", images), flow.batch)


def squeeze(flow: Dataflow, node: Node) -> Scores:
    """Squeeze; its axes are an attribute before operator set 13."""
    given = bool(node.input(1)) or "axes" in node.attributes
    return classifier_head.squeeze(node, flow.scores(node), flow.integers(node, "axes") if given else None, flow.batch)


def unsqueeze(flow: Dataflow, node: Node) -> Scores:
    """Unsqueeze; its axes are an attribute before operator set 13."""
    return classifier_head.unsqueeze(node, flow.scores(node), flow.integers(node, "axes"), flow.batch)


def softmax(flow: Dataflow, node: Node) -> Scores:
    """Softmax and LogSoftmax, which keep the order of scores."""
    scores = flow.scores(node)
    if not scores.is_linear:
        raise unsupported(node.where, "comes after another softmax, which is usually a fault; give the file one softmax at most")
    return replace(classifier_head.softmax(node, scores, flow.opset), is_linear=False)
