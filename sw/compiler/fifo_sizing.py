# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""When an engine begins and ends each channel of a row, and so how far two streams that meet again run apart."""

from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from ..plan.nodes import ConvSpec, EngineSpec, SqueezeSpec

LATENCY = 40
"""Cycles that a word takes through a Fire module besides those for its weights, about."""
AHEAD = 2
"""Channels that should wait in front of a squeeze engine."""


def begins(engine: EngineSpec) -> NDArray[np.int64]:
    """The cycle of a row in which a squeeze engine begins each channel of its input, when nothing waits."""
    counts = np.max([part.weights.entries_per_group for part in engine.partitions], axis=0)
    return np.asarray(np.cumsum(counts) - counts) * engine.output.tiles


def ends(engine: EngineSpec) -> NDArray[np.int64]:
    """The cycle of a row in which an engine has made each channel of its output, when nothing waits."""
    parts: tuple[ConvSpec | SqueezeSpec, ...] = engine.partitions
    done = [accumulate(part.weights.entries_per_group) for part in parts]
    made = [next(done[part]) for turn in engine.schedule for part in range(turn)]
    return np.maximum.accumulate(np.asarray(made)) * engine.output.tiles


def row_cycles(engine: EngineSpec) -> float:
    """Cycles between two rows of an engine, when nothing waits."""
    return engine.cycles / engine.partitions[0].output_height


def apart(squeeze: EngineSpec, expand: EngineSpec) -> int:
    """Channels of a row that the squeeze engine has taken, at most, beyond those that the expand engine has made of the row two before.

    Both take the time of the slower; the squeeze engine is as late as it can be without keeping the other waiting.
    """
    period = max(row_cycles(squeeze), row_cycles(expand))
    first = begins(squeeze)
    taken = np.arange(len(first)) + 1 + AHEAD
    late = first + period - row_cycles(squeeze) - LATENCY
    share = np.searchsorted(ends(expand), late, side="right") / len(expand.channel_order)
    return int(np.ceil(np.max(taken - share * len(first))))


def lead(expand: EngineSpec, side: EngineSpec) -> int:
    """Channels that an engine must be ahead of the expand engine, at most, so that neither waits where one is fast and then the other."""
    period = max(row_cycles(expand), row_cycles(side))
    done = np.searchsorted(ends(side) * period / max(1, ends(side)[-1]), ends(expand) * period / max(1, ends(expand)[-1]), side="right")
    return int(np.max(np.arange(len(done)) + 1 - done)) + 1
