# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Codebooks: their properties on random and extreme weights, and their optimality against exhaustive search."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firebrick.sw.compression.codebook import code_bits, design_codebook
from firebrick.sw.errors import FirebrickError

NO_RATE = 0.0
"""Lagrange multiplier at which bits cost nothing."""


def error(values: np.ndarray, entries: np.ndarray) -> float:
    return float((np.abs(values[:, None] - entries).min(axis=1) ** 2).sum())


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6), st.integers(1, 500), st.integers(2, 64), st.floats(0, 10), st.floats(1e-9, 1e9))
def test_codebook_is_ascending_with_one_zero_and_at_most_the_given_size(
    seed: int, count: int, size: int, rate: float, scale: float
) -> None:
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
    book = design_codebook(exact, np.ones(len(values)), NO_RATE, 4)
    assert set(exact) <= set(book.entries) or error(exact, book.entries) < 1e-12 * float((exact**2).sum())


def minimum_error(values: list[float], cells: int, zero: bool) -> float:
    """The minimum over all ways to cut ascending values into at most ``cells`` cells, one of them with its entry at zero if ``zero``.

    It tries every cut, so it is right by construction.
    """
    if not values or cells == 0:
        return float("inf") if values or zero else 0.0
    errors = []
    for end in range(1, len(values) + 1):
        cell, rest = np.array(values[:end]), values[end:]
        errors.append(float(((cell - cell.mean()) ** 2).sum()) + minimum_error(rest, cells - 1, zero))
        if zero:
            errors.append(float((cell**2).sum()) + minimum_error(rest, cells - 1, False))
    return min(errors)


@pytest.mark.parametrize("seed", range(20))
def test_codebook_is_optimal(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = np.sort(rng.standard_normal(8) * rng.choice([1.0, 10.0], 8))
    size = int(rng.integers(2, 6))
    optimum = error(values, design_codebook(values, np.ones(8), NO_RATE, size).entries)
    assert optimum <= min(minimum_error(list(values), size, True), minimum_error(list(values), size - 1, False)) * (1 + 1e-9)


def test_codebook_finds_clusters() -> None:
    rng = np.random.default_rng(1)
    centres = np.array([-5.0, -1.0, 2.0, 7.0])
    values = rng.choice(centres, 2000) + rng.standard_normal(2000) * 0.01
    book = design_codebook(values, np.ones(2000), NO_RATE, 5)
    np.testing.assert_allclose(sorted([*centres, 0.0]), book.entries, atol=0.01)


def test_codebook_is_finer_for_important_values() -> None:
    rng = np.random.default_rng(2)
    values = np.abs(rng.standard_normal(1000)) + 0.1
    light, heavy = np.ones(1000), np.where(values > 1.5, 1000.0, 1.0)
    tail = values[values > 1.5]
    assert error(tail, design_codebook(values, heavy, NO_RATE, 8).entries) < 0.5 * error(
        tail, design_codebook(values, light, NO_RATE, 8).entries
    )


def test_codebook_has_less_entropy_with_a_larger_lambda() -> None:
    values = np.random.default_rng(3).laplace(size=5000)

    def entropy(rate: float) -> float:
        book = design_codebook(values, np.ones(5000), rate, 64)
        codes = ((values[:, None] - book.entries) ** 2 + rate * book.bits).argmin(axis=1)
        frequencies = np.bincount(codes) / len(codes)
        return float(-(frequencies[frequencies > 0] * np.log2(frequencies[frequencies > 0])).sum())

    assert entropy(0.1) < entropy(0.01) - 0.5 < entropy(0.0) - 0.5


def test_codebook_rejects_invalid_arguments() -> None:
    ones = np.ones(3)
    for values, importance, rate, size in [(ones, np.ones(2), 0, 4), (np.ones((3, 1)), np.ones((3, 1)), 0, 4)]:
        with pytest.raises(FirebrickError, match="vectors of one length"):
            design_codebook(values, importance, rate, size)
    for values, importance, rate, size in [(ones, ones, 0, 1), (ones, -ones, 0, 4), (ones * np.nan, ones, 0, 4), (ones, ones, -1, 4)]:
        with pytest.raises(FirebrickError, match="a codebook needs"):
            design_codebook(values, importance, rate, size)


def test_code_bits_are_more_for_rare_codes_and_for_nonzero_weights() -> None:
    bits = code_bits(np.array([0, 0, 0, 1, 1, 1, 2]), np.array([-1.0, 0.0, 5.0]))
    assert bits[1] < bits[0] < bits[2]
