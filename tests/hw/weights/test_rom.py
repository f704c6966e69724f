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

STARTUP = Rom.LATENCY + HuffmanDecoder.LATENCY
"""Cycles from reset to the first symbol of a decoder behind its ROM."""


def random_symbols(rng: np.random.Generator, alphabet: int, count: int) -> NDArray[np.int64]:
    """Random symbols, numbered by frequency, all of which occur."""
    probabilities = rng.dirichlet(np.full(alphabet, 0.3))
    values = np.concatenate([np.arange(alphabet), rng.choice(alphabet, count - alphabet, p=probabilities)])
    order = np.argsort(-np.bincount(values), kind="stable")
    symbols = np.empty(alphabet, np.int64)
    symbols[order] = np.arange(alphabet)
    return np.asarray(symbols[rng.permutation(values)])


@pytest.mark.parametrize("stall", [0.0, 0.4])
@pytest.mark.parametrize(
    ("depths", "width"),
    [((1,), 1), ((1, 2), 9), ((3, 1), 18), ((16, 5), 5), ((17,), 36), ((700, 400), 36), ((129,), 9), ((600, 500), 3), ((2049,), 9)],
)
def test_rom_repeats_each_list(depths: tuple[int, ...], width: int, stall: float) -> None:
    rng = np.random.default_rng(depths)
    lists = [[int(word) for word in rng.integers(0, 1 << width, depth)] for depth in depths]
    for number, words in enumerate(lists):
        count = 2 * len(words) + 3
        payloads, _ = take_first(Rom(lists=lists, width=width), count, rng=rng, stall=stall, name=f"output_{number}")
        assert payloads == (words * 5)[:count]


def test_rom_sends_one_word_a_cycle() -> None:
    _, cycles = take_first(Rom(lists=[[1, 2, 3]], width=9), 10, rng=np.random.default_rng(0), name="output_0")
    assert cycles == [Rom.LATENCY + 1 + index for index in range(10)]


@pytest.mark.parametrize("lists", [[], [[]], [[1], []], [[1], [2], [3]]])
def test_rom_rejects_other_numbers_of_lists_and_empty_lists(lists: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="lists must be one or two, and not empty"):
        Rom(lists=lists, width=9)


@pytest.mark.parametrize("word", [-1, 512])
def test_rom_rejects_words_that_do_not_fit(word: int) -> None:
    with pytest.raises(ValueError, match="words must fit 9 bits"):
        Rom(lists=[[0], [word]], width=9)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("alphabet", "limit"), [(1, 9), (2, 9), (3, 9), (17, 9), (64, 9), (40, 12)])
def test_huffman_decoder_repeats_the_symbols(alphabet: int, limit: int, seed: int) -> None:
    rng = np.random.default_rng([alphabet, seed])
    symbols = random_symbols(rng, alphabet, alphabet + int(rng.integers(0, 60)))
    encoded = encode_stream(symbols, limit)
    passes = 2 + 10 // len(symbols)
    stall = float(rng.choice([0.0, 0.2, 0.6]))
    payloads, _ = take_first(RomDecoder(encoded), passes * len(symbols), rng=rng, stall=stall)
    assert payloads == list(symbols) * passes


def test_huffman_decoder_takes_256_symbols_in_words_of_18_bits() -> None:
    rng = np.random.default_rng(3)
    symbols = random_symbols(rng, 256, 900)
    encoded = encode_stream(symbols, 12)
    assert encoded.width == 18
    assert max(encoded.lengths) > 9
    payloads, _ = take_first(RomDecoder(encoded), 1000, rng=rng, stall=0.1)
    assert payloads == [*symbols, *symbols[:100]]


def test_huffman_decoder_takes_the_longest_code() -> None:
    counts = [1 << max(0, 8 - index) for index in range(10)]  # lengths 1, 2, ... 9, 9
    symbols = np.random.default_rng(0).permutation(np.repeat(np.arange(10), counts))
    encoded = encode_stream(symbols, 9)
    assert encoded.lengths == (1, 2, 3, 4, 5, 6, 7, 8, 9, 9)
    payloads, _ = take_first(RomDecoder(encoded), 2 * len(symbols), rng=np.random.default_rng(0))
    assert payloads == [*symbols, *symbols]


@pytest.mark.parametrize("count", [1, 2, 3, 9, 10])
@pytest.mark.parametrize("alphabet", [1, 2])
def test_huffman_decoder_takes_short_streams(alphabet: int, count: int) -> None:
    symbols = np.arange(count) % alphabet
    encoded = encode_stream(symbols, 9)
    payloads, _ = take_first(RomDecoder(encoded), 5 * count, rng=np.random.default_rng(0), stall=0.2)
    assert payloads == list(symbols) * 5


@pytest.mark.parametrize(("alphabet", "count"), [(1, 20), (2, 1 + 9), (64, 200), (64, 64), (5, 27)])
def test_huffman_decoder_sends_a_symbol_a_cycle_except_for_one_cycle_a_pass(alphabet: int, count: int) -> None:
    rng = np.random.default_rng(count)
    symbols = random_symbols(rng, alphabet, count)
    _, cycles = take_first(RomDecoder(encode_stream(symbols, 9)), 3 * count, rng=rng)
    assert cycles == [STARTUP + 1 + index + index // count for index in range(3 * count)]


def test_huffman_decoder_sends_a_symbol_a_cycle_if_every_symbol_fills_a_word() -> None:
    symbols = np.arange(512)  # all of 9 bits
    encoded = encode_stream(symbols, 9)
    assert set(encoded.lengths) == {9}
    _, cycles = take_first(RomDecoder(encoded), 600, rng=np.random.default_rng(0))
    assert cycles[-1] - cycles[0] == 599 + 1


def test_huffman_decoder_rejects_codes_longer_than_a_word() -> None:
    encoded = HuffmanStream(lengths=(1, 2, 2), width=1, words=(0,), count=1, bits=1)
    with pytest.raises(ValueError, match="code words must be at most 1 bits, a ROM word, not 2"):
        HuffmanDecoder(encoded=encoded)


@pytest.mark.parametrize("seed", range(5))
def test_stream_is_what_the_canonical_code_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    symbols = random_symbols(rng, int(rng.integers(1, 65)), 300)
    encoded = encode_stream(symbols, 9)
    bits = np.concatenate([[word >> place & 1 for place in reversed(range(encoded.width))] for word in encoded.words]).astype(np.uint8)
    assert encoded.bits <= len(bits) < encoded.bits + encoded.width
    assert not bits[encoded.bits :].any()
    assert list(CanonicalCode(encoded.lengths).decode(bits, encoded.count)) == list(symbols)


def test_banks_hold_the_lists_one_after_the_other() -> None:
    lists = [list(range(1, 501)) * 10, [7] * 500]
    all_banks = split_into_banks(lists, 9)
    assert [(bank.first, len(bank.words), bank.ports, bank.in_luts) for bank in all_banks] == [
        (0, 2048, (0,), False),
        (2048, 2048, (0,), False),
        (4096, 1404, (0, 1), False),
    ]
    assert [word for bank in all_banks for word in bank.words] == lists[0] + lists[1]


def test_banks_in_look_up_tables_have_one_port() -> None:
    all_banks = split_into_banks([[1, 2, 3], [4, 5]], 9)
    assert [(bank.words, bank.ports, bank.in_luts) for bank in all_banks] == [((1, 2, 3, 0, 0), (0,), True), ((0, 0, 0, 4, 5), (1,), True)]


def test_full_banks_are_never_in_look_up_tables() -> None:
    assert [bank.in_luts for bank in split_into_banks([[0] * 2049], 9, lut_rom_bits=1 << 20)] == [False, True]
