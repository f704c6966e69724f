# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Float weights become a layer's integers: prune, cluster, round with error compensation, scale, correct the bias.

With input scale s_in, output scale s_out, centroids c, bias b and shift n the hardware computes

    output byte = clip(floor((c . q + b) / 2^n + 1/2), 0, 255),    output value = s_out * (output byte - zero point)

with a zero point of 0 unless there is no ReLU, so a centroid of 1 stands for a float weight of step = s_out / (s_in 2^n).
"""

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
"""Maximum magnitude of a centroid in a compact layer: 9 bits with the sign, where others have 12."""
COMPACT_BIAS_FRACTION_BITS = 4
"""A compact layer's biases are multiples of 1/16 of an output step."""
RATE_SCALE = 4e-8
"""The Lagrange multiplier of a storage bit at ``rate_lambda`` 1 and sensitivity 1, relative to the layer's nominal output variance.

That is the variance that weights of this norm would give with uncorrelated inputs of one variance: |W|^2 * mean(diag H). With this
value SqueezeNet v1.1 loses 0.4 points of top-1 accuracy at 6 bits and ``rate_lambda`` 1 (`docs/compression.md` has the curve).
"""


@dataclass(frozen=True, eq=False)
class QuantizationTarget:
    """One layer to quantise: its float weights, the statistics of its inputs, and how much to save."""

    name: str
    weights: NDArray[np.float64]
    """Shape (filters, channels, kernel, kernel); zeros stay zeros."""
    bias: NDArray[np.float64]
    """One per filter."""
    moments: Moments
    input_scale: float
    """The real value of one step of an input byte."""
    sensitivity: float = 1.0
    """How much noise in these weights changes the scores, relative to noise of the same relative size in other layers."""
    density: float = 1.0
    """Maximum fraction of the weights to keep."""
    rate_lambda: float = 1.0
    """Lagrange multiplier of a bit, relative to RATE_SCALE."""
    nonzero_bits: float = NONZERO_BITS
    """Bits that a weight other than zero costs beyond its code."""
    published: CodebookWeights | None = None
    """Published codes and codebook to keep; None to design new ones."""
    zero_point: int = 0
    """The output byte that stands for 0, which becomes a part of the bias."""


@dataclass(frozen=True, eq=False)
class _ClusteredLayer:
    """A layer's weights, refitted to the integer inputs, and the codebook for them."""

    weights: Matrix
    kept: NDArray[np.bool_]
    compensator: ErrorCompensator
    book: Codebook
    rate_lambda: float


def quantize(targets: list[QuantizationTarget], output_scale: float, bits: int, compact: bool = False) -> list[QuantizedLayer]:
    """The integers of layers that share an output scale, hence a shift: one layer, or the expand halves of a Fire module.

    The shift is the maximum at which no centroid exceeds CENTROID_MAX. In compact layers the limit is COMPACT_CENTROID_MAX and biases
    are coarser, so that sums have fewer bits. Weights are rounded with error compensation. Biases correct the mean that remains, so that
    outputs on the calibration images are as close as possible to the float network's. Raises FirebrickError where a bias exceeds 32 bits.
    """
    sources = [target.published or _cluster(target, bits) for target in targets]
    books = [source.codebook.astype(np.float64) if isinstance(source, CodebookWeights) else source.book.entries for source in sources]
    magnitudes = [
        float(np.abs(book).max(initial=0)) * target.input_scale / output_scale for target, book in zip(targets, books, strict=True)
    ]
    shift = _max_shift(max(magnitudes), COMPACT_CENTROID_MAX if compact else CENTROID_MAX)
    centroid_max, bias_step = integer_limits(shift, compact)
    layers = []
    for target, source, book in zip(targets, sources, books, strict=True):
        step = output_scale / (target.input_scale * 2**shift)
        integers = np.clip(np.rint(book / step), -centroid_max, centroid_max).astype(np.int32)
        if isinstance(source, CodebookWeights):
            table, codes = integers, np.where(integers[source.codes] == 0, 0, source.codes).astype(np.uint8)
        else:
            table, codes = _round_to_integers(source, integers, step, bits)
        codes = codes.reshape(target.weights.shape)
        bias = _corrected_bias(target, table[codes], step, bias_step, target.zero_point << shift)
        layers.append(QuantizedLayer(codes, table, bias, shift))
    return layers


def integer_limits(shift: int, compact: bool) -> tuple[int, int]:
    """The maximum magnitude of a layer's centroids, and the number of which its biases are multiples."""
    return (COMPACT_CENTROID_MAX, 1 << max(0, shift - COMPACT_BIAS_FRACTION_BITS)) if compact else (CENTROID_MAX, 1)


def _cluster(target: QuantizationTarget, bits: int) -> _ClusteredLayer:
    """Refit, prune to the density, and design the codebook."""
    filters = len(target.weights)
    covariance = target.moments.covariance
    original = target.weights.reshape(filters, -1)
    weights = refit_weights(original, covariance, target.moments.cross_covariance, target.input_scale)
    compensator = ErrorCompensator.from_covariance(covariance)
    kept = original != 0
    if target.density * kept.size < np.count_nonzero(kept):
        kept &= compensator.prune(np.where(kept, weights, 0.0), target.density)
    rate_lambda = RATE_SCALE * target.rate_lambda / target.sensitivity * float(np.sum(weights**2)) * float(np.diag(covariance).mean())
    importance = np.broadcast_to(compensator.importance, weights.shape)
    book = design_codebook(weights[kept], importance[kept], rate_lambda, 1 << bits, target.nonzero_bits)
    # the frequencies of codes are known better after error compensation than from clustering alone
    codes = compensator.round(weights, kept, book, rate_lambda)
    book = Codebook(book.entries, code_bits(codes[kept], book.entries, target.nonzero_bits))
    return _ClusteredLayer(weights, kept, compensator, book, rate_lambda)


def _max_shift(magnitude: float, centroid_max: int) -> int:
    """The maximum shift at which a centroid of this magnitude, in output steps per input step, rounds to ``centroid_max`` or less."""
    if magnitude <= 0:
        return 0
    return int(np.clip(np.floor(np.log2((centroid_max + 0.49) / magnitude)), 0, SHIFT_MAX))


def _round_to_integers(
    layer: _ClusteredLayer, integers: NDArray[np.int32], step: float, bits: int
) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """The codebook (0 first, the others ascending, then zeros as padding) and the codes, (filters, k).

    Weights are rounded anew, so that compensation knows the errors of the integer centroids. Entries that round to the same integer are
    merged.
    """
    entries, first = np.unique(integers, return_index=True)
    book = Codebook(entries.astype(np.float64), layer.book.bits[first])
    weights = entries[layer.compensator.round(layer.weights / step, layer.kept, book, layer.rate_lambda / step**2)]
    used = np.unique(weights[weights != 0])
    table = np.zeros(1 << bits, np.int32)
    table[1 : len(used) + 1] = used
    return table, np.where(weights == 0, 0, np.searchsorted(used, weights) + 1).astype(np.uint8)


def _corrected_bias(target: QuantizationTarget, integers: NDArray[np.int32], step: float, bias_step: int, zero: int) -> NDArray[np.int64]:
    """Biases in accumulator units, multiples of ``bias_step``, with which the mean of each output is the float network's.

    Solves step * s_in * (c . E[q] + b - zero) = W . E[x] + bias for b. That also subtracts the mean from the inputs of the first layer.
    """
    filters = len(integers)
    float_mean = target.bias + target.weights.reshape(filters, -1) @ target.moments.float_mean
    integer_mean = integers.reshape(filters, -1) @ target.moments.mean
    bias = np.rint((float_mean / (step * target.input_scale) - integer_mean) / bias_step) * bias_step + zero
    if not (np.abs(bias) < 1 << 31).all():
        raise FirebrickError(f"layer {target.name}: a bias exceeds 32 bits; the weights are too small for their outputs")
    return bias.astype(np.int64)
