# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""In which order the filters of an engine come, and to which of its parts they are dealt."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm

from ..errors import FirebrickError


@dataclass(frozen=True)
class Filter:
    """A filter of a layer."""

    filter_type: int
    """0: as many taps as its engine has; 1: the centre tap alone."""
    layer: str
    index: int
    channel: int
    """Which channel of the stage's output it makes."""
    nonzero: int
    """Weights that are not zero."""


@dataclass(frozen=True)
class FilterSet:
    """The filters of an engine, by channel, and how many parts they are dealt to."""

    filters: Sequence[Filter]
    splits: int

    def __post_init__(self) -> None:
        kinds = [one.filter_type for one in self.filters]
        most = max(map(kinds.count, set(kinds)))
        if self.splits > most:
            raise FirebrickError(f"splits must be at most {most}, the filters of a kind, not {self.splits}")


def common_order(decks: Sequence[FilterSet]) -> list[int]:
    """An order of channels that suits several engines, since a bypass adds channels as they come: engine after engine keeps it.

    Channels whose filters have about equally many weights, engine by engine, are neighbours, so that a round of any engine is even;
    the larger ones come first and last in turn. Kinds of filters are spread evenly, so that output comes at a steady pace.
    """
    shared = [[one.nonzero for one in deck.filters] for deck in decks if deck.splits > 1]
    block = lcm(*(deck.splits for deck in decks))
    groups: dict[tuple[int, ...], list[int]] = {}
    for channel, filters in enumerate(zip(*(deck.filters for deck in decks), strict=True)):
        groups.setdefault(tuple(one.filter_type for one in filters), []).append(channel)
    placed = []
    for group in groups.values():
        alike = _alike(group, shared, block)
        blocks = [alike[start : start + block] for start in range(0, len(alike), block)]
        for number, one in enumerate(blocks):
            turned = one[::-1] if number % 2 and len(one) == block else one
            placed.append(((number + 0.5) / len(blocks), turned))
    return [channel for _, one in sorted(placed, key=lambda pair: pair[0]) for channel in one]


def schedule_rounds(deck: FilterSet, order: Sequence[int]) -> list[list[Filter]]:
    """Rounds of at most ``splits`` filters in the order of channels, the first to the first part and so on.

    The filters of a round are of one kind, unless some part would then get none.
    """
    rounds: list[list[Filter]] = []
    for one in (deck.filters[channel] for channel in order):
        if not rounds or len(rounds[-1]) == deck.splits or rounds[-1][0].filter_type != one.filter_type:
            rounds.append([])
        rounds[-1].append(one)
    if max(map(len, rounds)) == deck.splits:
        return rounds
    flat = [one for each in rounds for one in each]
    return [flat[start : start + deck.splits] for start in range(0, len(flat), deck.splits)]


def _alike(channels: Sequence[int], weights: Sequence[Sequence[int]], block: int) -> list[int]:
    """Channels so ordered that neighbours have about equal weights for every engine, in blocks."""
    if not weights:
        return list(channels)
    ranked = sorted(channels, key=lambda channel: -weights[0][channel])
    strips = max(1, round((len(ranked) / block) ** (1 / len(weights))))
    size = -(-len(ranked) // (strips * block)) * block
    return [channel for start in range(0, len(ranked), size) for channel in _alike(ranked[start : start + size], weights[1:], block)]
