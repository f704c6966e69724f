# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From integer weights to the circular, entropy-coded streams that an engine's ROMs hold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray

from .huffman import CanonicalCode, code_lengths
from .streams import EncodedWeights, HuffmanStream

MAX_CODE_LENGTH = {6: 9, 8: 12}
"""Longest code word by codebook bits, up to and including the key."""
MAX_RUN_CODE_LENGTH = 7
RUN_ALPHABET = 64
"""Most zeros that one entry may skip, plus one."""


@dataclass(frozen=True)
class WeightGroup:
    """The weights that a group holds: a filter of a convolution engine, an input channel of a squeeze engine."""

    filter_type: int
    """0: all taps; 1: the centre tap alone."""
    weights: NDArray[np.int32]
    """Integer weights by position, shape (taps of this kind * inner,)."""
    required: bool = False
    """Every position has an entry, zero or not."""


def encode_weights(groups: Sequence[WeightGroup], *, inner: int, taps: int) -> EncodedWeights:
    """The weight stream of an engine whose groups come in this order.

    Every non-zero weight gets an entry. Where the next one is further than an entry can skip, filler entries of weight zero lie between.
    """
    kinds = np.array([group.filter_type for group in groups])
    sizes = np.where(kinds == 0, taps * inner, inner)
    ends = np.cumsum(sizes)
    flat = np.concatenate([group.weights for group in groups])
    wanted = flat != 0
    for end, size, group in zip(ends, sizes, groups, strict=True):
        if group.required:
            wanted[end - size : end] = True
    reach = min(inner, RUN_ALPHABET)
    positions = _with_fillers(np.flatnonzero(wanted), len(flat), reach)
    counts = np.diff(np.searchsorted(positions, ends), prepend=0)
    ranks, codebooks = _ranked(flat[positions], np.repeat(kinds, counts), kinds=int(kinds.max()) + 1)
    dense = len(positions) == len(flat)
    steps = np.diff(positions, prepend=positions[-1] - len(flat))
    gap_ranks, gap_values = _ranked(steps - 1, np.zeros_like(steps), kinds=1)
    codes = encode_stream(ranks, MAX_CODE_LENGTH[6] if max(map(len, codebooks)) <= 64 else MAX_CODE_LENGTH[8])
    last_tap, last_inner = divmod(int(positions[-1] - (len(flat) - sizes[-1])), inner)
    return EncodedWeights(
        inner=inner,
        taps=taps,
        filter_types=tuple(int(kind) for kind in kinds),
        codes=codes,
        codebooks=codebooks,
        zero_runs=None if dense else encode_stream(gap_ranks, MAX_RUN_CODE_LENGTH, codes.width),
        run_lengths=gap_values[0],
        entries_per_group=tuple(counts.tolist()),
        last=(last_tap + (taps // 2 if kinds[-1] else 0), last_inner),
    )


def encode_stream(ranks: NDArray[np.int64], limit: int, width: int = 9) -> HuffmanStream:
    """Huffman code a stream of ranks, most frequent first, in ROM words of ``width`` bits (18 where codes are longer than 9).

    9 and 18 bits are the widths that block RAMs with two ports hold without waste.
    """
    counts = np.bincount(ranks)
    lengths = tuple(sorted(code_lengths(counts.tolist(), limit)))
    bits = int(counts @ np.array(lengths))
    width = width if limit <= width else 18
    return HuffmanStream(lengths=lengths, width=width, words=_Words(ranks, lengths, width, -(-bits // width)), count=len(ranks), bits=bits)


@dataclass(frozen=True, eq=False)
class _Words(Sequence[int]):
    """The ROM words of a stream, made when they are first looked at: the search for a plan only asks how many there are."""

    ranks: NDArray[np.int64]
    lengths: tuple[int, ...]
    width: int
    depth: int

    @cached_property
    def made(self) -> tuple[int, ...]:
        bits = CanonicalCode(self.lengths).encode(self.ranks)
        words = np.zeros(self.depth, np.int32)
        for column in np.pad(bits, (0, -len(bits) % self.width)).reshape(-1, self.width).T:
            words = words << 1 | column
        return tuple(words.tolist())

    def __len__(self) -> int:
        return self.depth

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[int, ...]: ...
    def __getitem__(self, place: int | slice) -> int | tuple[int, ...]:
        return self.made[place]

    def __iter__(self) -> Iterator[int]:
        return iter(self.made)

    def __eq__(self, other: object) -> bool:
        return self.made == (other.made if isinstance(other, _Words) else other)

    def __hash__(self) -> int:
        return hash(self.made)


def _with_fillers(positions: NDArray[np.int64], total: int, reach: int) -> NDArray[np.int64]:
    """Positions with more between them, so that each is at most ``reach`` after the one before, in a circle of ``total``."""
    if not len(positions):
        positions = np.array([total - 1])
    steps = np.diff(positions, prepend=positions[-1] - total)
    if steps.max() <= reach:
        return positions
    counts = -(-steps // reach)
    ends = np.cumsum(counts)
    nth = np.arange(ends[-1]) - np.repeat(ends - counts, counts) + 1
    filled = np.minimum(np.repeat(positions - steps, counts) + nth * reach, np.repeat(positions, counts))
    return np.sort(filled % total)


def _ranked(
    values: NDArray[np.int64] | NDArray[np.int32], entry_kinds: NDArray[np.int64], *, kinds: int
) -> tuple[NDArray[np.int64], tuple[tuple[int, ...], ...]]:
    """The rank of each value among those of its kind, most frequent first, and each kind's values by rank."""
    low = int(values.min())
    span = int(values.max()) - low + 1
    keys = entry_kinds * span + (values - low)
    found = np.bincount(keys, minlength=kinds * span)
    ranks = np.empty(len(found), np.int64)
    tables = []
    for start in range(0, len(found), span):
        counts = found[start : start + span]
        symbols = np.flatnonzero(counts)
        order = symbols[np.argsort(-counts[symbols], kind="stable")]
        ranks[start + order] = np.arange(len(order))
        tables.append(tuple((low + order).tolist()))
    return ranks[keys], tuple(tables)
