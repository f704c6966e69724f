# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Codebooks for entropy-coded weights: k-means with a fixed zero entry, in which every entry is charged for its storage.

Plain k-means (arXiv:1510.00149, equation 2) minimises the error alone and makes all codes about equally likely, so that entropy coding
gains little. Here an entry is chosen by rate-distortion cost (entropy-constrained vector quantisation: Chou, Lookabaugh and Gray 1989).
For a weight w of importance h that is stored as entry c_k:

    cost(w, k) = h (w - c_k)^2 + lambda bits_k,    bits_k = -log2 p_k + (nonzero_bits if c_k != 0)

with p_k the fraction of the weights that are stored as entry k. Lloyd's iterations alone end in a local optimum near their starting
point, at several times the minimum cost where weights form tight clusters. In one dimension, dynamic programming finds the optimum
(Bruce 1965); a few of Lloyd's iterations then refine it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import FirebrickError

Vector = NDArray[np.float64]

NONZERO_BITS = 2.0
"""Bits that a weight other than zero costs beyond its code: a typical cost of the run length of zeros before it."""
_LLOYD_ITERATIONS = 4
"""They refine a solution that is optimal up to the width of a bin, so few are needed."""
_MAX_SAMPLES = 60_000
_MAX_BINS = 512
"""Cells of the codebook begin and end at bins. The tables of the dynamic program grow with the square of this number."""
_MIN_MASS = 1e-300
"""Keeps divisions by the mean importance finite for layers whose inputs are all zero."""


@dataclass(frozen=True, eq=False)
class Codebook:
    """Entries in ascending order, one of them zero, and the bits that each costs."""

    entries: Vector
    bits: Vector


def design_codebook(values: Vector, importance: Vector, rate_lambda: float, size: int, nonzero_bits: float = NONZERO_BITS) -> Codebook:
    """The codebook of at most ``size`` entries, zero among them, of minimum total cost (see the module).

    The dynamic program finds the optimum for values counted in bins; a few of Lloyd's iterations refine it for the values themselves.
    Where there are many values, an evenly spaced sample of them is used.

    Args:
        values: the weights, a vector.
        importance: factor of each weight's squared error, not negative.
        rate_lambda: the Lagrange multiplier, squared error per bit; not negative.
        size: maximum number of entries, at least 2.
        nonzero_bits: bits that a weight other than zero costs beyond its code.

    Raises FirebrickError for arguments out of these ranges.
    """
    if values.shape != importance.shape or values.ndim != 1:
        raise FirebrickError(f"values and importance must be vectors of one length, not {values.shape} and {importance.shape}")
    if size < 2 or rate_lambda < 0 or not (np.isfinite(values).all() and np.isfinite(importance).all() and (importance >= 0).all()):
        raise FirebrickError(
            "a codebook needs at least two entries, finite values, and importances and a Lagrange multiplier that are not negative"
        )
    stride = len(values) // _MAX_SAMPLES + 1
    sample = values[::stride]
    if not sample.any():
        return Codebook(np.zeros(1), np.zeros(1))
    # dividing both terms of the cost by the mean importance changes no decision and keeps sums in range
    mean_importance = max(float(importance.mean()), _MIN_MASS)
    weight, scaled_lambda = importance[::stride] / mean_importance, rate_lambda / mean_importance
    entries = _optimal_entries(sample, weight, scaled_lambda, size, nonzero_bits)
    return _lloyd(sample, weight, scaled_lambda, entries, nonzero_bits)


def code_bits(codes: NDArray[np.int64], entries: Vector, nonzero_bits: float = NONZERO_BITS) -> Vector:
    """The bits that each entry costs: -log2 of its frequency among the codes, plus ``nonzero_bits`` unless it is zero.

    Half a count is added to each entry, so that unused entries get a finite cost.
    """
    counts = np.bincount(codes.reshape(-1), minlength=len(entries)) + 0.5
    return np.asarray(np.log2(counts.sum() / counts) + nonzero_bits * (entries != 0))


@dataclass(frozen=True, eq=False)
class _Moments:
    """Cumulative sums over the bins; the difference of two elements is the sum over the bins between them."""

    count: Vector
    mass: Vector
    """Sum of the weights."""
    first: Vector
    """Sum of weight * value."""
    second: Vector
    """Sum of weight * value^2."""


def _optimal_entries(values: Vector, weight: Vector, rate_lambda: float, size: int, nonzero_bits: float) -> Vector:
    """The entries, ascending, zero among them, of the cheapest codebook whose cells are runs of bins.

    Let C(i, j) be the cost of one cell of the bins i to j - 1 with its entry at their mean, and Z(i, j) that with its entry at zero.
    Let best0[j] and best1[j] be the minimum costs of the first j bins, without and with a zero entry. One more cell then gives

        best0'[j] = min over i of best0[i] + C(i, j)
        best1'[j] = min over i of best1[i] + C(i, j), best0[i] + Z(i, j)

    and after ``size`` cells best1 of all bins is the minimum. Empty cells are free, so codebooks may have fewer entries.
    """
    edges = _bin_edges(values)
    bins, positions = np.searchsorted(edges, values), len(edges) + 2
    moments = _Moments(
        *(np.append(0.0, np.cumsum(np.bincount(bins, term, positions - 1))) for term in (None, weight, weight * values, weight * values**2))
    )
    # by end, then start: minima over rows that are contiguous in memory are several times faster
    mean_cost, zero_cost = (np.ascontiguousarray(cost.T) for cost in _cell_costs(moments, len(values), rate_lambda, nonzero_bits))
    sums, ends = np.empty_like(mean_cost), np.arange(positions)

    def cheapest(before: Vector, cell_cost: Vector) -> tuple[NDArray[np.intp], Vector]:
        """For every end of one more cell, its best start and the cost up to its end."""
        starts = np.add(before, cell_cost, out=sums).argmin(axis=1)
        return starts, sums[ends, starts]

    best = np.full((2, positions), np.inf)
    best[0, 0] = 0.0
    steps = []
    for _ in range(size):
        start_without, cost_without = cheapest(best[0], mean_cost)
        start_with, cost_with = cheapest(best[1], mean_cost)
        start_zero, cost_zero = cheapest(best[0], zero_cost)
        is_zero = cost_zero < cost_with
        steps.append((start_without, np.where(is_zero, start_zero, start_with), is_zero))
        previous, best = best, np.stack([cost_without, np.where(is_zero, cost_zero, cost_with)])
        if np.array_equal(previous, best):  # more entries gain nothing
            break
    return _trace_back(steps, moments)


def _cell_costs(moments: _Moments, total: int, rate_lambda: float, nonzero_bits: float) -> tuple[Vector, Vector]:
    """C(i, j) and Z(i, j) of `_optimal_entries`; infinite where j < i.

    With sums over the cell, C = sum w x^2 - (sum w x)^2 / sum w + lambda n (log2(total / n) + nonzero_bits), Z = sum w x^2 + lambda n
    log2(total / n).
    """
    counts, masses, firsts, seconds = (
        cumulative - cumulative[:, None] for cumulative in (moments.count, moments.mass, moments.first, moments.second)
    )
    positions = len(moments.count)
    ordered = np.arange(positions) >= np.arange(positions)[:, None]
    bits = np.where(counts > 0, counts * np.log2(total / np.maximum(counts, 1)), 0.0)
    spread = np.maximum(seconds - firsts**2 / np.where(masses > 0, masses, 1.0), 0.0)
    mean_cost = np.where(ordered, spread + rate_lambda * (bits + nonzero_bits * counts), np.inf)
    zero_cost = np.where(ordered, seconds + rate_lambda * bits, np.inf)
    return mean_cost, zero_cost


def _trace_back(steps: list[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]], moments: _Moments) -> Vector:
    """The entries of the optimum, from its last cell to its first.

    Each step has, for every end of a cell, its start in a codebook without and with a zero entry, and whether the latter is the zero cell.
    """
    entries, end, with_zero = {0.0}, len(moments.count) - 1, True
    for start_without, start_with, is_zero in reversed(steps):
        start = int(start_with[end] if with_zero else start_without[end])
        if with_zero and is_zero[end]:
            with_zero = False
        elif moments.mass[end] > moments.mass[start]:
            entries.add(float((moments.first[end] - moments.first[start]) / (moments.mass[end] - moments.mass[start])))
        end = start
    return np.array(sorted(entries))


def _bin_edges(values: Vector) -> Vector:
    """The boundaries between bins.

    Few different values get a bin each. Otherwise bins are as dense as the cube root of the values' density, which is how the optimum
    entries of a large codebook are spaced (Panter and Dite 1951).
    """
    distinct = np.unique(values)
    if len(distinct) <= _MAX_BINS:
        return np.asarray((distinct[1:] + distinct[:-1]) / 2)
    counts, boundaries = np.histogram(values, 4 * _MAX_BINS)
    density = np.append(0.0, np.cumsum(np.cbrt(counts + 1e-3 * counts.mean())))  # the small term gives empty stretches some bins, too
    return np.asarray(np.interp(np.linspace(0, density[-1], _MAX_BINS + 1)[1:-1], density, boundaries))


def _lloyd(values: Vector, weight: Vector, rate_lambda: float, entries: Vector, nonzero_bits: float) -> Codebook:
    """The codebook after Lloyd's iterations: assign each value to its cheapest entry, then move each entry to its values' mean.

    The zero entry stays at zero.
    """
    bits = np.log2(len(entries)) + nonzero_bits * (entries != 0)
    for _ in range(_LLOYD_ITERATIONS):
        costs = weight[:, None] * (values[:, None] - entries) ** 2 + rate_lambda * bits
        codes = costs.argmin(axis=1)
        bits = code_bits(codes, entries, nonzero_bits)
        mass = np.bincount(codes, weight, len(entries))
        means = np.bincount(codes, weight * values, len(entries)) / np.where(mass > 0, mass, 1.0)
        entries = np.where((mass > 0) & (entries != 0), means, entries)
    order = np.argsort(entries, kind="stable")
    return Codebook(entries[order], bits[order])
