# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Codebooks for entropy-coded weights: k-means with zero kept as an entry, in which every entry costs the bits that it is stored in.

Plain k-means (arXiv:1510.00149, Section 3) makes the error small and all codes equally likely, so that coding them gains little. Here
a weight goes where error and bits together cost least (entropy-constrained vector quantisation, Chou, Lookabaugh and Gray 1989). Lloyd's
rounds alone end in the optimum next to their start, at several times the least cost where weights stand in clumps; in one dimension
the best codebook can be found outright, by dynamic programming (Bruce 1965).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import FirebrickError

Vector = NDArray[np.float64]

NONZERO_BITS = 2.0
"""What a weight other than zero costs beyond its code, in bits: a gap to store."""
_ROUNDS = 4
_SAMPLES = 60_000
_BINS = 512
"""Most bins that values are counted in; cells of the codebook begin and end with them."""


@dataclass(frozen=True, eq=False)
class Codebook:
    """Entries, ascending, one of them zero, and what each costs in bits."""

    entries: Vector
    bits: Vector


def design_codebook(values: Vector, importance: Vector, rate: float, size: int, nonzero_bits: float = NONZERO_BITS) -> Codebook:
    """At most ``size`` entries, zero among them, for the least sum of importance * (value - entry)^2 + rate * bits.

    ``values`` and ``importance`` (not negative) are vectors of one length, ``rate`` is not negative, ``nonzero_bits`` is what a weight
    other than zero costs beyond its code. The best one for values counted in bins, then a few of Lloyd's rounds for the values
    themselves, on evenly spaced samples where they are many.
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
    return _lloyd(seen, weight, scaled_rate, _best_entries(seen, weight, scaled_rate, size, nonzero_bits), nonzero_bits)


def code_bits(codes: NDArray[np.int64], entries: Vector, nonzero_bits: float = NONZERO_BITS) -> Vector:
    """What each entry costs in bits: its share of the codes' entropy, and ``nonzero_bits`` unless it is zero."""
    counts = np.bincount(codes.reshape(-1), minlength=len(entries)) + 0.5
    return np.asarray(np.log2(counts.sum() / counts) + nonzero_bits * (entries != 0))


def _best_entries(values: Vector, weight: Vector, rate: float, size: int, nonzero_bits: float) -> Vector:
    """The entries, ascending, zero among them, of the cheapest codebook whose cells are runs of bins.

    ``best[0]`` and ``best[1]`` are the least costs of the bins before each place, without and with zero among the entries.
    """
    edges = _edges(values)
    bins, places = np.searchsorted(edges, values), len(edges) + 2
    count, mass, first, second = (
        np.append(0.0, np.cumsum(np.bincount(bins, moment, places - 1))) for moment in (None, weight, weight * values, weight * values**2)
    )
    counts, masses, firsts, seconds = (total - total[:, None] for total in (count, mass, first, second))  # [from, to]
    ahead = np.arange(places) >= np.arange(places)[:, None]
    bits = np.where(counts > 0, counts * np.log2(len(values) / np.maximum(counts, 1)), 0.0)
    spread = np.maximum(seconds - firsts**2 / np.where(masses > 0, masses, 1.0), 0.0)
    centred = np.where(ahead, spread + rate * (bits + nonzero_bits * counts), np.inf)
    zero = np.where(ahead, seconds + rate * bits, np.inf)
    best = np.full((2, places), np.inf)
    best[0, 0] = 0.0
    chosen = []
    for _ in range(size):
        ways = np.stack([best[0, :, None] + centred, best[1, :, None] + centred, best[0, :, None] + zero])
        starts = ways.argmin(axis=1)
        costs = np.take_along_axis(ways, starts[:, None], axis=1)[:, 0]
        is_zero = costs[2] < costs[1]
        chosen.append((starts[0], np.where(is_zero, starts[2], starts[1]), is_zero))
        before, best = best, np.stack([costs[0], np.where(is_zero, costs[2], costs[1])])
        if np.array_equal(before, best):  # more entries gain nothing
            break
    entries, place, with_zero = {0.0}, places - 1, True
    for without, within, is_zero in reversed(chosen):
        start = int(within[place] if with_zero else without[place])
        if with_zero and is_zero[place]:
            with_zero = False
        elif mass[place] > mass[start]:
            entries.add(float((first[place] - first[start]) / (mass[place] - mass[start])))
        place = start
    return np.array(sorted(entries))


def _edges(values: Vector) -> Vector:
    """Where one bin ends and the next begins.

    Between any two where the values are few, else as dense as the cube root of their density, which is how the best entries of a large
    codebook lie (Panter and Dite 1951).
    """
    different = np.unique(values)
    if len(different) <= _BINS:
        return np.asarray((different[1:] + different[:-1]) / 2)
    seen, places = np.histogram(values, 4 * _BINS)
    density = np.append(0.0, np.cumsum(np.cbrt(seen + 1e-3 * seen.mean())))
    return np.asarray(np.interp(np.linspace(0, density[-1], _BINS + 1)[1:-1], density, places))


def _lloyd(values: Vector, weight: Vector, rate: float, start: Vector, nonzero_bits: float) -> Codebook:
    """The codebook that the rounds end with."""
    entries = start
    bits = np.log2(len(start)) + nonzero_bits * (entries != 0)
    for _ in range(_ROUNDS):
        costs = weight[:, None] * (values[:, None] - entries) ** 2 + rate * bits
        codes = costs.argmin(axis=1)
        bits = code_bits(codes, entries, nonzero_bits)
        mass = np.bincount(codes, weight, len(entries))
        centres = np.bincount(codes, weight * values, len(entries)) / np.where(mass > 0, mass, 1.0)
        entries = np.where((mass > 0) & (entries != 0), centres, entries)
    order = np.argsort(entries, kind="stable")
    return Codebook(entries[order], bits[order])
