# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Operators that only scale and shift channels, and zeros around maps: no stages of their own, they become part of their neighbours."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .feature_graph import FeatureNode, Operation, unsupported
from .filters import Affine


def affine(where: str, source: FeatureNode, function: Affine) -> FeatureNode:
    """A scale and a shift for each channel: into the convolution before, if it can take them up, or else into the one after."""
    if any(source.border) and function.shift.any():
        raise unsupported(where, "adds a number to the zeros of a Pad before it; put the Pad behind it")
    if not np.isfinite([function.scale, function.shift]).all():
        raise unsupported(where, "must have finite numbers")
    folded = _fold_back(source, function)
    if folded is not None:
        return folded
    if source.operation is Operation.INPUT:
        rectified = source.rectified and function.keeps_sign
    elif source.operation is Operation.AVERAGE:
        raise unsupported(where, "changes the scores after their last ReLU; only a positive scale folds into the last convolution")
    elif not source.rectified:
        raise unsupported(where, f"reads {source.where} without a ReLU between; only a convolution can take scales and shifts up")
    else:
        rectified = True
    return replace(source, affine=function if source.affine is None else source.affine.then(function), rectified=rectified)


def _fold_back(source: FeatureNode, function: Affine) -> FeatureNode | None:
    """The source with weights that compute the function, too; None where no weights can.

    What is not negative, of a shift of zero, may go through a ReLU or a pool.
    """
    positive = bool((function.scale >= 0).all())
    if source.affine is not None or (source.rectified and (function.shift.any() or not positive)):
        return None
    if source.operation is Operation.CONV and source.filters is not None:
        return replace(source, filters=source.filters.followed_by(function), origin=object())
    if source.operation is Operation.AVERAGE or (source.operation is Operation.POOL and positive):
        functions = [function]
    elif source.operation is Operation.CONCAT:
        ends = np.cumsum([part.shape.channels for part in source.sources])
        functions = [function.part(end - part.shape.channels, end) for part, end in zip(source.sources, ends, strict=True)]
    else:
        return None
    folded = [_fold_back(part, one) for part, one in zip(source.sources, functions, strict=True)]
    sources = tuple(part for part in folded if part is not None)
    return replace(source, sources=sources, origin=object()) if len(sources) == len(folded) else None


def pad(where: str, source: FeatureNode, border: Sequence[int]) -> FeatureNode:
    """Zeros around the maps; ``border`` is top, left, bottom and right."""
    if min(border) < 0:
        raise unsupported(where, "cuts maps off; only zeros around them are supported")
    top, left, bottom, right = (zeros + more for zeros, more in zip(source.border, border, strict=True))
    return replace(source, border=(top, left, bottom, right))
