# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The operators that may follow the global average in an ONNX graph; they keep each image's scores and their order."""

from collections.abc import Callable, Sequence
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
    has_batch: bool = True
    """The first axis of the file's tensor, before those of ``shape``, is that of images; False once a single image's is squeezed."""
    is_linear: bool = True
    """No softmax has been computed, so a scale still folds into the last convolution."""

    def sides(self, images: int) -> tuple[int, ...]:
        """All axes, for a number of images."""
        return (images, *self.shape) if self.has_batch else self.shape


def batches(batch: int | None) -> tuple[int, ...]:
    """Numbers of images to try in turn where ``batch`` is open: a shape must hold for any number, or for one: exporters often write 1."""
    return (batch,) if batch else (_ANY_BATCH, 1)


def flatten(node: Node, scores: Scores) -> Scores:
    """Flatten: all axes but the batch axis become one. Raises FirebrickError for any other ``axis``."""
    axis = node.integer("axis", 1)
    if not scores.has_batch or axis not in (1, -len(scores.shape)):
        raise unsupported(node.where, f"axis must be 1, so that every image keeps its own scores, not {axis}")
    return replace(scores, shape=(prod(scores.shape),))


def reshape(node: Node, scores: Scores, target: Callable[[int], Sequence[int]], batch: int | None) -> Scores:
    """Reshape to any shape that keeps a batch axis and an axis of classes; ``target`` gives it for a number of images.

    Raises FirebrickError for any other shape.
    """
    for images in batches(batch):
        before, sides = scores.sides(images), list(target(images))
        if node.integer("allowzero", 0) and 0 in sides:
            break
        # In ONNX, 0 copies an axis of the input, and -1 takes what is left over.
        sides = [before[axis] if side == 0 and axis < len(before) else side for axis, side in enumerate(sides)]
        known = prod(side for side in sides if side != -1)
        sides = [prod(before) // known if side == -1 and known > 0 else side for side in sides]
        result = _with_sides(scores, sides, images)
        if result is not None:
            return result
    classes = scores.average.shape.channels
    raise unsupported(node.where, f"shape {list(target(1))[:8]} must keep one axis of images and one of {classes} classes")


def transpose(node: Node, scores: Scores, batch: int | None) -> Scores:
    """Transpose of axes of length 1. Raises FirebrickError where it moves the axis of images."""
    axes = node.integers("perm", list(range(len(scores.sides(1))))[::-1])
    return _reordered(node, scores, batch, lambda sides: [sides[axis] for axis in axes], sorted(axes) == list(range(len(scores.sides(1)))))


def squeeze(node: Node, scores: Scores, axes: Sequence[int] | None, batch: int | None) -> Scores:
    """Squeeze of axes of length 1; None for all that have it."""
    rank = len(scores.sides(1))
    known = axes is None or all(-rank <= axis < rank for axis in axes)
    dropped = {axis % rank for axis in axes or ()}

    def sides(before: tuple[int, ...]) -> list[int]:
        if axes is None:
            return [side for side in before if side != 1]
        return [side for axis, side in enumerate(before) if axis not in dropped or side != 1]

    return _reordered(node, scores, batch, sides, known)


def unsqueeze(node: Node, scores: Scores, axes: Sequence[int], batch: int | None) -> Scores:
    """Unsqueeze: new axes of length 1."""
    rank = len(scores.sides(1)) + len(axes)
    new = {axis % rank for axis in axes} if rank else set()

    def sides(before: tuple[int, ...]) -> list[int]:
        old = iter(before)
        return [1 if axis in new else next(old) for axis in range(rank)]

    return _reordered(node, scores, batch, sides, len(new) == len(axes) and all(-rank <= axis < rank for axis in axes))


def softmax(node: Node, scores: Scores, opset: int) -> Scores:
    """Softmax or LogSoftmax over the classes, which the host computes. Raises FirebrickError when it goes over another axis."""
    single_axis = opset >= _SINGLE_AXIS_SOFTMAX
    axis = node.integer("axis", -1 if single_axis else 1)
    first = int(scores.has_batch)
    axis += first + len(scores.shape) if axis < 0 else 0
    classes = first + scores.shape.index(max(scores.shape))
    if axis != classes and (single_axis or not first <= axis <= classes):
        raise unsupported(node.where, f"must go over the classes, axis {classes}, not {axis}")
    return replace(scores, is_linear=False)


def _reordered(
    node: Node, scores: Scores, batch: int | None, sides: Callable[[tuple[int, ...]], Sequence[int]], axes_exist: bool
) -> Scores:
    if axes_exist:
        for images in batches(batch):
            result = _with_sides(scores, sides(scores.sides(images)), images)
            if result is not None:
                return result
    raise unsupported(node.where, "must keep one axis of images and one of classes, and only name axes that there are")


def _with_sides(scores: Scores, sides: Sequence[int], images: int) -> Scores | None:
    """The scores in another shape; None where an image would not keep its own scores along one axis."""
    classes = prod(scores.shape)
    if images == 1 or not scores.has_batch:
        has_batch = len(sides) > 1 and sides[0] == 1
        shape = tuple(sides[1:]) if has_batch else tuple(sides)
    else:
        has_batch, shape = True, tuple(sides[1:])
        if not sides or sides[0] != images:
            return None
    kept = prod(shape) == classes == max(shape, default=0)
    return replace(scores, shape=shape, has_batch=has_batch) if kept else None
