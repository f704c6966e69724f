# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Length-limited canonical Huffman codes, for the `.fire` file and the weight ROMs.

Deep Compression (arXiv:1510.00149, Section 4) codes weights and zero runs in this way. Package-merge (Larmore and Hirschberg, "A fast
algorithm for optimal length-limited Huffman codes", 1990) gives the optimal lengths within a limit.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import FirebrickError

LENGTH_MAX = 16
"""The longest code word that any limit allows, in bits."""


def code_lengths(counts: Sequence[int] | NDArray[np.integer], limit: int) -> tuple[int, ...]:
    """The length in bits of each symbol's code word, 0 for symbols that do not occur.

    ``counts[symbol]`` is the number of times the symbol occurs. The lengths minimise sum(counts * lengths) among prefix codes with words of
    at most ``limit`` bits (1 to LENGTH_MAX). If only one symbol occurs, its length is 1. Ties are broken by symbol, so the result is
    the same on every machine. Raises FirebrickError if a count is negative or more than 2^limit symbols occur.
    """
    if not 1 <= limit <= LENGTH_MAX:
        raise FirebrickError(f"limit must be 1 to {LENGTH_MAX} bits, not {limit}")
    weights = np.asarray(counts, np.int64)
    if weights.min(initial=0) < 0:
        raise FirebrickError("counts must not be negative")
    coins = np.argsort(weights, kind="stable")[np.count_nonzero(weights == 0) :]
    if len(coins) > 1 << limit:
        raise FirebrickError(f"{len(coins)} symbols do not fit code words of at most {limit} bits; raise the limit")
    lengths = np.zeros(len(weights), np.int64)
    lengths[coins] = 1 if len(coins) == 1 else _package_merge(weights[coins], limit)
    return tuple(lengths.tolist())


def _package_merge(coins: NDArray[np.int64], limit: int) -> NDArray[np.int64]:
    """The code lengths for at least two ascending, positive counts.

    There is one round for each bit of the limit. A round sorts the coins (one for each symbol, of value ``count``) together with the
    packages of the round before, and packages neighbours in pairs::

        round 1    coins                          -> packages of 2
        round 2    sort(coins + packages)         -> packages of 2
        ...
        last round: the 2(n - 1) cheapest items are taken

    A package that is taken means that its two items in the round before are taken. The length of a symbol is the number of rounds in which
    its coin is taken. The items taken of a round are always its cheapest, so the number of them says which: walking back through
    the rounds, c coins among the items taken are the c cheapest symbols.
    """
    rounds: list[NDArray[np.bool_]] = []
    packages = np.empty(0, np.int64)
    for _ in range(limit):
        merged = np.concatenate([coins, packages])
        order = np.argsort(merged, kind="stable")
        rounds.append(order < len(coins))
        merged = merged[order]
        packages = merged[: len(merged) // 2 * 2].reshape(-1, 2).sum(axis=1)
    lengths = np.zeros(len(coins), np.int64)
    taken = 2 * max(0, len(coins) - 1)
    for is_coin in reversed(rounds):
        singles = int(np.count_nonzero(is_coin[:taken]))
        lengths[:singles] += 1
        taken = 2 * (taken - singles)
    return lengths


@dataclass(frozen=True)
class CanonicalCode:
    """The canonical prefix code of given lengths.

    Code words are consecutive numbers from 0, shorter words first, words of one length in the order of their symbols. A word's most
    significant bit comes first in the stream::

        symbol  a  b  c    d          lengths 1, 2, 3, 3
        word    0  10 110  111

    A length of 0 marks an unused symbol. Raises FirebrickError unless the lengths, each at most LENGTH_MAX, make a complete code; a code of
    one symbol, of length 1 and with the word 0, and a code of no symbols are also valid.
    """

    lengths: tuple[int, ...]

    def __post_init__(self) -> None:
        if any(not 0 <= length <= LENGTH_MAX for length in self.lengths):
            raise FirebrickError(f"code lengths must be 0 to {LENGTH_MAX} bits")
        used = [length for length in self.lengths if length]
        # Kraft's inequality: sum(2^-length) is at most 1 for a prefix code, and 1 for a complete one.
        kraft = sum(1 << (LENGTH_MAX - length) for length in used)
        if kraft > 1 << LENGTH_MAX:
            raise FirebrickError("code lengths ask for more words than there are; they do not describe a prefix code")
        if kraft < 1 << LENGTH_MAX and used not in ([], [1]):
            raise FirebrickError("code lengths leave words unused; they do not describe a complete prefix code")

    @property
    def max_length(self) -> int:
        """Length of the longest word in bits, 0 if there is none."""
        return max(self.lengths, default=0)

    @cached_property
    def words(self) -> tuple[int, ...]:
        """Each symbol's word as an integer of ``lengths[symbol]`` bits; 0 for unused symbols."""
        words = [0] * len(self.lengths)
        word = previous = 0
        for length, symbol in self._order:
            word <<= length - previous
            words[symbol] = word
            word, previous = word + 1, length
        return tuple(words)

    def bit_count(self, symbols: ArrayLike) -> int:
        """The number of bits of the encoded symbols. Raises FirebrickError if a symbol has no word."""
        return int(self._lengths_of(np.asarray(symbols)).sum(dtype=np.int64))

    def encode(self, symbols: ArrayLike) -> NDArray[np.uint8]:
        """The words of the symbols as a stream, one bit (0 or 1) per element. Raises FirebrickError if a symbol has no word."""
        flat = np.asarray(symbols).ravel()
        lengths = self._lengths_of(flat)
        ends = np.cumsum(lengths)
        words = np.array(self.words, np.uint32)[flat] if flat.size else np.empty(0, np.uint32)
        bits = np.zeros(int(ends[-1]) if flat.size else 0, np.uint8)
        for index in range(self.max_length):  # from the last bit of each word to its first
            long = lengths > index
            bits[ends[long] - 1 - index] = words[long] >> index & 1
        return bits

    def decode(self, bits: NDArray[np.uint8], count: int) -> NDArray[np.uint16]:
        """The first ``count`` symbols of a stream of bits (0 or 1 per element); bits after them are ignored.

        Raises FirebrickError if the stream ends early or contains a word that is no code word.
        """
        if count < 0 or (count and not self.max_length):
            raise FirebrickError(f"a code without words cannot give {count} symbols" if count > 0 else "count must not be negative")
        if count > bits.size:
            raise FirebrickError(f"the stream of {bits.size} bits ends before its {count} symbols do")
        if not count:
            return np.empty(0, np.uint16)
        # Look up the word that would start at every bit position, then follow the positions at which words really start.
        symbols, lengths = self._tables
        windows = self._windows(bits)
        steps = lengths[windows].tobytes() + bytes(self.max_length)  # by position; 0 where no word starts
        position = 0
        positions = array("Q")
        for _ in range(count):
            positions.append(position)
            position += steps[position]
        if position > bits.size or positions[-1] >= bits.size:
            raise FirebrickError(f"the stream of {bits.size} bits ends before its {count} symbols do")
        if not steps[positions[-1]]:
            raise FirebrickError("the stream holds a word that stands for no symbol")
        return np.asarray(symbols[windows[np.frombuffer(positions, np.uint64)]], np.uint16)

    @property
    def _order(self) -> list[tuple[int, int]]:
        return sorted((length, symbol) for symbol, length in enumerate(self.lengths) if length)

    def _lengths_of(self, symbols: NDArray[np.integer]) -> NDArray[np.int64]:
        if not symbols.size:
            return np.empty(0, np.int64)
        if int(symbols.min()) < 0 or int(symbols.max()) >= len(self.lengths):
            raise FirebrickError(f"symbols must be 0 to {len(self.lengths) - 1}")
        lengths: NDArray[np.int64] = np.array(self.lengths, np.int64)[symbols.ravel()]
        if not lengths.all():
            raise FirebrickError(f"symbol {symbols.ravel()[lengths == 0][0]} has no code word")
        return lengths

    @cached_property
    def _tables(self) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
        """For each value of ``max_length`` bits, the symbol and length of the word at their start; length 0 if there is none."""
        width = self.max_length
        symbols, lengths = np.zeros(1 << width, np.uint16), np.zeros(1 << width, np.uint8)
        for length, symbol in self._order:
            first = self.words[symbol] << (width - length)
            symbols[first : first + (1 << (width - length))] = symbol
            lengths[first : first + (1 << (width - length))] = length
        return symbols, lengths

    def _windows(self, bits: NDArray[np.uint8]) -> NDArray[np.uint16]:
        """For every position, the ``max_length`` bits that start there; zeros follow the end of the stream."""
        padded = np.concatenate([bits, np.zeros(self.max_length, np.uint8)])
        windows = np.zeros(bits.size, np.uint16)
        for offset in range(self.max_length):
            windows <<= 1
            windows |= padded[offset : offset + bits.size]
        return windows
