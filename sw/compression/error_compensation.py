# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Error compensation: weights not yet rounded make up for the error of those that are (GPTQ, arXiv:2210.17323; SparseGPT, 2301.00774).

A layer is a matrix of filters by inputs. Its quantisation minimises the error of its outputs, not of its weights (GPTQ, equation 1).
For a filter with weight error e and inputs with covariance H:

    E[(e x)^2] = e H e^T

Rounding weight q of a filter to c adds the error below, after the weights F not yet rounded have been moved by delta (GPTQ, equation 2):

    (w_q - c)^2 / [H_F^-1]_qq,    delta_F = -(w_q - c) / [H_F^-1]_qq * [H_F^-1]_q,F

If all filters round their inputs in one order, the rows of H_F^-1 that are needed come from one Cholesky factorisation (GPTQ, Section
3.3): with H^-1 = U^T U and U upper triangular, [H_F^-1]_qq = U_qq^2 and [H_F^-1]_q,F / [H_F^-1]_qq = U_q,F / U_qq.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .codebook import Codebook

Matrix = NDArray[np.float64]
Number = TypeVar("Number", bound=np.generic)

DAMPING = 0.01
"""Fraction of the mean variance that is added to each variance (GPTQ, Section 3.3, has 1 %): how far few images can be trusted."""
_MIN_VARIANCE = 1e-9
"""Mean variance at which inputs count as constant; keeps the covariance of dead inputs invertible."""
_BISECTIONS = 16
"""They find the pruning threshold to 1/65,536 of its range."""


def damped(covariance: Matrix) -> Matrix:
    """A covariance (k, k) with enough added to its diagonal to be safely invertible."""
    return covariance + DAMPING * max(float(np.diag(covariance).mean()), _MIN_VARIANCE) * np.eye(len(covariance))


def refit_weights(weights: Matrix, covariance: Matrix, cross_covariance: Matrix, scale: float) -> Matrix:
    """The weights (filters, k) that give, on the quantised inputs, nearly the outputs that ``weights`` give on the float inputs.

    The least squares solution W' = W (X / scale + D) (H + D)^-1 with the damping D, which draws it towards W. Errors of the layers before
    are thereby corrected, not passed on.

    Args:
        weights: those of the float network, W.
        covariance: of the integer inputs, H.
        cross_covariance: of the float inputs (rows) with the integer inputs (columns), X.
        scale: the real value of one step of an integer input.
    """
    regularised = damped(covariance)
    return np.asarray(np.linalg.solve(regularised, (cross_covariance.T / scale + regularised - covariance) @ weights.T).T)


@dataclass(frozen=True, eq=False)
class ErrorCompensator:
    """The order in which a layer's inputs are rounded, and how the error of each is spread over the inputs after it."""

    order: NDArray[np.int64]
    """Inputs by decreasing variance: those that matter most are rounded while many others can still compensate."""
    inverse_factor: Matrix
    """U of the module's docstring, in that order, (k, k)."""

    @classmethod
    def from_covariance(cls, covariance: Matrix) -> "ErrorCompensator":
        """The compensator for inputs with this covariance, (k, k)."""
        order = np.argsort(-np.diag(covariance), kind="stable")
        inverse = np.linalg.inv(damped(covariance)[np.ix_(order, order)])
        return cls(order, np.asarray(np.linalg.cholesky((inverse + inverse.T) / 2).T, dtype=np.float64))

    @property
    def importance(self) -> NDArray[np.float64]:
        """The output error per squared error of each input's weight, 1 / [H_F^-1]_qq, after compensation by later inputs; (k)."""
        importance = np.empty(len(self.order))
        importance[self.order] = 1 / np.diag(self.inverse_factor) ** 2
        return importance

    def round(self, weights: Matrix, kept: NDArray[np.bool_], book: Codebook, rate_lambda: float) -> NDArray[np.int64]:
        """The codebook index of each weight, (filters, k), for the minimum of output error + lambda * bits; pruned weights become zero."""
        remaining, kept = weights[:, self.order], kept[:, self.order]
        codes = np.empty(remaining.shape, np.int64)
        zero = int(np.flatnonzero(book.entries == 0)[0])
        for column in range(remaining.shape[1]):
            current, pivot = remaining[:, column], self.inverse_factor[column, column]
            cheapest = (((current[:, None] - book.entries) / pivot) ** 2 + rate_lambda * book.bits).argmin(axis=1)
            codes[:, column] = np.where(kept[:, column], cheapest, zero)
            error = (current - book.entries[codes[:, column]]) / pivot
            remaining[:, column + 1 :] -= np.outer(error, self.inverse_factor[column, column + 1 :])
        return self._in_input_order(codes)

    def prune(self, weights: Matrix, density: float) -> NDArray[np.bool_]:
        """Which weights, (filters, k), to keep: at most ``density`` of them and nearly that many, those with the highest pruning error."""
        max_kept = density * weights.size
        high = max(float((weights**2 * self.importance).max()), 1e-300)
        while np.count_nonzero(self._above(weights, high)) > max_kept:
            high *= 4
        low = 0.0
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            if np.count_nonzero(self._above(weights, middle)) > max_kept:
                low = middle
            else:
                high = middle
        return self._above(weights, high)

    def _above(self, weights: Matrix, threshold: float) -> NDArray[np.bool_]:
        """Which weights have a pruning error above the threshold, when inputs are pruned in order and later ones compensate."""
        remaining = weights[:, self.order]
        kept = np.empty(remaining.shape, bool)
        for column in range(remaining.shape[1]):
            error = remaining[:, column] / self.inverse_factor[column, column]
            kept[:, column] = error**2 > threshold
            remaining[:, column + 1 :] -= np.outer(np.where(kept[:, column], 0.0, error), self.inverse_factor[column, column + 1 :])
        return self._in_input_order(kept)

    def _in_input_order(self, columns: NDArray[Number]) -> NDArray[Number]:
        """Columns in rounding order, put back in the order of the inputs."""
        moved = np.empty_like(columns)
        moved[:, self.order] = columns
        return moved
