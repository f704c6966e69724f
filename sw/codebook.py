# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Codebooks for entropy-coded weights: k-means with zero kept as an entry, in which every entry costs the bits that it is stored in.

Plain k-means (arXiv:1510.00149, Section 3) makes the error small and all codes equally likely, so that coding them gains little. Here
a weight goes where error and bits together cost least (entropy-constrained vector quantisation, Chou, Lookabaugh and Gray 1989).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .errors import FirebrickError

Vector = NDArray[np.float64]

NONZERO_BITS = 2.0
"""What a weight other than zero costs beyond its code, in bits: a gap to store."""
_ROUNDS = 12
_SAMPLES = 60_000


@dataclass(frozen=True, eq=False)
class Codebook:
    """Entries, ascending, one of them zero, and what each costs in bits."""

    entries: Vector
    bits: Vector


def codebook(values: Vector, importance: Vector, rate: float, size: int, nonzero_bits: float = NONZERO_BITS) -> Codebook:
    """At most ``size`` entries, zero among them, for the least sum of importance * (value - entry)^2 + rate * bits.

    ``values`` and ``importance`` (not negative) are vectors of one length, ``rate`` is not negative, ``nonzero_bits`` is what a weight
    other than zero costs beyond its code. Found by Lloyd's rounds from two starts, equal steps and quantiles, on evenly spaced samples
    where the values are many.
    """
    if values.shape != importance.shape or values.ndim != 1:
        raise FirebrickError(f"values and importance must be vectors of one length, not {values.shape} and {importance.shape}")
    if size < 2 or rate < 0 or not (np.isfinite(values).all() and np.isfinite(importance).all() and (importance >= 0).all()):
        raise FirebrickError("a codebook needs at least two entries, finite values, and importances and a rate that are not negative")
    stride = len(values) // _SAMPLES + 1
    seen = values[::stride]
    if not seen.any():
        return Codebook(np.zeros(1), np.zeros(1))
    weight = importance[::stride] / max(float(importance.mean()), 1e-300)
    scaled_rate = rate / max(float(importance.mean()), 1e-300)
    step = float(np.ptp(np.append(seen, 0.0))) / (size - 1)
    steps = np.arange(np.ceil(min(seen.min(), 0.0) / step - 1e-9), np.floor(max(seen.max(), 0.0) / step + 1e-9) + 1) * step
    quantiles = np.append(np.quantile(seen, (np.arange(size - 1) + 0.5) / (size - 1)), 0.0)
    found = [_lloyd(seen, weight, scaled_rate, np.unique(start), nonzero_bits) for start in (steps, quantiles)]
    return min(found, key=lambda pair: pair[1])[0]


def code_bits(codes: NDArray[np.int64], entries: Vector, nonzero_bits: float = NONZERO_BITS) -> Vector:
    """What each entry costs in bits: its share of the codes' entropy, and ``nonzero_bits`` unless it is zero."""
    counts = np.bincount(codes.reshape(-1), minlength=len(entries)) + 0.5
    return np.asarray(np.log2(counts.sum() / counts) + nonzero_bits * (entries != 0))


def _lloyd(values: Vector, weight: Vector, rate: float, start: Vector, nonzero_bits: float) -> tuple[Codebook, float]:
    """The codebook that the rounds end with, and what it costs."""
    entries = start
    bits = np.log2(len(start)) + nonzero_bits * (entries != 0)
    cost = np.inf
    for _ in range(_ROUNDS):
        costs = weight[:, None] * (values[:, None] - entries) ** 2 + rate * bits
        codes = costs.argmin(axis=1)
        cost = float(costs[np.arange(len(codes)), codes].sum())
        bits = code_bits(codes, entries, nonzero_bits)
        mass = np.bincount(codes, weight, len(entries))
        centres = np.bincount(codes, weight * values, len(entries)) / np.where(mass > 0, mass, 1.0)
        entries = np.where((mass > 0) & (entries != 0), centres, entries)
    order = np.argsort(entries, kind="stable")
    return Codebook(entries[order], bits[order]), cost
