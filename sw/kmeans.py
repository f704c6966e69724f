# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Codebooks: weighted k-means in one dimension with one centroid kept at zero (arXiv:1510.00149, Section 3)."""

import numpy as np
from numpy.typing import NDArray

from .errors import FirebrickError

_ROUNDS = 300


def codebook(values: NDArray[np.float64], importance: NDArray[np.float64], centroids: int) -> NDArray[np.float64]:
    """At most ``centroids`` numbers other than zero, ascending, that with zero represent the values best.

    Minimises the sum of importance * (value - nearest)^2 by Lloyd's rounds from two starts, quantiles and equal steps, and keeps the
    better. ``values`` and ``importance`` (not negative) are one-dimensional and equally long; zeros among the values do not count.
    """
    if values.shape != importance.shape or values.ndim != 1:
        raise FirebrickError(f"values and importance must be equally long vectors, not {values.shape} and {importance.shape}")
    if centroids < 1 or not (np.isfinite(values).all() and np.isfinite(importance).all()) or (importance < 0).any():
        raise FirebrickError("a codebook needs at least one centroid, finite values and importances that are not negative")
    order = np.argsort(values, kind="stable")
    order = order[values[order] != 0]
    if not len(order):
        return np.zeros(0)
    ordered = values[order]
    weight = importance[order] + max(float(importance.mean()), 1e-300) * 1e-6  # nothing is entirely unimportant
    quantiles = ordered[((np.arange(centroids) + 0.5) * len(ordered) / centroids).astype(np.int64)]
    steps = np.linspace(ordered[0], ordered[-1], centroids)
    candidates = [_lloyd(ordered, weight, np.unique(start)) for start in (quantiles, steps)]
    return min(candidates, key=lambda candidate: _error(ordered, weight, candidate))


def nearest(values: NDArray[np.float64], sorted_codebook: NDArray[np.float64]) -> NDArray[np.int64]:
    """Index of the nearest entry of an ascending codebook, in the shape of the values; the upper one of two equally near."""
    return np.asarray(np.searchsorted((sorted_codebook[1:] + sorted_codebook[:-1]) / 2, values, side="right"), dtype=np.int64)


def _lloyd(ordered: NDArray[np.float64], weight: NDArray[np.float64], start: NDArray[np.float64]) -> NDArray[np.float64]:
    weights = np.concatenate([[0.0], np.cumsum(weight)])
    moments = np.concatenate([[0.0], np.cumsum(weight * ordered)])
    entries = np.unique(np.append(start, 0.0))
    for _ in range(_ROUNDS):
        edges = np.concatenate([[0], np.searchsorted(ordered, (entries[1:] + entries[:-1]) / 2), [len(ordered)]])
        mass = np.diff(weights[edges])
        used = mass > 0
        centres = np.where(used, np.diff(moments[edges]) / np.where(used, mass, 1), entries)
        updated = np.unique(np.where(entries == 0, 0.0, centres))
        if np.array_equal(updated, entries):
            break
        entries = updated
    return np.asarray(entries[entries != 0], dtype=np.float64)


def _error(ordered: NDArray[np.float64], weight: NDArray[np.float64], centroids: NDArray[np.float64]) -> float:
    entries = np.unique(np.append(centroids, 0.0))
    return float(np.sum(weight * (ordered - entries[nearest(ordered, entries)]) ** 2))
