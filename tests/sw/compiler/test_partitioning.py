# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The order of filters and their parts."""

import numpy as np
import pytest

from firebrick.sw.compiler.partitioning import Filter, FilterSet, common_order, schedule_rounds
from firebrick.sw.errors import FirebrickError


def deck(rng: np.random.Generator, ones: int, threes: int, splits: int) -> FilterSet:
    """The filters of a Fire module, the 1x1 filters first, a ninth as heavy as the others."""
    weights = np.concatenate([rng.integers(5, 16, ones), rng.integers(45, 136, threes)])
    return FilterSet([Filter(int(number < ones), "", number, number, int(count)) for number, count in enumerate(weights)], splits)


def unevenness(one: FilterSet, order: list[int]) -> float:
    """How much longer the busiest part is busy than on average, round by round where each waits for the others."""
    rounds = [[filter_.nonzero for filter_ in each] for each in schedule_rounds(one, order)]
    return sum(map(max, rounds)) * one.splits / sum(map(sum, rounds))


@pytest.mark.parametrize("seed", range(8))
def test_common_order_has_every_channel_once_and_parts_take_turns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    channels = int(rng.integers(2, 60))
    decks = []
    for _ in range(int(rng.integers(1, 5))):
        ones = int(rng.integers(0, channels + 1))
        decks.append(deck(rng, ones, channels - ones, int(rng.integers(1, max(ones, channels - ones) + 1))))
    order = common_order(decks)
    assert sorted(order) == list(range(channels))
    for one in decks:
        rounds = schedule_rounds(one, order)
        assert [filter_.channel for each in rounds for filter_ in each] == order
        assert max(map(len, rounds)) == one.splits, "every part has a filter"


@pytest.mark.parametrize(("splits", "other"), [(2, 2), (2, 4), (3, 2), (4, 4), (1, 5)])
def test_common_order_keeps_the_rounds_of_two_engines_even(splits: int, other: int) -> None:
    rng = np.random.default_rng(splits)
    decks = [deck(rng, 128, 128, splits), deck(rng, 128, 128, other)]
    order = common_order(decks)
    for one in decks:
        assert unevenness(one, order) < 1.16 < unevenness(one, list(rng.permutation(256))) or one.splits == 1


def test_common_order_spreads_kinds_evenly() -> None:
    one = deck(np.random.default_rng(0), 20, 40, 2)
    kinds = [one.filters[channel].filter_type for channel in common_order([one])]
    assert all(sum(kinds[start : start + 12]) in range(2, 7) for start in range(48))


def test_deal_mixes_kinds_only_where_a_part_would_get_no_filter() -> None:
    one = deck(np.random.default_rng(0), 4, 4, 4)
    assert [len(each) for each in schedule_rounds(one, list(range(8)))] == [4, 4]
    assert [len(each) for each in schedule_rounds(one, [0, 4, 1, 5, 2, 6, 3, 7])] == [4, 4]
    assert [len(each) for each in schedule_rounds(deck(np.random.default_rng(0), 3, 4, 2), list(range(7)))] == [2, 1, 2, 2]


def test_deck_rejects_more_parts_than_filters_of_a_kind() -> None:
    with pytest.raises(FirebrickError, match="splits must be at most 5, the filters of a kind, not 6"):
        deck(np.random.default_rng(0), 3, 5, 6)
