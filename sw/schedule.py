# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From integer weights to the circular, entropy-coded streams that an engine's ROMs hold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .huffman import CanonicalCode, code_lengths
from .spec import LOGIC_BITS, Encoded, Weights

CODE_LIMIT = {6: 9, 8: 12}
"""Longest code word by codebook bits, up to and including the key."""
GAP_LIMIT = 7
GAP_ALPHABET = 64
"""Most zeros that one entry may skip, plus one."""


@dataclass(frozen=True)
class Group:
    """The weights that a group holds: a filter of a convolution engine, an input channel of a squeeze engine."""

    kind: int
    """0: all taps; 1: the centre tap alone."""
    weights: NDArray[np.int32]
    """Integer weights by position, shape (taps of this kind * inner,)."""
    required: bool = False
    """Every position has an entry, zero or not."""


def schedule(groups: Sequence[Group], *, inner: int, taps: int, logic_bits: int = LOGIC_BITS) -> Weights:
    """The weight stream of an engine whose groups come in this order.

    Every non-zero weight gets an entry. Where the next one is further than an entry can skip, filler entries of weight zero lie between.
    """
    kinds = np.array([group.kind for group in groups])
    sizes = np.where(kinds == 0, taps * inner, inner)
    flat = np.concatenate([group.weights for group in groups])
    wanted = flat != 0
    for end, size, group in zip(np.cumsum(sizes), sizes, groups, strict=True):
        wanted[end - size : end] |= group.required
    reach = min(inner, GAP_ALPHABET)
    positions = _with_fillers(np.flatnonzero(wanted), len(flat), reach)
    values = flat[positions]
    entry_kinds = np.repeat(kinds, sizes)[positions]
    ranks, codebooks = _ranked(values, entry_kinds, kinds=int(kinds.max()) + 1)
    dense = len(positions) == len(flat)
    steps = np.diff(positions, prepend=positions[-1] - len(flat))
    gap_ranks, gap_values = _ranked(steps - 1, np.zeros_like(steps), kinds=1)
    codes = encode(ranks, CODE_LIMIT[6] if max(map(len, codebooks)) <= 64 else CODE_LIMIT[8])
    last_tap, last_inner = divmod(int(positions[-1] - (len(flat) - sizes[-1])), inner)
    return Weights(
        inner=inner,
        taps=taps,
        kinds=tuple(int(kind) for kind in kinds),
        codes=codes,
        codebooks=codebooks,
        gaps=None if dense else encode(gap_ranks, GAP_LIMIT, codes.width),
        gap_values=gap_values[0],
        logic_bits=logic_bits,
        counts=tuple(np.diff(np.searchsorted(positions, np.cumsum(sizes)), prepend=0).tolist()),
        last=(last_tap + (taps // 2 if kinds[-1] else 0), last_inner),
    )


def encode(ranks: NDArray[np.int64], limit: int, width: int = 9) -> Encoded:
    """Huffman code a stream of ranks, most frequent first, in ROM words of ``width`` bits (18 where codes are longer than 9).

    9 and 18 bits are the widths that block RAMs with two ports hold without waste.
    """
    lengths = tuple(sorted(code_lengths(np.bincount(ranks).tolist(), limit)))
    bits = CanonicalCode(lengths).encode(ranks)
    width = width if limit <= width else 18
    padded = np.pad(bits, (0, -len(bits) % width)).reshape(-1, width)
    words = np.zeros(len(padded), np.int32)
    for column in padded.T:
        words = words << 1 | column
    return Encoded(lengths=lengths, width=width, words=tuple(words.tolist()), count=len(ranks), bits=len(bits))


def _with_fillers(positions: NDArray[np.int64], total: int, reach: int) -> NDArray[np.int64]:
    """Positions with more between them, so that each is at most ``reach`` after the one before, in a circle of ``total``."""
    if not len(positions):
        positions = np.array([total - 1])
    steps = np.diff(positions, prepend=positions[-1] - total)
    counts = -(-steps // reach)
    ends = np.cumsum(counts)
    nth = np.arange(ends[-1]) - np.repeat(ends - counts, counts) + 1
    filled = np.minimum(np.repeat(positions - steps, counts) + nth * reach, np.repeat(positions, counts))
    return np.sort(filled % total)


def _ranked(
    values: NDArray[np.int64] | NDArray[np.int32], entry_kinds: NDArray[np.int64], *, kinds: int
) -> tuple[NDArray[np.int64], tuple[tuple[int, ...], ...]]:
    """The rank of each value among those of its kind, most frequent first, and each kind's values by rank."""
    ranks = np.zeros(len(values), np.int64)
    tables = []
    for kind in range(kinds):
        mine = entry_kinds == kind
        symbols, inverse, counts = np.unique(values[mine], return_inverse=True, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        rank_of = np.empty(len(order), np.int64)
        rank_of[order] = np.arange(len(order))
        ranks[mine] = rank_of[inverse]
        tables.append(tuple(int(value) for value in symbols[order]))
    return ranks, tuple(tables)
