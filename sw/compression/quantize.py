# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Float weights to a layer's integers: prune, cluster, round with error feedback, scale, correct the bias."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import FirebrickError
from ..model.float_model import CodebookWeights
from ..model.quantized import CENTROID_MAX, SHIFT_MAX, QuantizedLayer
from .calibration import Moments
from .codebook import NONZERO_BITS, Codebook, code_bits, design_codebook
from .error_compensation import ErrorCompensator, Matrix, refit_weights

COMPACT_CENTROID_MAX = 255
"""In a lean layer."""
COMPACT_BIAS_FRACTION_BITS = 4
"""Bits of a lean layer's biases behind the point, in output steps."""
RATE_SCALE = 4e-8
"""What a bit of storage is worth: this share of the output variance that weights of this size and no structure would give.

To be divided by a layer's ``harm``, and multiplied by the price of a bit.
"""


@dataclass(frozen=True, eq=False)
class QuantizationTarget:
    """One layer as it should become."""

    name: str
    weights: NDArray[np.float64]
    """Shape (filters, channels, kernel, kernel); zeros stay zeros."""
    bias: NDArray[np.float64]
    """One per filter."""
    moments: Moments
    input_scale: float
    """What a step of an input byte is worth."""
    sensitivity: float = 1.0
    """How much noise in these weights harms the scores, relative to other layers' noise of the same relative size."""
    density: float = 1.0
    """Share of the weights to keep at most."""
    rate_lambda: float = 1.0
    """What a bit is worth, relative to RATE."""
    nonzero_bits: float = NONZERO_BITS
    """What a weight other than zero costs beyond its code, in bits."""
    published: CodebookWeights | None = None
    """Codes and codebook to keep; None to make new ones."""


@dataclass(frozen=True, eq=False)
class _Clustered:
    """A layer's weights as they should be on the integer inputs, and the codebook for them."""

    weights: Matrix
    kept: NDArray[np.bool_]
    feedback: ErrorCompensator
    book: Codebook
    rate: float


def quantize(targets: list[QuantizationTarget], output_scale: float, bits: int, lean: bool = False) -> list[QuantizedLayer]:
    """The integers of layers that share an output scale, hence a shift: one layer, or the expand halves of a Fire module.

    The shift is the greatest at which no centroid exceeds CENTROID_MAX, or COMPACT_CENTROID_MAX in lean layers, whose sums so have fewer
    bits, and whose biases are in coarser steps. Weights are rounded with error feedback and biases take up
    what is left in the mean, so that the outputs on the calibration pictures are nearest to the float network's.
    """
    sources = [target.published or _cluster(target, bits) for target in targets]
    books = [source.codebook.astype(np.float64) if isinstance(source, CodebookWeights) else source.book.entries for source in sources]
    tops = [float(np.abs(book).max(initial=0)) * target.input_scale / output_scale for target, book in zip(targets, books, strict=True)]
    centroid_max = COMPACT_CENTROID_MAX if lean else CENTROID_MAX
    shift = _shift(max(tops), centroid_max)
    grain = 1 << max(0, shift - COMPACT_BIAS_FRACTION_BITS) if lean else 1
    layers = []
    for target, source, book in zip(targets, sources, books, strict=True):
        step = output_scale / (target.input_scale * 2**shift)  # what 1 in a centroid is worth
        integers = np.clip(np.rint(book / step), -centroid_max, centroid_max).astype(np.int32)
        if isinstance(source, CodebookWeights):
            table, codes = integers, np.where(integers[source.codes] == 0, 0, source.codes).astype(np.uint8)
        else:
            table, codes = _rounded(source, integers, step, bits)
        codes = codes.reshape(target.weights.shape)
        layers.append(QuantizedLayer(codes, table, _bias(target, table[codes], step, grain), shift))
    return layers


def _cluster(target: QuantizationTarget, bits: int) -> _Clustered:
    filters = len(target.weights)
    covariance = target.moments.covariance
    original = target.weights.reshape(filters, -1)
    weights = refit_weights(original, covariance, target.moments.cross_covariance, target.input_scale)
    feedback = ErrorCompensator.from_covariance(covariance)
    kept = original != 0
    if target.density * kept.size < np.count_nonzero(kept):
        kept &= feedback.prune(np.where(kept, weights, 0.0), target.density)
    rate = RATE_SCALE * target.rate_lambda / target.sensitivity * float(np.sum(weights**2)) * float(np.diag(covariance).mean())
    importance = np.broadcast_to(feedback.importance, weights.shape)
    book = design_codebook(weights[kept], importance[kept], rate, 1 << bits, target.nonzero_bits)
    codes = feedback.round(weights, kept, book, rate)  # what the codes cost is known better once errors are fed forward
    book = Codebook(book.entries, code_bits(codes[kept], book.entries, target.nonzero_bits))
    return _Clustered(weights, kept, feedback, book, rate)


def _shift(top: float, centroid_max: int) -> int:
    """The greatest shift at which a centroid of ``top``, in output steps, fits."""
    if top <= 0:
        return 0
    return int(np.clip(np.floor(np.log2((centroid_max + 0.49) / top)), 0, SHIFT_MAX))


def _rounded(layer: _Clustered, integers: NDArray[np.int32], step: float, bits: int) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """The codebook (0 first, the others ascending, zeros to fill) and the codes, (filters, k).

    Entries that round to the same integer become one.
    """
    entries, first = np.unique(integers, return_index=True)
    book = Codebook(entries.astype(np.float64), layer.book.bits[first])
    weights = entries[layer.feedback.round(layer.weights / step, layer.kept, book, layer.rate / step**2)]
    used = np.unique(weights[weights != 0])
    table = np.zeros(1 << bits, np.int32)
    table[1 : len(used) + 1] = used
    return table, np.where(weights == 0, 0, np.searchsorted(used, weights) + 1).astype(np.uint8)


def _bias(target: QuantizationTarget, integers: NDArray[np.int32], step: float, grain: int) -> NDArray[np.int64]:
    """Biases in accumulator units that make the mean of each output what the float network has; the input's mean is in there, too.

    They are multiples of ``grain``.
    """
    filters = len(integers)
    wanted = target.bias + target.weights.reshape(filters, -1) @ target.moments.float_mean
    bias = np.rint((wanted / (step * target.input_scale) - integers.reshape(filters, -1) @ target.moments.mean) / grain) * grain
    if not (np.abs(bias) < 1 << 31).all():
        raise FirebrickError(f"layer {target.name}: a bias exceeds 32 bits; the weights are too small for their outputs")
    return bias.astype(np.int64)
