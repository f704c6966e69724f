# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""ROM streams and Huffman decoders, in the simulator."""

import numpy as np
import pytest
from numpy.typing import NDArray

from firebrick.hw.weights.huffman_decoder import HuffmanDecoder
from firebrick.hw.weights.rom import Rom, split_into_banks
from firebrick.sw.coding.encoder import encode_stream
from firebrick.sw.coding.huffman import CanonicalCode
from firebrick.sw.coding.streams import HuffmanStream
from tests.helpers.nodes import RomDecoder
from tests.helpers.streams import take_first

STARTUP = 9
"""Cycles from reset to the first symbol of a decoder."""


def ranks_of(rng: np.random.Generator, symbols: int, count: int) -> NDArray[np.int64]:
    """Random ranks, skewed, of which each occurs and lower ones more often."""
    likely = rng.dirichlet(np.full(symbols, 0.3))
    drawn = np.concatenate([np.arange(symbols), rng.choice(symbols, count - symbols, p=likely)])
    order = np.argsort(-np.bincount(drawn), kind="stable")
    ranks = np.empty(symbols, np.int64)
    ranks[order] = np.arange(symbols)
    return np.asarray(ranks[rng.permutation(drawn)])


@pytest.mark.parametrize("stall", [0.0, 0.4])
@pytest.mark.parametrize(
    ("depths", "width"),
    [((1,), 1), ((1, 2), 9), ((3, 1), 18), ((16, 5), 5), ((17,), 36), ((700, 400), 36), ((129,), 9), ((600, 500), 3), ((2049,), 9)],
)
def test_rom_sends_each_list_in_a_circle(depths: tuple[int, ...], width: int, stall: float) -> None:
    rng = np.random.default_rng(depths)
    lists = [[int(word) for word in rng.integers(0, 1 << width, depth)] for depth in depths]
    for number, words in enumerate(lists):
        count = 2 * len(words) + 3
        payloads, _ = take_first(Rom(lists=lists, width=width), count, rng=rng, stall=stall, name=f"output_{number}")
        assert payloads == (words * 5)[:count]


def test_rom_sends_one_word_a_cycle() -> None:
    _, cycles = take_first(Rom(lists=[[1, 2, 3]], width=9), 10, rng=np.random.default_rng(0), name="output_0")
    assert cycles == list(range(6, 16))


@pytest.mark.parametrize("lists", [[], [[]], [[1], []], [[1], [2], [3]]])
def test_rom_rejects_no_words(lists: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="lists must be one or two, and not empty"):
        Rom(lists=lists, width=9)


@pytest.mark.parametrize("word", [-1, 512])
def test_rom_rejects_words_that_do_not_fit(word: int) -> None:
    with pytest.raises(ValueError, match="words must fit 9 bits"):
        Rom(lists=[[0], [word]], width=9)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("symbols", "limit"), [(1, 9), (2, 9), (3, 9), (17, 9), (64, 9), (40, 12)])
def test_huffman_decoder_sends_the_ranks_in_a_circle(symbols: int, limit: int, seed: int) -> None:
    rng = np.random.default_rng([symbols, seed])
    ranks = ranks_of(rng, symbols, symbols + int(rng.integers(0, 60)))
    encoded = encode_stream(ranks, limit)
    passes = 2 + 10 // len(ranks)
    stall = float(rng.choice([0.0, 0.2, 0.6]))
    payloads, _ = take_first(RomDecoder(encoded), passes * len(ranks), rng=rng, stall=stall)
    assert payloads == list(ranks) * passes


def test_huffman_decoder_takes_256_symbols_in_words_of_18_bits() -> None:
    rng = np.random.default_rng(3)
    ranks = ranks_of(rng, 256, 900)
    encoded = encode_stream(ranks, 12)
    assert encoded.width == 18
    assert max(encoded.lengths) > 9
    payloads, _ = take_first(RomDecoder(encoded), 1000, rng=rng, stall=0.1)
    assert payloads == [*ranks, *ranks[:100]]


def test_huffman_decoder_takes_the_longest_code() -> None:
    counts = [1 << max(0, 8 - index) for index in range(10)]  # lengths 1, 2, ... 9, 9
    ranks = np.random.default_rng(0).permutation(np.repeat(np.arange(10), counts))
    encoded = encode_stream(ranks, 9)
    assert encoded.lengths == (1, 2, 3, 4, 5, 6, 7, 8, 9, 9)
    payloads, _ = take_first(RomDecoder(encoded), 2 * len(ranks), rng=np.random.default_rng(0))
    assert payloads == [*ranks, *ranks]


@pytest.mark.parametrize("count", [1, 2, 3, 9, 10])
@pytest.mark.parametrize("symbols", [1, 2])
def test_huffman_decoder_takes_short_streams(symbols: int, count: int) -> None:
    ranks = np.arange(count) % symbols
    encoded = encode_stream(ranks, 9)
    payloads, _ = take_first(RomDecoder(encoded), 5 * count, rng=np.random.default_rng(0), stall=0.2)
    assert payloads == list(ranks) * 5


@pytest.mark.parametrize(("symbols", "count"), [(1, 20), (2, 1 + 9), (64, 200), (64, 64), (5, 27)])
def test_huffman_decoder_sends_a_symbol_a_cycle_but_for_one_a_pass(symbols: int, count: int) -> None:
    rng = np.random.default_rng(count)
    ranks = ranks_of(rng, symbols, count)
    _, cycles = take_first(RomDecoder(encode_stream(ranks, 9)), 3 * count, rng=rng)
    assert cycles == [STARTUP + 1 + index + index // count for index in range(3 * count)]


def test_huffman_decoder_keeps_pace_when_every_symbol_fills_a_word() -> None:
    ranks = np.arange(512)  # all of 9 bits
    encoded = encode_stream(ranks, 9)
    assert set(encoded.lengths) == {9}
    _, cycles = take_first(RomDecoder(encoded), 600, rng=np.random.default_rng(0))
    assert cycles[-1] - cycles[0] == 599 + 1


def test_huffman_decoder_rejects_codes_longer_than_a_word() -> None:
    encoded = HuffmanStream(lengths=(1, 2, 2), width=1, words=(0,), count=1, bits=1)
    with pytest.raises(ValueError, match="code words must be at most 1 bits, a ROM word, not 2"):
        HuffmanDecoder(encoded=encoded)


@pytest.mark.parametrize("seed", range(5))
def test_encode_is_what_the_canonical_code_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ranks = ranks_of(rng, int(rng.integers(1, 65)), 300)
    encoded = encode_stream(ranks, 9)
    bits = np.concatenate([[word >> place & 1 for place in reversed(range(encoded.width))] for word in encoded.words]).astype(np.uint8)
    assert encoded.bits <= len(bits) < encoded.bits + encoded.width
    assert not bits[encoded.bits :].any()
    assert list(CanonicalCode(encoded.lengths).decode(bits, encoded.count)) == list(ranks)


def test_banks_hold_the_lists_one_behind_the_other() -> None:
    lists = [list(range(1, 501)) * 10, [7] * 500]
    found = split_into_banks(lists, 9)
    assert [(bank.first, len(bank.words), bank.ports, bank.in_luts) for bank in found] == [
        (0, 2048, (0,), False),
        (2048, 2048, (0,), False),
        (4096, 1404, (0, 1), False),
    ]
    assert [word for bank in found for word in bank.words] == lists[0] + lists[1]


def test_banks_of_logic_have_one_port() -> None:
    found = split_into_banks([[1, 2, 3], [4, 5]], 9)
    assert [(bank.words, bank.ports, bank.in_luts) for bank in found] == [((1, 2, 3, 0, 0), (0,), True), ((0, 0, 0, 4, 5), (1,), True)]


def test_banks_that_are_full_are_never_logic() -> None:
    assert [bank.in_luts for bank in split_into_banks([[0] * 2049], 9, lut_rom_bits=1 << 20)] == [False, True]
