# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Load balancing: the order of filters and their partitions."""

import numpy as np
import pytest

from firebrick.sw.compiler.partitioning import Filter, FilterSet, common_order, schedule_rounds
from firebrick.sw.errors import FirebrickError


def fire_filters(rng: np.random.Generator, ones: int, threes: int, partitions: int) -> FilterSet:
    """The filters of a Fire module, the 1x1 filters first, each with about a ninth of the weights of a 3x3 filter."""
    weights = np.concatenate([rng.integers(5, 16, ones), rng.integers(45, 136, threes)])
    filters = [Filter(int(channel < ones), "", channel, channel, int(count)) for channel, count in enumerate(weights)]
    return FilterSet(filters, partitions)


def imbalance(filters: FilterSet, order: list[int]) -> float:
    """Cycles relative to a perfect balance: each round takes as long as its slowest partition."""
    rounds = [[filter_.nonzero for filter_ in round_] for round_ in schedule_rounds(filters, order)]
    return float(sum(map(max, rounds)) * filters.partitions / sum(map(sum, rounds)))


@pytest.mark.parametrize("seed", range(8))
def test_common_order_has_every_channel_once_and_every_partition_has_filters(seed: int) -> None:
    rng = np.random.default_rng(seed)
    channels = int(rng.integers(2, 60))
    engines = []
    for _ in range(int(rng.integers(1, 5))):
        ones = int(rng.integers(0, channels + 1))
        engines.append(fire_filters(rng, ones, channels - ones, int(rng.integers(1, max(ones, channels - ones) + 1))))
    order = common_order(engines)
    assert sorted(order) == list(range(channels))
    for engine in engines:
        rounds = schedule_rounds(engine, order)
        assert [filter_.channel for round_ in rounds for filter_ in round_] == order
        assert max(map(len, rounds)) == engine.partitions, "every partition has a filter"


@pytest.mark.parametrize(("partitions", "other"), [(2, 2), (2, 4), (3, 2), (4, 4), (1, 5)])
def test_common_order_balances_two_engines(partitions: int, other: int) -> None:
    rng = np.random.default_rng(partitions)
    engines = [fire_filters(rng, 128, 128, partitions), fire_filters(rng, 128, 128, other)]
    order = common_order(engines)
    for engine in engines:
        assert imbalance(engine, order) < 1.16 < imbalance(engine, list(rng.permutation(256))) or engine.partitions == 1


def test_common_order_interleaves_filter_types_evenly() -> None:
    engine = fire_filters(np.random.default_rng(0), 20, 40, 2)
    types = [engine.filters[channel].filter_type for channel in common_order([engine])]
    assert all(sum(types[start : start + 12]) in range(2, 7) for start in range(48))


def test_common_order_alternates_1x1_and_3x3_filters() -> None:
    """With as many of both, rounds of 1x1 and of 3x3 filters alternate strictly: channels come at a steady rate."""
    engine = fire_filters(np.random.default_rng(0), 12, 12, 2)
    rounds = schedule_rounds(engine, common_order([engine]))
    types = [{filter_.filter_type for filter_ in round_} for round_ in rounds]
    assert types == [{0}, {1}] * 6 or types == [{1}, {0}] * 6


def test_common_order_reverses_every_other_block() -> None:
    """Weights fall through a block of channels and rise through the next: the heaviest come first and last in turn, not always first."""
    weights = [80, 70, 60, 50, 40, 30, 20, 10]
    engine = FilterSet([Filter(0, "", channel, channel, count) for channel, count in enumerate(weights)], 4)
    ordered = [weights[channel] for channel in common_order([engine])]
    assert ordered == [80, 70, 60, 50, 10, 20, 30, 40]


def test_schedule_rounds_mixes_filter_types_only_where_a_partition_would_get_no_filter() -> None:
    engine = fire_filters(np.random.default_rng(0), 4, 4, 4)
    assert [len(round_) for round_ in schedule_rounds(engine, list(range(8)))] == [4, 4]
    assert [len(round_) for round_ in schedule_rounds(engine, [0, 4, 1, 5, 2, 6, 3, 7])] == [4, 4]
    uneven = fire_filters(np.random.default_rng(0), 3, 4, 2)
    assert [len(round_) for round_ in schedule_rounds(uneven, list(range(7)))] == [2, 1, 2, 2]


def test_filter_set_rejects_more_partitions_than_filters_of_one_type() -> None:
    with pytest.raises(FirebrickError, match="partitions must be at most 5, the filters of one type, not 6"):
        fire_filters(np.random.default_rng(0), 3, 5, 6)
