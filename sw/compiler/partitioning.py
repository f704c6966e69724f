# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Load balancing: the order of an engine's filters, and the partition that computes each.

The partitions of an engine send their channels in turn, one *round* after the other: in each round, partition 0 computes the first filter,
partition 1 the second, and so on. Each waits for the slowest of its round, so the filters of a round should have about as many weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm

from ..errors import FirebrickError


@dataclass(frozen=True)
class Filter:
    """A filter of a layer."""

    filter_type: int
    """0: all taps of its engine's kernel; 1: the centre tap alone."""
    layer: str
    index: int
    """Its number in the layer."""
    channel: int
    """The channel of the stage's output that it computes."""
    nonzero: int
    """Number of non-zero weights."""


@dataclass(frozen=True)
class FilterSet:
    """The filters of an engine, by channel, and the number of partitions that compute them.

    Raises FirebrickError if there are more partitions than filters of any one type.
    """

    filters: Sequence[Filter]
    partitions: int

    def __post_init__(self) -> None:
        types = [filter_.filter_type for filter_ in self.filters]
        max_partitions = max(map(types.count, set(types)))
        if self.partitions > max_partitions:
            raise FirebrickError(f"partitions must be at most {max_partitions}, the filters of one type, not {self.partitions}")


def common_order(filter_sets: Sequence[FilterSet]) -> list[int]:
    """An order of channels that balances several engines, whose outputs a bypass adds channel by channel.

    Channels whose filters have about as many weights in every engine are neighbours, so the rounds of each engine are even. A block has as
    many channels as fill whole rounds of every engine. Every other block is reversed, so that the largest filters of two
    blocks meet; and the blocks of different filter types are interleaved evenly, so that channels come at a steady rate.
    """
    weights = [[filter_.nonzero for filter_ in filters.filters] for filters in filter_sets if filters.partitions > 1]
    block_size = lcm(*(filters.partitions for filters in filter_sets))
    channels_by_type: dict[tuple[int, ...], list[int]] = {}
    for channel, filters in enumerate(zip(*(filters.filters for filters in filter_sets), strict=True)):
        channels_by_type.setdefault(tuple(filter_.filter_type for filter_ in filters), []).append(channel)
    # Each block has a position between 0 and 1 within its type; sorting by it interleaves the types.
    blocks: list[tuple[float, list[int]]] = []
    for channels in channels_by_type.values():
        balanced = _balanced(channels, weights, block_size)
        count = -(-len(balanced) // block_size)
        for index in range(count):
            block = balanced[index * block_size : (index + 1) * block_size]
            is_reversed = index % 2 == 1 and len(block) == block_size
            blocks.append(((index + 0.5) / count, block[::-1] if is_reversed else block))
    return [channel for _, block in sorted(blocks, key=lambda entry: entry[0]) for channel in block]


def schedule_rounds(filters: FilterSet, order: Sequence[int]) -> list[list[Filter]]:
    """Rounds of at most ``partitions`` filters in this order of channels; filter i of a round goes to partition i.

    The filters of a round are of one type, unless some partition would then get none.
    """
    rounds: list[list[Filter]] = []
    ordered = [filters.filters[channel] for channel in order]
    for filter_ in ordered:
        if not rounds or len(rounds[-1]) == filters.partitions or rounds[-1][0].filter_type != filter_.filter_type:
            rounds.append([])
        rounds[-1].append(filter_)
    if max(map(len, rounds)) == filters.partitions:
        return rounds
    return [ordered[start : start + filters.partitions] for start in range(0, len(ordered), filters.partitions)]


def _balanced(channels: Sequence[int], weights: Sequence[Sequence[int]], block_size: int) -> list[int]:
    """Channels in an order in which neighbours have about as many weights in each engine.

    They are sorted by the weights of the first engine, cut into groups of whole blocks, and each group is sorted in the same way for the
    engines that are left.
    """
    if not weights:
        return list(channels)
    ranked = sorted(channels, key=lambda channel: -weights[0][channel])
    # As many groups for each engine, as blocks in all: the n-th root of their number.
    groups = max(1, round((len(ranked) / block_size) ** (1 / len(weights))))
    size = -(-len(ranked) // (groups * block_size)) * block_size
    starts = range(0, len(ranked), size)
    return [channel for start in starts for channel in _balanced(ranked[start : start + size], weights[1:], block_size)]
