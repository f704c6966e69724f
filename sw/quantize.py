# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Float weights to a layer's integers: prune, cluster, scale, correct the bias."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .calibrate import Moments
from .errors import FirebrickError
from .kmeans import codebook, nearest
from .model import CENTROID_BITS, SHIFT_MAX, QuantizedLayer

CENTROID_MAX = (1 << (CENTROID_BITS - 1)) - 1


@dataclass(frozen=True, eq=False)
class Target:
    """One layer as it should become."""

    name: str
    weights: NDArray[np.float64]
    """Shape (filters, channels, kernel, kernel)."""
    bias: NDArray[np.float64]
    """One per filter."""
    moments: Moments
    input_scale: float
    """What a step of an input byte is worth."""
    codes: NDArray[np.uint8] | None = None
    """Published codes, to be kept, with their centroids below; None to make new ones."""
    centroids: NDArray[np.float64] | None = None

    @property
    def importance(self) -> NDArray[np.float64]:
        """The variance of the input that each weight meets, in the shape of the weights."""
        return np.broadcast_to(np.diag(self.moments.covariance).reshape(self.weights.shape[1:]), self.weights.shape)


def prune(weights: NDArray[np.float64], density: float) -> NDArray[np.float64]:
    """The weights with all but the greatest ``density`` of them set to zero; of equal ones the first stay."""
    keep = round(density * weights.size)
    mask = np.zeros(weights.size, bool)
    mask[np.argsort(-np.abs(weights).reshape(-1), kind="stable")[:keep]] = True
    return np.where(mask.reshape(weights.shape), weights, 0.0)


def quantize(targets: list[Target], output_scale: float, bits: int) -> list[QuantizedLayer]:
    """The integers of layers that share an output scale, hence a shift: one layer, or the expand halves of a Fire module.

    The shift is the greatest that lets every centroid fit CENTROID_BITS.
    """
    books = [_centroids(target, bits) for target in targets]
    tops = [float(np.abs(book).max(initial=0)) * target.input_scale / output_scale for target, book in zip(targets, books, strict=True)]
    shift = _shift(max(tops))
    return [_integers(target, book, output_scale, shift, bits) for target, book in zip(targets, books, strict=True)]


def _shift(top: float) -> int:
    if top <= 0:
        return 0
    return int(np.clip(np.floor(np.log2((CENTROID_MAX + 0.49) / top)), 0, SHIFT_MAX))


def _centroids(target: Target, bits: int) -> NDArray[np.float64]:
    if target.centroids is not None:
        return target.centroids
    return codebook(target.weights.reshape(-1), target.importance.reshape(-1), (1 << bits) - 1)


def _integers(target: Target, book: NDArray[np.float64], output_scale: float, shift: int, bits: int) -> QuantizedLayer:
    step = output_scale / (target.input_scale * 2**shift)  # what 1 in a centroid is worth
    integers = np.clip(np.rint(book / step), -CENTROID_MAX, CENTROID_MAX).astype(np.int32)
    if target.codes is not None:
        table, codes = integers, np.where(integers[target.codes] == 0, 0, target.codes).astype(np.uint8)
    else:
        entries = np.unique(np.append(integers, 0))  # centroids that round to the same integer become one
        table, codes = _encode(entries[nearest(target.weights / step, entries.astype(np.float64))], bits)
    quantized = table[codes].reshape(len(codes), -1)
    wanted = target.bias + target.weights.reshape(len(codes), -1) @ target.moments.wanted_mean
    bias = np.rint(wanted / (step * target.input_scale) - quantized @ target.moments.mean)
    if not (np.abs(bias) < 1 << 31).all():
        raise FirebrickError(f"layer {target.name}: a bias exceeds 32 bits; the weights are too small for their outputs")
    return QuantizedLayer(codes, table, bias.astype(np.int64), shift)


def _encode(weights: NDArray[np.int32], bits: int) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Codebook (0 first, then ascending, zeros to fill) and codes of integer weights with at most 2^bits - 1 values beside 0."""
    used = np.unique(weights[weights != 0])
    table = np.zeros(1 << bits, np.int32)
    table[1 : len(used) + 1] = used
    codes = np.where(weights == 0, 0, np.searchsorted(used, weights) + 1)
    return table, codes.astype(np.uint8)
