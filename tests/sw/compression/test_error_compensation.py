# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Error compensation: it beats rounding each weight by itself in output error, computed here straight from the covariance."""

import numpy as np
import pytest

from firebrick.sw.compression.codebook import Codebook
from firebrick.sw.compression.error_compensation import ErrorCompensator, damped, refit_weights

NO_RATE = 0.0
"""Lagrange multiplier at which bits cost nothing."""


def covariance(rng: np.random.Generator, size: int) -> np.ndarray:
    """The covariance of correlated inputs that have passed a ReLU."""
    inputs = rng.standard_normal((size, 3 * size)) @ rng.standard_normal((3 * size, 5 * size))
    return np.asarray(np.cov(np.maximum(inputs + inputs[:1], 0)))


def output_error(errors: np.ndarray, covariances: np.ndarray) -> float:
    """The sum over filters of e H e^T, which is the mean squared output error by definition of the covariance."""
    return float(((errors @ covariances) * errors).sum())


@pytest.mark.parametrize("seed", range(5))
def test_round_has_less_output_error_than_rounding_each_weight_independently(seed: int) -> None:
    rng = np.random.default_rng(seed)
    inputs = covariance(rng, 24)
    weights = rng.standard_normal((16, 24))
    entries = np.linspace(-3, 3, 13)
    kept = np.ones(weights.shape, bool)
    codes = ErrorCompensator.from_covariance(inputs).round(weights, kept, Codebook(entries, np.zeros(13)), NO_RATE)
    independent = entries[np.abs(weights[..., None] - entries).argmin(axis=2)]
    assert output_error(weights - entries[codes], inputs) < 0.8 * output_error(weights - independent, inputs)


def test_round_of_uncorrelated_inputs_is_independent_rounding() -> None:
    rng = np.random.default_rng(7)
    weights = rng.standard_normal((5, 9))
    entries = np.linspace(-2, 2, 9)
    codes = ErrorCompensator.from_covariance(np.diag(rng.random(9) + 1)).round(
        weights, np.ones((5, 9), bool), Codebook(entries, np.zeros(9)), NO_RATE
    )
    np.testing.assert_array_equal(codes, np.abs(weights[..., None] - entries).argmin(axis=2))


@pytest.mark.parametrize("density", [0.01, 0.3, 0.5, 0.99, 1.0])
def test_prune_keeps_the_density_and_the_larger_weights(density: float) -> None:
    rng = np.random.default_rng(8)
    inputs = covariance(rng, 30)
    weights = rng.standard_normal((40, 30))
    kept = ErrorCompensator.from_covariance(inputs).prune(weights, density)
    assert density - 0.02 <= kept.mean() <= density
    chance = rng.permutation(kept.reshape(-1)).reshape(kept.shape)
    if density < 0.9:
        assert (weights[kept] ** 2).mean() > (weights[chance] ** 2).mean()


def test_round_leaves_pruned_weights_at_zero() -> None:
    rng = np.random.default_rng(9)
    kept = rng.random((6, 12)) < 0.4
    codes = ErrorCompensator.from_covariance(covariance(rng, 12)).round(
        rng.standard_normal((6, 12)), kept, Codebook(np.linspace(-2, 2, 5), np.zeros(5)), NO_RATE
    )
    assert (codes[~kept] == 2).all()


def test_refit_weights_undoes_a_linear_distortion_of_the_inputs() -> None:
    rng = np.random.default_rng(10)
    original = rng.standard_normal((8, 4000))
    mixing = np.eye(8) + 0.1 * rng.standard_normal((8, 8))
    distorted = mixing @ original * 50
    weights = rng.standard_normal((3, 8))
    refitted = refit_weights(weights, np.cov(distorted), original @ distorted.T / 4000, 0.02)
    before, after = ((((w * 0.02) @ distorted - weights @ original) ** 2).sum() for w in (weights, refitted))
    assert after < 0.02 * before


def test_dead_inputs_leave_weights_finite() -> None:
    dead = np.zeros((4, 4))
    assert np.isfinite(np.linalg.inv(damped(dead))).all()
    weights = np.ones((2, 4))
    np.testing.assert_allclose(refit_weights(weights, dead, dead, 1.0), weights)
    assert ErrorCompensator.from_covariance(dead).prune(weights, 0.5).sum() <= 4
