# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Weights read back out of the ROM words of an engine, in plain Python."""

import numpy as np
from numpy.typing import NDArray

from firebrick.sw.coding.huffman import CanonicalCode
from firebrick.sw.coding.streams import EncodedWeights, HuffmanStream


def decode(encoded: HuffmanStream) -> list[int]:
    """The ranks of a stream."""
    bits = [word >> place & 1 for word in encoded.words for place in reversed(range(encoded.width))]
    return [int(rank) for rank in CanonicalCode(encoded.lengths).decode(np.array(bits, np.uint8), encoded.count)]


def entries(weights: EncodedWeights) -> list[tuple[int, int, int, int]]:
    """The group, tap, inner position and value of every entry of a pass."""
    places = [
        (group, tap, inner)
        for group, kind in enumerate(weights.filter_types)
        for tap in ([weights.taps // 2] if kind else range(weights.taps))
        for inner in range(weights.inner)
    ]
    codes = decode(weights.codes)
    steps = [1] * len(codes) if weights.zero_runs is None else [weights.run_lengths[rank] + 1 for rank in decode(weights.zero_runs)]
    position = places.index((weights.groups - 1, *weights.last)) - len(places)
    found = []
    for code, step in zip(codes, steps, strict=True):
        position += step
        place = places[position]
        found.append((*place, weights.codebooks[weights.filter_types[place[0]]][code]))
    assert position == places.index((weights.groups - 1, *weights.last)), "a pass ends where the next one counts from"
    return found


def dense(weights: EncodedWeights) -> NDArray[np.int32]:
    """The weights of a pass by group, tap and inner position; each place has one entry at most."""
    array = np.zeros((weights.groups, weights.taps, weights.inner), np.int32)
    found = entries(weights)
    assert len({entry[:3] for entry in found}) == len(found)
    for group, tap, inner, value in found:
        array[group, tap, inner] = value
    return array
