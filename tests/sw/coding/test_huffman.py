# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Huffman codes: optimal, within their limit, canonical, and safe on broken streams."""

import heapq
import time
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firebrick.sw.coding.huffman import CanonicalCode, code_lengths
from firebrick.sw.errors import FirebrickError

COUNTS = st.lists(st.integers(0, 1000), min_size=1, max_size=60)


def cost(counts: list[int], lengths: tuple[int, ...]) -> int:
    return sum(count * length for count, length in zip(counts, lengths, strict=True))


def huffman_cost(counts: list[int]) -> int:
    """Total bits of the textbook algorithm, which knows no limit."""
    heap = [count for count in counts if count]
    if len(heap) == 1:
        return heap[0]
    heapq.heapify(heap)
    total = 0
    while len(heap) > 1:
        both = heapq.heappop(heap) + heapq.heappop(heap)
        total += both
        heapq.heappush(heap, both)
    return total


def brute_cost(counts: list[int], limit: int) -> int:
    """Least total bits over every choice of lengths that Kraft's inequality allows."""
    used = [count for count in counts if count]

    @cache
    def best(index: int, space: int) -> float:
        if index == len(used):
            return 0
        choices = (n for n in range(1, limit + 1) if space >= 1 << (limit - n))
        return min((n * used[index] + best(index + 1, space - (1 << (limit - n))) for n in choices), default=float("inf"))

    return int(best(0, 1 << limit))


@given(COUNTS)
def test_huffman_lengths_without_a_tight_limit_cost_what_huffman_costs(counts: list[int]) -> None:
    # 16 bits bind only for counts like the Fibonacci numbers up to 1597, which lie outside the strategy.
    assert cost(counts, code_lengths(counts, 16)) == huffman_cost(counts)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=7), st.integers(3, 5))
def test_huffman_lengths_with_a_tight_limit_are_optimal(counts: list[int], limit: int) -> None:
    lengths = code_lengths(counts, limit)
    assert max(lengths) <= limit
    assert cost(counts, lengths) == brute_cost(counts, limit)


def test_huffman_limit_binds_on_fibonacci_counts() -> None:
    counts = [1, 1, 2, 3, 5, 8, 13, 21]
    assert max(code_lengths(counts, 12)) == 7
    assert max(code_lengths(counts, 4)) == 4
    assert cost(counts, code_lengths(counts, 4)) > cost(counts, code_lengths(counts, 12))


def test_huffman_words_are_canonical() -> None:
    code = CanonicalCode((2, 0, 1, 3, 3))
    assert code.words == (0b10, 0, 0b0, 0b110, 0b111)
    assert code.encode([3, 2, 0]).tolist() == [1, 1, 0, 0, 1, 0]
    assert code.bit_count([3, 2, 0]) == 6


@given(COUNTS, st.integers(6, 12))
def test_huffman_round_trip(counts: list[int], limit: int) -> None:
    symbols = np.repeat(np.arange(len(counts)), np.minimum(counts, 20))
    np.random.default_rng(len(counts)).shuffle(symbols)
    code = CanonicalCode(code_lengths(counts, limit))
    bits = code.encode(symbols)
    assert bits.size == code.bit_count(symbols)
    np.testing.assert_array_equal(code.decode(bits, symbols.size), symbols)
    trailing = np.concatenate([bits, np.ones(5, np.uint8)])
    np.testing.assert_array_equal(code.decode(trailing, symbols.size), symbols)


@given(COUNTS.filter(any), st.integers(1, 12))
def test_huffman_decode_rejects_truncation_anywhere(counts: list[int], cut: int) -> None:
    symbols = np.flatnonzero(counts)
    code = CanonicalCode(code_lengths(counts, 12))
    bits = code.encode(symbols)
    with pytest.raises(FirebrickError, match="ends before"):
        code.decode(bits[:-cut], symbols.size)


def test_huffman_decode_rejects_a_word_of_no_symbol() -> None:
    with pytest.raises(FirebrickError, match="stands for no symbol"):
        CanonicalCode((0, 1)).decode(np.array([0, 1, 0], np.uint8), 3)


def test_huffman_decode_rejects_symbols_from_an_empty_code() -> None:
    assert CanonicalCode((0, 0)).decode(np.empty(0, np.uint8), 0).size == 0
    with pytest.raises(FirebrickError, match="without words"):
        CanonicalCode((0, 0)).decode(np.zeros(9, np.uint8), 1)


def test_huffman_encode_rejects_symbols_without_a_word() -> None:
    code = CanonicalCode((1, 0, 1))
    for symbols, message in (([0, 1], "symbol 1 has no code word"), ([3], "0 to 2"), ([-1], "0 to 2")):
        with pytest.raises(FirebrickError, match=message):
            code.encode(symbols)


@pytest.mark.parametrize(
    ("lengths", "message"),
    [((1, 1, 1), "more words"), ((1, 2), "unused"), ((2,), "unused"), ((17,), "0 to 16"), ((-1, 1), "0 to 16")],
)
def test_huffman_code_rejects_impossible_lengths(lengths: tuple[int, ...], message: str) -> None:
    with pytest.raises(FirebrickError, match=message):
        CanonicalCode(lengths)


def test_huffman_lengths_reject_what_cannot_fit() -> None:
    with pytest.raises(FirebrickError, match="5 symbols do not fit"):
        code_lengths([1] * 5, 2)
    with pytest.raises(FirebrickError, match="limit"):
        code_lengths([1], 0)
    with pytest.raises(FirebrickError, match="negative"):
        code_lengths([1, -1], 4)


def test_huffman_lengths_of_no_symbol_and_of_one() -> None:
    assert code_lengths([0, 0], 4) == (0, 0)
    assert code_lengths([0, 7, 0], 1) == (0, 1, 0)


def test_huffman_is_fast_enough_for_a_million_weights() -> None:
    symbols = np.minimum(np.random.default_rng(1).geometric(0.06, 1_200_000), 64) - 1
    code = CanonicalCode(code_lengths(np.bincount(symbols, minlength=64).tolist(), 12))
    start = time.process_time()
    bits = code.encode(symbols)
    encoded = time.process_time()
    assert np.array_equal(code.decode(bits, symbols.size), symbols)
    assert encoded - start < 2
    assert time.process_time() - encoded < 5
