# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What may follow the global average in an ONNX graph: operators that keep each picture's scores and their order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from ..feature_graph import FeatureNode, unsupported
from .graph import Node

_SOFTMAX_OF_ONE_AXIS = 13
"""The operator set from which Softmax works along one axis, not over all from it on."""
_ANY_BATCH = 7919
"""Stands for an open number of pictures; a prime that no axis has by chance."""


@dataclass(frozen=True, eq=False)
class Scores:
    """The global average and what it has become."""

    maps: FeatureNode
    """The average itself."""
    shape: tuple[int, ...]
    """Without the axis of pictures; one axis has the classes, all others 1."""


def flatten(node: Node, scores: Scores) -> Scores:
    """Every axis but that of pictures becomes one."""
    axis = node.integer("axis", 1)
    if axis not in (1, -len(scores.shape)):
        raise unsupported(node.where, f"axis must be 1, so that every picture keeps its own scores, not {axis}")
    return replace(scores, shape=(prod(scores.shape),))


def reshape(node: Node, scores: Scores, target: Sequence[int], batch: int | None) -> Scores:
    """Any shape that keeps one axis of pictures and one of classes; ``batch`` is the number of pictures, None where it is open."""
    if not (node.integer("allowzero", 0) and 0 in target):
        for pictures in (batch,) if batch else (_ANY_BATCH, 1):
            before = (pictures, *scores.shape)
            sides = [before[axis] if side == 0 and axis < len(before) else side for axis, side in enumerate(target)]
            known = prod(side for side in sides if side != -1)
            sides = [prod(before) // known if side == -1 and known > 0 else side for side in sides]
            after = tuple(sides[1:])
            if sides[:1] == [pictures] and prod(after) == prod(scores.shape) == max(after, default=0):
                return replace(scores, shape=after)
    classes = scores.maps.shape.channels
    raise unsupported(node.where, f"shape {list(target)[:8]} must keep one axis of pictures and one of {classes} classes")


def softmax(node: Node, scores: Scores, opset: int) -> Scores:
    """Softmax over the classes, which is left to the host."""
    modern = opset >= _SOFTMAX_OF_ONE_AXIS
    axis = node.integer("axis", -1 if modern else 1)
    axis += 1 + len(scores.shape) if axis < 0 else 0
    classes = 1 + scores.shape.index(max(scores.shape))
    if axis != classes and (modern or not 1 <= axis <= classes):
        raise unsupported(node.where, f"must go over the classes, axis {classes}, not {axis}")
    return scores
