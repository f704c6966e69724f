# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Encodes integer weights as the cyclic Huffman streams of an engine's weight ROM (see `EncodedWeights`)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray

from .huffman import CanonicalCode, code_lengths
from .streams import EncodedWeights, HuffmanStream

MAX_CODE_LENGTH = {6: 9, 8: 12}
"""Longest code word in bits, for codebooks of at most 2^6 and 2^8 entries: 9 bits fit one ROM word, and 12 fit a double one."""
MAX_RUN_CODE_LENGTH = 7
"""Longest code word of a zero run in bits."""
RUN_ALPHABET = 64
"""Number of different zero runs, 0 to 63: an entry is at most 64 positions after the one before."""
NARROW_WORD, WIDE_WORD = 9, 18
"""Bits of a ROM word: widths at which the two ports of a block RAM waste no bits."""


@dataclass(frozen=True)
class WeightGroup:
    """The weights of a group: of a filter in a convolution engine, of an input channel in a squeeze engine."""

    filter_type: int
    """0: all taps; 1: only the centre tap."""
    weights: NDArray[np.int32]
    """Integer weights by position, shape (taps of this type * inner,)."""
    required: bool = False
    """Every position gets an entry, even where the weight is zero."""


def encode_weights(groups: Sequence[WeightGroup], *, inner: int, taps: int) -> EncodedWeights:
    """Encode the groups of a partition in the given order.

    Every nonzero weight gets an entry. Where two of them are further apart than one entry can step, padding zeros lie between.
    """
    types = np.array([group.filter_type for group in groups])
    sizes = np.where(types == 0, taps * inner, inner)
    ends = np.cumsum(sizes)
    flat = np.concatenate([group.weights for group in groups])

    # Positions of the entries, counted through all groups.
    has_entry = flat != 0
    for end, size, group in zip(ends, sizes, groups, strict=True):
        if group.required:
            has_entry[end - size : end] = True
    positions = _with_padding_zeros(np.flatnonzero(has_entry), len(flat), min(inner, RUN_ALPHABET))
    entries_per_group = np.diff(np.searchsorted(positions, ends), prepend=0)

    # Weights and zero runs become symbols, numbered by frequency, and the symbols become Huffman streams.
    symbols, codebooks = _number_by_frequency(flat[positions], np.repeat(types, entries_per_group), tables=int(types.max()) + 1)
    steps = np.diff(positions, prepend=positions[-1] - len(flat))
    run_symbols, run_lengths = _number_by_frequency(steps - 1, np.zeros_like(steps), tables=1)
    codes = encode_stream(symbols, MAX_CODE_LENGTH[6] if max(map(len, codebooks)) <= 64 else MAX_CODE_LENGTH[8])
    dense = len(positions) == len(flat)
    last_tap, last_inner = divmod(int(positions[-1] - (len(flat) - sizes[-1])), inner)
    return EncodedWeights(
        inner=inner,
        taps=taps,
        filter_types=tuple(int(filter_type) for filter_type in types),
        codes=codes,
        codebooks=codebooks,
        zero_runs=None if dense else encode_stream(run_symbols, MAX_RUN_CODE_LENGTH, codes.width),
        run_lengths=run_lengths[0],
        entries_per_group=tuple(entries_per_group.tolist()),
        last=(last_tap + (taps // 2 if types[-1] else 0), last_inner),
    )


def encode_stream(symbols: NDArray[np.int64], limit: int, width: int = NARROW_WORD) -> HuffmanStream:
    """Huffman code symbols, which must be numbered by frequency, with code words of at most ``limit`` bits.

    ROM words have ``width`` bits, or WIDE_WORD bits if a code word could be longer than that.
    """
    counts = np.bincount(symbols)
    lengths = tuple(sorted(code_lengths(counts.tolist(), limit)))
    bits = int(counts @ np.array(lengths))
    width = width if limit <= width else WIDE_WORD
    words = _LazyWords(symbols, lengths, width, -(-bits // width))
    return HuffmanStream(lengths=lengths, width=width, words=words, count=len(symbols), bits=bits)


@dataclass(frozen=True, eq=False)
class _LazyWords(Sequence[int]):
    """The ROM words of a stream, computed on first access: the search for a plan encodes many streams and only needs their number."""

    symbols: NDArray[np.int64]
    lengths: tuple[int, ...]
    width: int
    depth: int

    @cached_property
    def words(self) -> tuple[int, ...]:
        bits = CanonicalCode(self.lengths).encode(self.symbols)
        words = np.zeros(self.depth, np.int32)
        for column in np.pad(bits, (0, -len(bits) % self.width)).reshape(-1, self.width).T:
            words = words << 1 | column
        return tuple(words.tolist())

    def __len__(self) -> int:
        return self.depth

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[int, ...]: ...
    def __getitem__(self, index: int | slice) -> int | tuple[int, ...]:
        return self.words[index]

    def __iter__(self) -> Iterator[int]:
        return iter(self.words)

    def __eq__(self, other: object) -> bool:
        return self.words == (other.words if isinstance(other, _LazyWords) else other)

    def __hash__(self) -> int:
        return hash(self.words)


def _with_padding_zeros(positions: NDArray[np.int64], total: int, max_step: int) -> NDArray[np.int64]:
    """Add positions so that each is at most ``max_step`` after the one before, cyclically modulo ``total``.

    A step of s positions becomes ceil(s / max_step) steps, all of the full length but the last.
    """
    if not len(positions):
        positions = np.array([total - 1])
    steps = np.diff(positions, prepend=positions[-1] - total)
    if steps.max() <= max_step:
        return positions
    counts = -(-steps // max_step)
    ends = np.cumsum(counts)
    nth = np.arange(ends[-1]) - np.repeat(ends - counts, counts) + 1  # 1, 2, ... within each step
    padded = np.minimum(np.repeat(positions - steps, counts) + nth * max_step, np.repeat(positions, counts))
    return np.sort(padded % total)


def _number_by_frequency(
    values: NDArray[np.int64] | NDArray[np.int32], value_tables: NDArray[np.int64], *, tables: int
) -> tuple[NDArray[np.int64], tuple[tuple[int, ...], ...]]:
    """Number the values of each table by frequency, the most frequent 0; equally frequent values in ascending order.

    Returns the number of each value within its table, and each table's values by number.
    """
    low = int(values.min())
    span = int(values.max()) - low + 1
    keys = value_tables * span + (values - low)  # one histogram for all tables, one behind the other
    histogram = np.bincount(keys, minlength=tables * span)
    symbols = np.empty(len(histogram), np.int64)
    values_by_symbol = []
    for start in range(0, len(histogram), span):
        counts = histogram[start : start + span]
        used = np.flatnonzero(counts)
        order = used[np.argsort(-counts[used], kind="stable")]
        symbols[start + order] = np.arange(len(order))
        values_by_symbol.append(tuple((low + order).tolist()))
    return symbols[keys], tuple(values_by_symbol)
