# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Estimates of an engine's weight streams, from its layers as they are: the compiler will reorder channels, which changes little."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..coding.encoder import MAX_CODE_LENGTH, MAX_RUN_CODE_LENGTH, RUN_ALPHABET
from ..coding.huffman import code_lengths
from ..model.quantized import QuantizedLayer


def schedule_entries(layer: QuantizedLayer, squeeze: bool) -> int:
    """Entries of a layer in its weight stream, approximately: non-zero weights, and padding zeros where a zero run is too long.

    A squeeze engine also has an entry for each weight of the first and the last channel, zero or not.
    """
    weights = _stream_order(layer, squeeze)
    steps = np.diff(np.flatnonzero(weights), prepend=-1)
    max_step = min(weights.shape[-1], RUN_ALPHABET)
    required_zeros = int(np.count_nonzero(weights.reshape(len(weights), -1)[[0, -1]] == 0)) if squeeze else 0
    return int(np.sum(-(-steps // max_step))) + required_zeros


def stream_bits(layers: Sequence[QuantizedLayer], squeeze: bool) -> int:
    """Bits of the codes for weights and zero runs of an engine's layers, which share one code; padding zeros are not counted."""
    symbols = np.zeros(1 << max(layer.bits for layer in layers), np.int64)
    zero_runs = np.zeros(RUN_ALPHABET, np.int64)
    for layer in layers:
        weights = _stream_order(layer, squeeze)
        positions = np.flatnonzero(weights)
        counts = np.unique(weights.reshape(-1)[positions], return_counts=True)[1]
        # Each layer has a codebook of its own: symbol i stands for its i-th most frequent weight.
        symbols[: len(counts)] += np.sort(counts)[::-1]
        zero_runs += np.bincount(np.minimum(np.diff(positions, prepend=-1) - 1, RUN_ALPHABET - 1), minlength=RUN_ALPHABET)
    weight_bits = _huffman_bits(symbols, MAX_CODE_LENGTH[6] if np.count_nonzero(symbols) <= 64 else MAX_CODE_LENGTH[8])
    return weight_bits + (_huffman_bits(zero_runs, MAX_RUN_CODE_LENGTH) if zero_runs[1:].any() else 0)


def _stream_order(layer: QuantizedLayer, squeeze: bool) -> NDArray[np.int32]:
    """The weights in the order of an engine: (filters, rows, columns, channels), for a squeeze engine (channels, 1, 1, filters)."""
    return layer.weights.transpose(1, 2, 3, 0) if squeeze else layer.weights.transpose(0, 2, 3, 1)


def _huffman_bits(counts: NDArray[np.int64], max_length: int) -> int:
    """Bits of a stream of symbols that occur this often, Huffman coded with code words of limited length."""
    used = counts[counts > 0].tolist()
    return sum(count * length for count, length in zip(used, code_lengths(used, max_length), strict=True)) if used else 0
