# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""How long a frame takes where engines wait for one another: rows of channels against queues that are filled and emptied cycle by cycle."""

from itertools import cycle

import numpy as np
import pytest

from firebrick.sw.compiler.engine_config import EngineConfig
from firebrick.sw.compiler.lowering import plan_with
from firebrick.sw.compiler.throughput import row_intervals
from firebrick.sw.compiler.workload import SQUEEZE_SLOTS
from firebrick.sw.network.graph import Conv, Fire, GlobalAverage, Network, Shape
from firebrick.sw.plan.nodes import OUTPUT_FIFO_DEPTH, DownsizerSpec, EngineSpec, Plan
from tests.helpers.random_models import random_model

ROWS = 4
LANES = (1, 2, 3, 5, 7, 10, 14, 28)
STAGES = (Conv("conv1", 3, 1), Fire("fire2", 8, 24, 24), Fire("fire3", 12, 8, 8), Conv("conv10", 3, 1), GlobalAverage("average"))
NETWORK = Network("waits", Shape(1, 4, 28), STAGES)


class Part:
    """Makes a channel in so many cycles, in the last of them one word a cycle for its queue, and waits while that is full."""

    def __init__(self, work: list[int], tiles: int) -> None:
        self.work, self.tiles, self.left, self.queue = cycle(work), tiles, 0, 0

    def tick(self) -> None:
        self.left = self.left or next(self.work)
        if self.left > self.tiles or self.queue < OUTPUT_FIFO_DEPTH:
            self.queue += self.left <= self.tiles
            self.left -= 1


def brute(convolution: EngineSpec, sent: int, squeeze: EngineSpec, sent_on: int) -> int:
    """Cycles between two rows of both, word by word; ``sent``, ``sent_on``: cycles in which one of their words is taken."""
    tiles, sink = convolution.output.tiles, squeeze.partitions[0]
    parts = [Part([count * tiles for count in part.weights.entries_per_group], tiles) for part in convolution.partitions]
    turns = [part for turn in convolution.schedule for part in range(turn)] * ROWS
    work = [count * sink.output.tiles for count in sink.weights.entries_per_group]
    arrived = taken = place = busy = left = held = now = 0
    ends: list[int] = []
    while len(ends) < ROWS - 1:
        now += 1
        busy -= busy > 0
        if not busy and arrived < len(turns) and arrived - taken < sink.slots and parts[turns[arrived]].queue:
            parts[turns[arrived]].queue -= 1
            busy, place = sent, (place + 1) % tiles
            arrived += place == 0
        for part in parts:
            part.tick()
        # The words of a row leave with its last channel, through a queue.
        held -= held > 0 and now % sent_on == 0
        if not left and taken < arrived - (busy > 1):
            left = work[taken % len(work)]
        last = taken % len(work) == len(work) - 1
        if left and (not last or held < OUTPUT_FIFO_DEPTH):
            held += last
            left -= 1
            taken += left == 0
            if not left and last:
                ends.append(now)
    return ends[-1] - ends[-2]


def word_cycles(plan: Plan, number: int) -> int:
    """Cycles that the engine behind one takes for each of its words."""
    engine, behind = plan.engines[number : number + 2]
    between = plan.nodes[plan.nodes.index(engine) + 1 : plan.nodes.index(behind)]
    narrowed = [node.source.lanes // node.lanes for node in between if isinstance(node, DownsizerSpec)]
    return (narrowed or [1])[0] * (2 if behind.paired else 1)


def planned(rng: np.random.Generator, shares: dict[str, EngineConfig]) -> Plan:
    return plan_with(
        random_model(rng, NETWORK, density=0.5), {name: EngineConfig(28) for name in ("conv1", "fire2/squeeze", "conv10")} | shares
    )


def period(plan: Plan) -> int:
    return {engine.name: cycles for engine, cycles in row_intervals(plan.nodes)}["fire2/expand"]


def alone(plan: Plan) -> int:
    return max(engine.busy_cycles // engine.partitions[0].output_height for engine in plan.engines[2:4])


@pytest.mark.parametrize("seed", range(20))
def test_engines_wait_for_one_another_as_long_as_their_queues_say(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, two, three = (int(lanes) for lanes in rng.choice(LANES, 3))
    parts, paired = int(rng.integers(1, 6)), bool(rng.integers(2))
    plan = planned(
        rng,
        {
            "fire2/expand": EngineConfig(one, parts),
            "fire3/squeeze": EngineConfig(two),
            "fire3/expand": EngineConfig(three, 2, paired=paired),
        },
    )
    sent, sent_on = (word_cycles(plan, number) for number in (2, 3))
    assert period(plan) == pytest.approx(brute(plan.engines[2], sent, plan.engines[3], sent_on), rel=0.02)
    assert plan.cycles >= max(alone(plan), period(plan)) * NETWORK.input.height


def test_words_that_are_taken_pixel_by_pixel_hold_up_the_next_row() -> None:
    shares = {"fire2/expand": EngineConfig(28), "fire3/squeeze": EngineConfig(4)}
    plans = [planned(np.random.default_rng(0), shares | {"fire3/expand": EngineConfig(lanes)}) for lanes in (4, 5)]
    assert [word_cycles(plan, 3) for plan in plans] == [1, 4]
    words = 12 * 7
    assert period(plans[0]) == alone(plans[0])
    assert period(plans[1]) == alone(plans[1]) + 4 * (words - OUTPUT_FIFO_DEPTH) - words


def test_squeeze_engine_buffers_what_the_parts_before_it_make_at_once() -> None:
    for parts in (1, 3):
        plan = planned(
            np.random.default_rng(0),
            {"fire2/expand": EngineConfig(14, parts), "fire3/squeeze": EngineConfig(7), "fire3/expand": EngineConfig(7)},
        )
        assert plan.engines[3].partitions[0].slots == parts * SQUEEZE_SLOTS
