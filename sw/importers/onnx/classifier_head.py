# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The operators that may follow the global average in an ONNX graph; they keep each image's scores and their order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from ..feature_graph import FeatureNode, unsupported
from .graph import Node

_SINGLE_AXIS_SOFTMAX = 13
"""The operator set from which Softmax normalises along ``axis`` alone; before, it normalised over ``axis`` and all axes after it."""
_ANY_BATCH = 7919
"""Stands for an open number of images; a prime, which no product of other axes equals by chance."""


@dataclass(frozen=True, eq=False)
class Scores:
    """The global average, reshaped."""

    average: FeatureNode
    """The average itself."""
    shape: tuple[int, ...]
    """Without the batch axis; one axis holds the classes, all others have length 1."""


def flatten(node: Node, scores: Scores) -> Scores:
    """Flatten: all axes but the batch axis become one. Raises FirebrickError for any other ``axis``."""
    axis = node.integer("axis", 1)
    if axis not in (1, -len(scores.shape)):
        raise unsupported(node.where, f"axis must be 1, so that every image keeps its own scores, not {axis}")
    return replace(scores, shape=(prod(scores.shape),))


def reshape(node: Node, scores: Scores, target: Sequence[int], batch: int | None) -> Scores:
    """Reshape to any shape that keeps a batch axis and an axis of classes; ``batch`` is None where the number of images is open.

    With an open batch, the shape must hold for any number of images, or for one: exporters often write a batch of 1.
    Raises FirebrickError for any other shape.
    """
    if not (node.integer("allowzero", 0) and 0 in target):
        for images in (batch,) if batch else (_ANY_BATCH, 1):
            before = (images, *scores.shape)
            # In ONNX, 0 copies an axis of the input, and -1 takes what is left over.
            sides = [before[axis] if side == 0 and axis < len(before) else side for axis, side in enumerate(target)]
            known = prod(side for side in sides if side != -1)
            sides = [prod(before) // known if side == -1 and known > 0 else side for side in sides]
            after = tuple(sides[1:])
            if sides[:1] == [images] and prod(after) == prod(scores.shape) == max(after, default=0):
                return replace(scores, shape=after)
    classes = scores.average.shape.channels
    raise unsupported(node.where, f"shape {list(target)[:8]} must keep one axis of images and one of {classes} classes")


def softmax(node: Node, scores: Scores, opset: int) -> Scores:
    """Softmax over the classes, which the host computes. Raises FirebrickError when it goes over another axis."""
    single_axis = opset >= _SINGLE_AXIS_SOFTMAX
    axis = node.integer("axis", -1 if single_axis else 1)
    axis += 1 + len(scores.shape) if axis < 0 else 0
    classes = 1 + scores.shape.index(max(scores.shape))
    if axis != classes and (single_axis or not 1 <= axis <= classes):
        raise unsupported(node.where, f"must go over the classes, axis {classes}, not {axis}")
    return scores
