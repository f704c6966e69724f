# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Decodes the words of a weight ROM to integer weights, the inverse of the encoder, and encodes other weights for the same decoder."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..errors import FirebrickError
from .huffman import CanonicalCode
from .streams import EncodedWeights, HuffmanStream


def decode_weights(weights: EncodedWeights) -> list[NDArray[np.int32]]:
    """The integer weights of each group by position, shape (taps of its type * inner,), as the hardware decodes them from the words.

    Raises FirebrickError if the words are no stream of this decoder: they end early, contain a word that is no code word, or the entries of
    a pass do not end at the position from which the next pass starts.
    """
    sizes, types = _group_sizes(weights)
    total = int(sizes.sum())
    positions = _entry_positions(weights, total)
    symbols = decode_stream(weights.codes)
    # Shorter codebooks are padded with zeros, as in the hardware.
    size = max(len(weights.codes.lengths), *(len(codebook) for codebook in weights.codebooks))
    codebooks = np.array([(*codebook, *(0,) * (size - len(codebook))) for codebook in weights.codebooks], np.int32)
    flat = np.zeros(total, np.int32)
    flat[positions] = codebooks[np.repeat(types, sizes)[positions], symbols]
    return np.split(flat, np.cumsum(sizes)[:-1])


def decode_stream(stream: HuffmanStream) -> NDArray[np.int64]:
    """The symbols of a stream. Raises FirebrickError if its words are no such stream."""
    words = np.array(stream.words, np.int64)
    bits = (words[:, None] >> np.arange(stream.width)[::-1] & 1).astype(np.uint8).reshape(-1)
    return CanonicalCode(stream.lengths).decode(bits, stream.count).astype(np.int64)


def reencode_weights(old: EncodedWeights, groups: Sequence[NDArray[np.int32]]) -> EncodedWeights:
    """Encode other weights for the decoder of ``old``: with its code lengths, codebooks, zero runs, and number of ROM words.

    ``groups`` have the shapes that ``decode_weights`` returns. Raises FirebrickError, with the reason, if that decoder cannot produce them.
    """
    sizes, types = _group_sizes(old)
    flat = np.concatenate(groups)
    positions = _entry_positions(old, len(flat))
    has_entry = np.zeros(len(flat), bool)
    has_entry[positions] = True
    if missing := np.flatnonzero((flat != 0) & ~has_entry).size:
        raise FirebrickError(f"{missing:,} weights are nonzero where the decoder skips zeros")
    # Of several symbols for one value, the first, which is the most frequent.
    symbol_of = [{value: symbol for symbol, value in reversed(list(enumerate(codebook)))} for codebook in old.codebooks]
    entry_types = np.repeat(types, sizes)[positions].tolist()
    try:
        symbols = np.array([symbol_of[entry_type][value] for entry_type, value in zip(entry_types, flat[positions].tolist(), strict=True)])
    except KeyError as unknown:
        raise FirebrickError(f"a weight is {unknown.args[0]}, which is not in its codebook") from None
    bits = CanonicalCode(old.codes.lengths).encode(symbols)
    width = old.codes.width
    available, needed = len(old.codes.words), -(-len(bits) // width)
    if needed != available:
        raise FirebrickError(f"its codes take {needed:,} ROM words, and the decoder reads {available:,}")
    padded = np.pad(bits, (0, -len(bits) % width)).reshape(-1, width)
    words = padded.astype(np.int64) @ (1 << np.arange(width)[::-1])
    return replace(old, codes=replace(old.codes, words=tuple(words.tolist()), bits=len(bits)))


def _group_sizes(weights: EncodedWeights) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The number of positions of each group, and its filter type."""
    types = np.array(weights.filter_types, np.int64)
    return np.where(types == 0, weights.taps * weights.inner, weights.inner), types


def _entry_positions(weights: EncodedWeights, total: int) -> NDArray[np.int64]:
    """The position of each entry, counted through all groups: the running sum of run + 1, from the last entry of the pass before."""
    sizes, types = _group_sizes(weights)
    tap, inner = weights.last
    last = total - int(sizes[-1]) + (tap - (weights.taps // 2 if types[-1] else 0)) * weights.inner + inner
    if weights.zero_runs is None:
        steps = np.ones(weights.entries, np.int64)
    else:
        symbols = decode_stream(weights.zero_runs)
        run_lengths = np.array(weights.run_lengths, np.int64)
        steps = 1 + np.pad(run_lengths, (0, max(0, len(weights.zero_runs.lengths) - len(run_lengths))))[symbols]
    positions = last - total + np.cumsum(steps)
    if positions[-1] != last:
        raise FirebrickError(f"a pass over the weights ends {abs(int(positions[-1]) - last):,} positions from where it began")
    return positions
