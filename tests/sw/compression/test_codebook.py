# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Codebooks and error feedback: what they promise, on random and on extreme weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firebrick.sw.compression.codebook import Codebook, code_bits, design_codebook
from firebrick.sw.compression.error_compensation import ErrorCompensator, damped, refit_weights
from firebrick.sw.errors import FirebrickError

FREE = 0.0


def error(values: np.ndarray, entries: np.ndarray) -> float:
    return float((np.abs(values[:, None] - entries).min(axis=1) ** 2).sum())


def covariance(rng: np.random.Generator, size: int) -> np.ndarray:
    inputs = rng.standard_normal((size, 3 * size)) @ rng.standard_normal((3 * size, 5 * size))
    return np.asarray(np.cov(np.maximum(inputs + inputs[:1], 0)))


def output_error(errors: np.ndarray, covariances: np.ndarray) -> float:
    return float(((errors @ covariances) * errors).sum())


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6), st.integers(1, 500), st.integers(2, 64), st.floats(0, 10), st.floats(1e-9, 1e9))
def test_codebook_has_a_zero_is_ascending_and_fits(seed: int, count: int, size: int, rate: float, scale: float) -> None:
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(count) * scale
    book = design_codebook(values, rng.random(count), rate * scale**2, size)
    assert len(book.entries) == len(book.bits) <= size
    assert np.count_nonzero(book.entries == 0) == 1
    assert (np.diff(book.entries) >= 0).all()
    assert np.isfinite(book.bits).all()


@pytest.mark.parametrize("values", [[0.0, 0.0], [3.0, 3.0, 3.0], [-2.0], [1e-30, 1e30], [-1.0, 0.0, 1.0]])
def test_codebook_of_few_values_is_exact(values: list[float]) -> None:
    exact = np.array(values)
    book = design_codebook(exact, np.ones(len(values)), FREE, 4)
    assert set(exact) <= set(book.entries) or error(exact, book.entries) < 1e-12 * float((exact**2).sum())


def least_error(values: list[float], cells: int, zero: bool) -> float:
    """Of all ways to cut ascending values into so many cells at most, one of them round zero if asked."""
    if not values or cells == 0:
        return float("inf") if values or zero else 0.0
    ways = []
    for end in range(1, len(values) + 1):
        cell, rest = np.array(values[:end]), values[end:]
        ways.append(float(((cell - cell.mean()) ** 2).sum()) + least_error(rest, cells - 1, zero))
        if zero:
            ways.append(float((cell**2).sum()) + least_error(rest, cells - 1, False))
    return min(ways)


@pytest.mark.parametrize("seed", range(20))
def test_codebook_is_the_best_there_is(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = np.sort(rng.standard_normal(8) * rng.choice([1.0, 10.0], 8))
    size = int(rng.integers(2, 6))
    found = error(values, design_codebook(values, np.ones(8), FREE, size).entries)
    assert found <= min(least_error(list(values), size, True), least_error(list(values), size - 1, False)) * (1 + 1e-9)


def test_codebook_finds_clusters() -> None:
    rng = np.random.default_rng(1)
    centres = np.array([-5.0, -1.0, 2.0, 7.0])
    values = rng.choice(centres, 2000) + rng.standard_normal(2000) * 0.01
    book = design_codebook(values, np.ones(2000), FREE, 5)
    np.testing.assert_allclose(sorted([*centres, 0.0]), book.entries, atol=0.01)


def test_codebook_serves_important_values_better() -> None:
    rng = np.random.default_rng(2)
    values = np.abs(rng.standard_normal(1000)) + 0.1
    light, heavy = np.ones(1000), np.where(values > 1.5, 1000.0, 1.0)
    tail = values[values > 1.5]
    assert error(tail, design_codebook(values, heavy, FREE, 8).entries) < 0.5 * error(tail, design_codebook(values, light, FREE, 8).entries)


def test_codebook_spends_fewer_bits_where_they_cost() -> None:
    values = np.random.default_rng(3).laplace(size=5000)

    def entropy(rate: float) -> float:
        book = design_codebook(values, np.ones(5000), rate, 64)
        codes = ((values[:, None] - book.entries) ** 2 + rate * book.bits).argmin(axis=1)
        shares = np.bincount(codes) / len(codes)
        return float(-(shares[shares > 0] * np.log2(shares[shares > 0])).sum())

    assert entropy(0.1) < entropy(0.01) - 0.5 < entropy(0.0) - 0.5


def test_codebook_rejects_what_is_no_sample() -> None:
    ones = np.ones(3)
    for values, importance, rate, size in [(ones, np.ones(2), 0, 4), (np.ones((3, 1)), np.ones((3, 1)), 0, 4)]:
        with pytest.raises(FirebrickError, match="vectors of one length"):
            design_codebook(values, importance, rate, size)
    for values, importance, rate, size in [(ones, ones, 0, 1), (ones, -ones, 0, 4), (ones * np.nan, ones, 0, 4), (ones, ones, -1, 4)]:
        with pytest.raises(FirebrickError, match="a codebook needs"):
            design_codebook(values, importance, rate, size)


def test_code_bits_charge_what_is_rare_and_what_is_not_zero() -> None:
    bits = code_bits(np.array([0, 0, 0, 1, 1, 1, 2]), np.array([-1.0, 0.0, 5.0]))
    assert bits[1] < bits[0] < bits[2]


@pytest.mark.parametrize("seed", range(5))
def test_feedback_beats_rounding_each_weight_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    inputs = covariance(rng, 24)
    weights = rng.standard_normal((16, 24))
    entries = np.linspace(-3, 3, 13)
    kept = np.ones(weights.shape, bool)
    codes = ErrorCompensator.from_covariance(inputs).round(weights, kept, Codebook(entries, np.zeros(13)), FREE)
    alone = entries[np.abs(weights[..., None] - entries).argmin(axis=2)]
    assert output_error(weights - entries[codes], inputs) < 0.8 * output_error(weights - alone, inputs)


def test_feedback_without_correlation_is_rounding() -> None:
    rng = np.random.default_rng(7)
    weights = rng.standard_normal((5, 9))
    entries = np.linspace(-2, 2, 9)
    codes = ErrorCompensator.from_covariance(np.diag(rng.random(9) + 1)).round(
        weights, np.ones((5, 9), bool), Codebook(entries, np.zeros(9)), FREE
    )
    np.testing.assert_array_equal(codes, np.abs(weights[..., None] - entries).argmin(axis=2))


@pytest.mark.parametrize("density", [0.01, 0.3, 0.5, 0.99, 1.0])
def test_prune_keeps_the_density_and_what_matters(density: float) -> None:
    rng = np.random.default_rng(8)
    inputs = covariance(rng, 30)
    weights = rng.standard_normal((40, 30))
    kept = ErrorCompensator.from_covariance(inputs).prune(weights, density)
    assert density - 0.02 <= kept.mean() <= density
    chance = rng.permutation(kept.reshape(-1)).reshape(kept.shape)
    if density < 0.9:
        assert (weights[kept] ** 2).mean() > (weights[chance] ** 2).mean()


def test_rounding_never_revives_a_pruned_weight() -> None:
    rng = np.random.default_rng(9)
    kept = rng.random((6, 12)) < 0.4
    codes = ErrorCompensator.from_covariance(covariance(rng, 12)).round(
        rng.standard_normal((6, 12)), kept, Codebook(np.linspace(-2, 2, 5), np.zeros(5)), FREE
    )
    assert (codes[~kept] == 2).all()


def test_compensated_undoes_a_distortion_of_the_inputs() -> None:
    rng = np.random.default_rng(10)
    true = rng.standard_normal((8, 4000))
    mixing = np.eye(8) + 0.1 * rng.standard_normal((8, 8))
    seen = mixing @ true * 50
    weights = rng.standard_normal((3, 8))
    found = refit_weights(weights, np.cov(seen), true @ seen.T / 4000, 0.02)
    before, after = ((((w * 0.02) @ seen - weights @ true) ** 2).sum() for w in (weights, found))
    assert after < 0.02 * before


def test_dead_inputs_do_no_harm() -> None:
    dead = np.zeros((4, 4))
    assert np.isfinite(np.linalg.inv(damped(dead))).all()
    weights = np.ones((2, 4))
    np.testing.assert_allclose(refit_weights(weights, dead, dead, 1.0), weights)
    assert ErrorCompensator.from_covariance(dead).prune(weights, 0.5).sum() <= 4
