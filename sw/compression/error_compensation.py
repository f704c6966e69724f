# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Error feedback: the weights to come make good what rounding or pruning one does (GPTQ, arXiv:2210.17323; SparseGPT, 2301.00774).

A layer is a matrix of filters by inputs. What counts is the error of its outputs, e H e^T for a filter's weight error e and the inputs'
covariance H, not the error of its weights.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .codebook import Codebook

Matrix = NDArray[np.float64]

DAMPING = 0.01
"""Added to the covariance's diagonal, as a share of its mean: how far the pictures are believed."""
_SEARCHES = 16


def damped(covariance: Matrix) -> Matrix:
    """A covariance (k, k) made safely invertible."""
    return covariance + DAMPING * max(float(np.diag(covariance).mean()), 1e-9) * np.eye(len(covariance))


def refit_weights(weights: Matrix, covariance: Matrix, wanted: Matrix, scale: float) -> Matrix:
    """Weights, (filters, k), that give on the integer inputs most nearly what the given ones give on the float network's.

    ``covariance`` is that of the integer inputs, ``wanted`` that of float (rows) with integer inputs, ``scale`` what an integer step is
    worth. Least squares, drawn towards the given weights by the damping.
    """
    trusted = damped(covariance)
    return np.asarray(np.linalg.solve(trusted, (wanted.T / scale + trusted - covariance) @ weights.T).T)


@dataclass(frozen=True, eq=False)
class ErrorCompensator:
    """The order in which inputs are settled, and what an error in one asks of those after it."""

    order: NDArray[np.int64]
    """Inputs by falling variance."""
    inverse_factor: Matrix
    """Upper Cholesky factor of the inverse covariance in that order, (k, k)."""

    @classmethod
    def from_covariance(cls, covariance: Matrix) -> "ErrorCompensator":
        """The feedback for inputs of this covariance, (k, k)."""
        order = np.argsort(-np.diag(covariance), kind="stable")
        inverse = np.linalg.inv(damped(covariance)[np.ix_(order, order)])
        return cls(order, np.asarray(np.linalg.cholesky((inverse + inverse.T) / 2).T, dtype=np.float64))

    @property
    def importance(self) -> NDArray[np.float64]:
        """What a squared error of 1 in each input's weight adds to the output error after the others made good what they can, (k)."""
        importance = np.empty(len(self.order))
        importance[self.order] = 1 / np.diag(self.inverse_factor) ** 2
        return importance

    def round(self, weights: Matrix, kept: NDArray[np.bool_], book: Codebook, rate: float) -> NDArray[np.int64]:
        """The codebook index of each weight, (filters, k), for the least output error + rate * bits; what is not kept becomes zero."""
        left, kept = weights[:, self.order], kept[:, self.order]
        codes = np.empty(left.shape, np.int64)
        zero = int(np.flatnonzero(book.entries == 0)[0])
        for column in range(left.shape[1]):
            now, factor = left[:, column], self.inverse_factor[column, column]
            best = (((now[:, None] - book.entries) / factor) ** 2 + rate * book.bits).argmin(axis=1)
            codes[:, column] = np.where(kept[:, column], best, zero)
            error = (now - book.entries[codes[:, column]]) / factor
            left[:, column + 1 :] -= np.outer(error, self.inverse_factor[column, column + 1 :])
        settled = np.empty_like(codes)
        settled[:, self.order] = codes
        return settled

    def prune(self, weights: Matrix, density: float) -> NDArray[np.bool_]:
        """Which weights, (filters, k), to keep: at most ``density`` of them and nearly that many, those whose loss costs most."""
        goal = density * weights.size
        high = max(float((weights**2 * self.importance).max()), 1e-300)
        while np.count_nonzero(self._above(weights, high)) > goal:
            high *= 4
        low = 0.0
        for _ in range(_SEARCHES):
            middle = (low + high) / 2
            if np.count_nonzero(self._above(weights, middle)) > goal:
                low = middle
            else:
                high = middle
        return self._above(weights, high)

    def _above(self, weights: Matrix, threshold: float) -> NDArray[np.bool_]:
        """Which weights cost more than the threshold when they are dropped one input after the other."""
        left = weights[:, self.order]
        kept = np.empty(left.shape, bool)
        for column in range(left.shape[1]):
            error = left[:, column] / self.inverse_factor[column, column]
            kept[:, column] = error**2 > threshold
            left[:, column + 1 :] -= np.outer(np.where(kept[:, column], 0.0, error), self.inverse_factor[column, column + 1 :])
        settled = np.empty_like(kept)
        settled[:, self.order] = kept
        return settled
