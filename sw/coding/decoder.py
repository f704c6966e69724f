# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Decodes the words of a weight ROM to integer weights (sw/coding/encoder.py reversed), and encodes other weights for the same decoder."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import FirebrickError
from .huffman import CanonicalCode
from .streams import EncodedWeights, HuffmanStream


def decode_weights(weights: EncodedWeights) -> list[NDArray[np.int32]]:
    """The integer weights of each group by position, shape (taps of its kind * inner,), as the hardware decodes them from the words.

    Raises FirebrickError where the words are no stream of this decoder: they end early, hold a word of no symbol, or the last
    entry does not lie where a pass begins from.
    """
    sizes, kinds = _sizes(weights)
    positions = _positions(weights, int(sizes.sum()))
    ranks = decode_stream(weights.codes)
    size = max(len(weights.codes.lengths), *(len(book) for book in weights.codebooks))
    books = np.array([(*book, *(0,) * (size - len(book))) for book in weights.codebooks], np.int32)
    flat = np.zeros(int(sizes.sum()), np.int32)
    flat[positions] = books[np.repeat(kinds, sizes)[positions], ranks]
    return np.split(flat, np.cumsum(sizes)[:-1])


def decode_stream(encoded: HuffmanStream) -> NDArray[np.int64]:
    """The symbols that a stream's words hold. Raises FirebrickError where they are no such stream."""
    words = np.array(encoded.words, np.int64)
    bits = (words[:, None] >> np.arange(encoded.width)[::-1] & 1).astype(np.uint8).reshape(-1)
    return CanonicalCode(encoded.lengths).decode(bits, encoded.count).astype(np.int64)


def reencode_weights(old: EncodedWeights, groups: Sequence[NDArray[np.int32]]) -> EncodedWeights:
    """Other weights for the decoder of ``old``: its code lengths, codebooks, table of gaps, and numbers of entries and words.

    ``groups`` are shaped as ``decode`` gives them. Raises FirebrickError, which says why, where the decoder cannot make them.
    """
    sizes, kinds = _sizes(old)
    flat = np.concatenate(groups)
    places = _positions(old, len(flat))
    entries = np.zeros(len(flat), bool)
    entries[places] = True
    if missing := np.flatnonzero((flat != 0) & ~entries).size:
        raise FirebrickError(f"{missing:,} weights are nonzero where the decoder skips zeros")
    tables = [{value: rank for rank, value in reversed(list(enumerate(book)))} for book in old.codebooks]
    entry_kinds = np.repeat(kinds, sizes)[places].tolist()
    try:
        ranks = np.array([tables[kind][value] for kind, value in zip(entry_kinds, flat[places].tolist(), strict=True)])
    except KeyError as unknown:
        raise FirebrickError(f"a weight is {unknown.args[0]}, which is not in its codebook") from None
    bits = CanonicalCode(old.codes.lengths).encode(ranks)
    room = len(old.codes.words)
    needed = -(-len(bits) // old.codes.width)
    if needed != room:
        raise FirebrickError(f"its codes take {needed:,} ROM words, and the decoder reads {room:,}")
    padded = np.pad(bits, (0, -len(bits) % old.codes.width)).reshape(-1, old.codes.width)
    words = padded.astype(np.int64) @ (1 << np.arange(old.codes.width)[::-1])
    codes = HuffmanStream(old.codes.lengths, old.codes.width, tuple(words.tolist()), old.codes.count, len(bits))
    return EncodedWeights(
        inner=old.inner,
        taps=old.taps,
        filter_types=old.filter_types,
        codes=codes,
        codebooks=old.codebooks,
        zero_runs=old.zero_runs,
        run_lengths=old.run_lengths,
        last=old.last,
        entries_per_group=old.entries_per_group,
        lut_rom_bits=old.lut_rom_bits,
    )


def _sizes(weights: EncodedWeights) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of each group, and its kind."""
    kinds = np.array(weights.filter_types, np.int64)
    return np.where(kinds == 0, weights.taps * weights.inner, weights.inner), kinds


def _positions(weights: EncodedWeights, total: int) -> NDArray[np.int64]:
    """Where each entry lies, counted through all groups."""
    sizes, kinds = _sizes(weights)
    tap, inner = weights.last
    last = total - int(sizes[-1]) + (tap - (weights.taps // 2 if kinds[-1] else 0)) * weights.inner + inner
    if weights.zero_runs is None:
        steps = np.ones(weights.entries, np.int64)
    else:
        found = decode_stream(weights.zero_runs)
        table = np.array(weights.run_lengths, np.int64)
        steps = 1 + np.pad(table, (0, max(0, len(weights.zero_runs.lengths) - len(table))))[found]
    ends = last - total + np.cumsum(steps)
    if ends[-1] != last:
        raise FirebrickError(f"a pass over the weights ends {abs(int(ends[-1]) - last):,} positions from where it began")
    return ends
