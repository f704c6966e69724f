# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Geometry of ONNX convolutions and pools: kernels, strides, and padding by explicit numbers or one of the ``auto_pad`` rules."""

from collections.abc import Sequence

from firebrick.sw.network.graph import Shape

from .. import feature_graph
from ..feature_graph import FeatureNode, unsupported
from ..filters import Filters
from .graph import Node


def padding(node: Node, shape: Shape, kernel: Sequence[int], strides: Sequence[int]) -> list[int]:
    """Padding at top, left, bottom and right; raises FirebrickError when the attributes are not as ONNX defines them."""
    auto = node.text("auto_pad", "NOTSET")
    if auto == "NOTSET":
        pads = node.integers("pads", [0, 0, 0, 0])
        if len(pads) != 4:
            raise unsupported(node.where, f"pads must be four numbers, not {len(pads)}")
        return pads
    if auto == "VALID":
        return [0, 0, 0, 0]
    if auto not in ("SAME_UPPER", "SAME_LOWER"):
        raise unsupported(node.where, f"auto_pad must be NOTSET, VALID, SAME_UPPER or SAME_LOWER, not {auto[:20]!r}")
    total = [  # so that the output has ceil(length / stride) positions
        max(0, (-(-length // stride) - 1) * stride + side - length)
        for length, side, stride in zip((shape.height, shape.width), kernel, strides, strict=True)
    ]
    smaller, larger = [pad // 2 for pad in total], [pad - pad // 2 for pad in total]
    return [*smaller, *larger] if auto == "SAME_UPPER" else [*larger, *smaller]


def convolve(node: Node, source: FeatureNode, filters: Filters) -> FeatureNode:
    """A convolution with the node's attributes; raises FirebrickError when they are not those of one group without dilation."""
    weights = filters.weights
    if weights.ndim != 4:
        raise unsupported(node.where, f"weights must have four axes, not {weights.ndim}")
    if node.integer("group", 1) != 1 or set(node.integers("dilations", [1, 1])) != {1}:
        raise unsupported(node.where, "must have one group and no dilation")
    kernel = [int(side) for side in weights.shape[2:]]
    if node.integers("kernel_shape", kernel) != kernel:
        raise unsupported(node.where, f"kernel_shape must be that of the weights, {kernel}")
    strides = node.pair("strides", [1, 1])
    return feature_graph.conv(node.where, source, filters, strides, padding(node, source.bordered_shape, kernel, strides))


def concat(node: Node, sources: list[FeatureNode]) -> FeatureNode:
    """The channels of several maps."""
    axis = node.integer("axis", 1)
    if not sources or not -4 <= axis < 4 or {source.axes[axis] for source in sources} != {1} or len({one.axes for one in sources}) > 1:
        raise unsupported(node.where, "must join channels, axis 1")
    return feature_graph.concat(node.where, sources)
