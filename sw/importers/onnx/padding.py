# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Padding of an ONNX convolution or pool: explicit numbers, or one of the ``auto_pad`` rules."""

from collections.abc import Sequence

from firebrick.sw.network.graph import Shape

from ..feature_graph import unsupported
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
