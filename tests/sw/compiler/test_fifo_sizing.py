# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""FIFO depths behind bypasses, from hand-made engines whose times can be counted."""

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from firebrick.sw.compiler.fifo_sizing import CHANNELS_AHEAD, PIPELINE_LATENCY, fifo_depth, finish_times, max_skew, start_times
from firebrick.sw.plan.nodes import EngineSpec


def engine(*counts: list[int], tiles: int = 1) -> EngineSpec:
    """An engine with these entries for each channel of each partition, whose row takes as long as its slowest partition."""
    partitions = [SimpleNamespace(weights=SimpleNamespace(entries_per_group=tuple(channel)), output_height=1) for channel in counts]
    channels = sum(map(len, counts))
    return cast(
        "EngineSpec",
        SimpleNamespace(
            partitions=partitions,
            output=SimpleNamespace(tiles=tiles),
            fast=False,
            schedule=(len(counts),) * len(counts[0]),
            channel_order=tuple(range(channels)),
            cycles=max(map(sum, counts)) * tiles,
        ),
    )


def test_times_are_sums_of_entries() -> None:
    spec = engine([3, 1, 2], [1, 4, 1], tiles=2)
    assert start_times(spec).tolist() == [0, 6, 14]  # each channel waits for the slower partition of the one before
    assert finish_times(spec).tolist() == [6, 6, 8, 10, 12, 12]  # interleaved, and never before the channel in front


@pytest.mark.parametrize(
    ("main", "skip", "depth"),
    [
        ([5, 5, 5, 5], [5, 5, 5, 5], 1),  # in step: only the channel that is being added
        ([5, 5, 5, 5], [14, 2, 2, 2], 3),  # main has finished 1, 2 and 3 channels when skip has finished 0, 0 and 1
        ([5, 5, 5, 5], [2, 2, 2, 14], 1),  # skip is never behind
        ([1, 1, 1, 17], [17, 1, 1, 1], 4),
        ([5, 5, 5, 5], [1, 1, 1, 1], 1),  # rates are relative to each engine's own row
    ],
)
def test_fifo_depth_is_how_far_skip_must_be_ahead(main: list[int], skip: list[int], depth: int) -> None:
    assert fifo_depth(engine(main), engine(skip)) == depth


@pytest.mark.parametrize("seed", range(10))
def test_fifo_depth_is_the_least_with_which_no_channel_is_waited_for(seed: int) -> None:
    """Oracle: every lead is tried in turn, and the rows are played against each other channel by channel."""
    rng = np.random.default_rng(seed)
    main, skip = (engine(rng.integers(1, 30, 12).tolist()) for _ in range(2))
    main_times, skip_times = (finish_times(spec) / finish_times(spec)[-1] for spec in (main, skip))

    def waits(lead: int) -> bool:
        finished = [lead + sum(time <= now for time in skip_times) for now in main_times]
        return any(done < channel + 1 for channel, done in enumerate(finished))

    assert fifo_depth(main, skip) == next(lead for lead in range(13) if not waits(lead)) + 1


def test_max_skew_counts_channels_that_squeeze_has_taken_and_expand_has_not_finished() -> None:
    """Expand takes the whole interval of 400 cycles for its 4 channels, 100 each; squeeze takes 4 channels in 4 cycles.

    Squeeze is as late as it can be: it starts channel n in cycle n + 400 - 4 - latency, when expand has finished 3 of 4 channels. By
    then it has taken n + 1 channels, plus those that wait: at most 4 + CHANNELS_AHEAD - 3.
    """
    squeeze, expand = engine([1, 1, 1, 1]), engine([100, 100, 100, 100])
    assert 300 <= 400 - 4 - PIPELINE_LATENCY < 400
    assert max_skew(squeeze, expand) == 4 + CHANNELS_AHEAD - 3
