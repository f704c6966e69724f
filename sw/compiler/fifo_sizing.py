# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Depths of the FIFOs where two streams meet again behind a bypass, from when each engine starts and finishes the channels of a row.

squeeze  |c0|c1|c2 ...                    takes channels of row r
expand                 |o0|o1|o2 ...      sends channels of an earlier row
skip FIFO              ^ holds every channel that squeeze has taken and expand has not yet matched
"""

from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from ..plan.nodes import ConvSpec, EngineSpec, SqueezeSpec, entry_cycles

PIPELINE_LATENCY = 40
"""Cycles that a word takes through a Fire module in addition to those for its weights: all pipeline stages and small FIFOs, rounded up."""
CHANNELS_AHEAD = 2
"""Channels that should wait in front of a squeeze engine, so that it never waits for its source."""


def start_times(squeeze: EngineSpec) -> NDArray[np.int64]:
    """The cycle of a row in which a squeeze engine starts each input channel, if it never waits."""
    counts = np.max([partition.weights.entries_per_group for partition in squeeze.partitions], axis=0)
    return np.asarray(np.cumsum(counts) - counts) * squeeze.output.tiles


def finish_times(engine: EngineSpec) -> NDArray[np.int64]:
    """The cycle of a row in which an engine has finished each output channel, if it never waits."""
    partitions: tuple[ConvSpec | SqueezeSpec, ...] = engine.partitions
    totals = [accumulate(partition.weights.entries_per_group) for partition in partitions]
    entries = [next(totals[index]) for round_size in engine.schedule for index in range(round_size)]
    return np.maximum.accumulate(np.asarray(entries)) * entry_cycles(engine.output.tiles, engine.fast)


def row_cycles(engine: EngineSpec) -> float:
    """Cycles from row to row of an engine, if it never waits."""
    return engine.cycles / engine.partitions[0].output_height


def max_skew(squeeze: EngineSpec, expand: EngineSpec) -> int:
    """Largest number of channels that the squeeze engine has taken of a row beyond those that expand has finished two rows before.

    Both engines take as long as the slower one for a row. The squeeze engine is as late as possible without delaying the other.
    """
    interval = max(row_cycles(squeeze), row_cycles(expand))
    starts = start_times(squeeze)
    taken = np.arange(len(starts)) + 1 + CHANNELS_AHEAD
    latest_starts = starts + interval - row_cycles(squeeze) - PIPELINE_LATENCY
    finished_fraction = np.searchsorted(finish_times(expand), latest_starts, side="right") / len(expand.channel_order)
    return int(np.ceil(np.max(taken - finished_fraction * len(starts))))


def fifo_depth(main: EngineSpec, skip: EngineSpec) -> int:
    """Channels that the FIFO behind the skip engine must hold, so that neither engine waits because their rates vary within a row.

    Both spread a row over the same interval. When the main engine finishes channel n, the skip engine may have finished only m < n channels
    of that row. So it must be n - m channels ahead for the largest such difference, plus the channel that is being added.
    """
    interval = max(row_cycles(main), row_cycles(skip))
    main_times, skip_times = (times * interval / max(1, times[-1]) for times in (finish_times(main), finish_times(skip)))
    skip_finished = np.searchsorted(skip_times, main_times, side="right")
    return int(np.max(np.arange(len(skip_finished)) + 1 - skip_finished)) + 1
