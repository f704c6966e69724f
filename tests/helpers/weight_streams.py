# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Weight streams decoded entry by entry in plain Python, and the weight ROMs of a small network."""

import numpy as np
from numpy.typing import NDArray

from firebrick.sim.small_models import randomly_initialised
from firebrick.sw.coding.huffman import CanonicalCode
from firebrick.sw.coding.streams import EncodedWeights, HuffmanStream
from firebrick.sw.compiler.lowering import compile_model
from firebrick.sw.network.graph import Bypass, Conv, Fire, GlobalAverage, MaxPool, Network, Shape
from firebrick.sw.plan.rom_layout import PartitionRom, partition_roms

NETWORK = Network(
    "small",
    Shape(3, 20, 20),
    (
        *(Conv("conv1", 6, 3, stride=2), MaxPool("pool1"), Fire("fire2", 3, 5, 7), Fire("fire3", 4, 6, 6, Bypass.SIMPLE)),
        *(Fire("fire4", 4, 3, 8, Bypass.COMPLEX), Conv("conv10", 5, 1), GlobalAverage("pool10")),
    ),
)


def decode(stream: HuffmanStream) -> list[int]:
    """The symbols of a stream."""
    bits = [word >> index & 1 for word in stream.words for index in reversed(range(stream.width))]
    return [int(symbol) for symbol in CanonicalCode(stream.lengths).decode(np.array(bits, np.uint8), stream.count)]


def entries(weights: EncodedWeights) -> list[tuple[int, int, int, int]]:
    """The group, tap, inner index and value of every entry of a pass.

    Trustworthy as an oracle because it lists all positions and steps through the list one entry at a time, without any arithmetic on
    group, tap and inner index.
    """
    positions = [
        (group, tap, inner)
        for group, filter_type in enumerate(weights.filter_types)
        for tap in ([weights.taps // 2] if filter_type else range(weights.taps))
        for inner in range(weights.inner)
    ]
    symbols = decode(weights.codes)
    steps = [1] * len(symbols) if weights.zero_runs is None else [weights.run_lengths[run] + 1 for run in decode(weights.zero_runs)]
    index = positions.index((weights.groups - 1, *weights.last)) - len(positions)
    result = []
    for symbol, step in zip(symbols, steps, strict=True):
        index += step
        position = positions[index]
        result.append((*position, weights.codebooks[weights.filter_types[position[0]]][symbol]))
    assert index == positions.index((weights.groups - 1, *weights.last)), "a pass ends where the next one starts"
    return result


def dense(weights: EncodedWeights) -> NDArray[np.int32]:
    """The weights of a pass by group, tap and inner index; each position has at most one entry."""
    array = np.zeros((weights.groups, weights.taps, weights.inner), np.int32)
    all_entries = entries(weights)
    assert len({entry[:3] for entry in all_entries}) == len(all_entries)
    for group, tap, inner, value in all_entries:
        array[group, tap, inner] = value
    return array


def small_roms(seed: int = 0, lanes: int = 40) -> tuple[list[PartitionRom], dict[str, NDArray[np.int32]]]:
    """The weight ROMs of a small network with both kinds of bypass, and the weights of its layers."""
    model = randomly_initialised(NETWORK, np.random.default_rng(seed))
    return partition_roms(compile_model(model, lanes)), {name: layer.weights for name, layer in model.layers.items()}
