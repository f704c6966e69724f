# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Bypass connections: delay, fork and adder alone, and round Fire modules against the golden model."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Value
from amaranth.sim import Simulator

from firebrick.hw.engines.bypass import SkipConnection, SkipFifo
from firebrick.sim.payloads import NodeTraffic, node_traffic
from firebrick.sw import golden
from firebrick.sw.compiler.lowering import plan_with
from firebrick.sw.network.graph import Bypass, Conv, Fire, GlobalAverage, Network, Shape
from firebrick.sw.plan.lane_layout import LaneLayout
from firebrick.sw.plan.memory_mapping import WIDEST_BLOCK_RAM_DEPTH, skip_fifo_depths
from firebrick.sw.plan.nodes import MAX_DISTRIBUTED_FIFO_BITS, BypassSpec, EngineSpec, SkipFifoSpec, walk
from tests.helpers.nodes import build_component, random_configs, stream_beats_of
from tests.helpers.random_models import random_frames, random_model
from tests.helpers.streams import simulate

FRAMES = 3


def delay_spec(depth: int, lanes: int = 2, least: int = 0) -> SkipFifoSpec:
    return SkipFifoSpec("fire3/delay", LaneLayout.natural(lanes=lanes, tiles=1, width=lanes), depth, least)


def bypass_case(rng: np.random.Generator, fire: Fire, channels: int, height: int, width: int) -> NodeTraffic:
    """A bypass of a compiled network, and what goes in and comes out."""
    stages = (Conv("conv1", channels, 1), fire, GlobalAverage("average"))
    model = random_model(rng, Network("bypass", Shape(3, height, width), stages))
    plan = plan_with(model, random_configs(rng, model))
    return next(case for case in node_traffic(model, plan, random_frames(rng, model, FRAMES)) if isinstance(case.node, BypassSpec))


def run(case: NodeTraffic, *, rng: np.random.Generator, stall: float) -> list[int]:
    taken, cycles = simulate(build_component(case.node), {"input": case.inputs}, {"output": len(case.outputs)}, rng=rng, stall=stall)
    assert taken["output"] == case.outputs
    return cycles["output"]


def with_delay(case: NodeTraffic, depth: int) -> NodeTraffic:
    """The case with a bypass whose delay holds so many words, whether that is enough or not."""
    assert isinstance(case.node, BypassSpec)
    side = tuple(replace(node, depth=depth, min_depth=0) if isinstance(node, SkipFifoSpec) else node for node in case.node.skip_branch)
    return replace(case, node=replace(case.node, skip_branch=side))


def moved(case: NodeTraffic, cycles: int) -> tuple[int, int]:
    """Words that have gone in and come out after so many cycles."""
    component_: Any = build_component(case.node)
    source, sink = component_.input, component_.output
    counts = [0, 0]

    async def bench(ctx: Any) -> None:
        ctx.set(sink.ready, 1)
        for _ in range(cycles):
            ctx.set(source.valid, int(counts[0] < len(case.inputs)))
            ctx.set(Value.cast(source.payload), case.inputs[min(counts[0], len(case.inputs) - 1)])
            _, _, offered, taken, valid = await ctx.tick().sample(source.valid, source.ready, sink.valid)
            counts[0] += offered and taken
            counts[1] += valid

    simulator = Simulator(component_)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return counts[0], counts[1]


@pytest.mark.parametrize("stall", [0.0, 0.5])
@pytest.mark.parametrize(("depth", "lanes"), [(2, 1), (5, 3), (64, 16), (65, 16), (600, 2)])
def test_delay_keeps_words_in_order(depth: int, lanes: int, stall: float) -> None:
    rng = np.random.default_rng(depth)
    sent = [int.from_bytes(rng.bytes(lanes), "little") for _ in range(150)]
    taken, cycles = simulate(SkipFifo(spec=delay_spec(depth, lanes)), {"input": sent}, {"output": 150}, rng=rng, stall=stall)
    assert taken["output"] == sent
    if not stall:
        assert cycles["output"] == list(range(cycles["output"][0], cycles["output"][0] + 150)), "one word a cycle"


def test_delay_queues_hold_all_words_and_waste_no_block() -> None:
    for words in (2, 3, 100, 513, 514, 1025, 1100, 2049, 3583, 5000):
        for lanes in (1, 4, 14, 56):
            queues = skip_fifo_depths(words, lanes)
            assert sum(queues) == words or (sum(queues) == words + 1 and queues[-1] == 2)
            large = [queue for queue in queues if 8 * queue * lanes > MAX_DISTRIBUTED_FIFO_BITS]
            assert all(queue <= WIDEST_BLOCK_RAM_DEPTH + 1 or (queue - 1).bit_count() == 1 for queue in large)


def test_delay_rejects_fewer_words_than_the_least() -> None:
    with pytest.raises(ValueError, match="depth of fire3/delay must be at least 12, or the pipeline comes to a halt, not 11"):
        SkipFifo(spec=delay_spec(11, least=12))
    SkipFifo(spec=delay_spec(12, least=12))


@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_bypass_forks_and_adds_with_saturation(stall: float) -> None:
    rng = np.random.default_rng(1)
    strips = LaneLayout.natural(lanes=3, tiles=1, width=3)
    maps = rng.integers(0, 256, (3, 2, 4, 5, 3), dtype=np.uint8)
    maps[1:, :, 0] = 255
    maps[1:, :, 1] = 0
    words = [stream_beats_of(one, strips) for one in (*maps, golden.add(maps[1], maps[2]))]
    bypass = SkipConnection(spec=BypassSpec("fire3", (), (), strips, strips))
    inputs = {"input": words[0], "from_path": words[1], "from_side": words[2]}
    expected = {"to_path": words[0], "to_side": words[0], "output": words[3]}
    taken, cycles = simulate(bypass, inputs, {name: len(sent) for name, sent in expected.items()}, rng=rng, stall=stall)
    assert taken == expected
    if not stall:
        assert all(times[-1] - times[0] == len(times) - 1 for times in cycles.values()), "one word a cycle"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("bypass", [Bypass.SIMPLE, Bypass.COMPLEX])
def test_bypass_computes_fire_modules(bypass: Bypass, seed: int) -> None:
    rng = np.random.default_rng(seed)
    channels, height, width = (int(size) for size in rng.integers(1, 7, 3))
    ones = int(rng.integers(0, channels + 1))
    run(bypass_case(rng, Fire("fire", int(rng.integers(1, 4)), ones, channels - ones, bypass), channels, height, width), rng=rng, stall=0.3)


def test_bypass_joins_different_channel_counts() -> None:
    rng = np.random.default_rng(5)
    run(bypass_case(rng, Fire("fire", 2, 3, 4, Bypass.COMPLEX), 3, 5, 6), rng=rng, stall=0.2)


@pytest.mark.parametrize(
    ("fire", "height"),
    [
        (Fire("fire", 2, 3, 3, Bypass.SIMPLE), 5),
        (Fire("fire", 1, 0, 6, Bypass.SIMPLE), 2),
        (Fire("fire", 2, 3, 3, Bypass.SIMPLE), 1),
        (Fire("fire", 2, 6, 0, Bypass.SIMPLE), 4),
    ],
)
def test_bypass_needs_the_least_depth_and_comes_to_a_halt_with_one_word_less(fire: Fire, height: int) -> None:
    rng = np.random.default_rng(height)
    case = bypass_case(rng, fire, 6, height, 4)
    assert isinstance(case.node, BypassSpec)
    delay = next(node for node in walk((case.node,)) if isinstance(node, SkipFifoSpec))
    rows = 2 if fire.expand3x3 and height > 1 else 1
    assert delay.min_depth == rows * 6 * delay.source.tiles - 1
    run(with_delay(case, delay.min_depth), rng=rng, stall=0.2)
    halt = moved(with_delay(case, delay.min_depth - 1), 1000)
    assert halt[1] == 0
    assert halt == moved(with_delay(case, delay.min_depth - 1), 2000), "nothing moves any more"
    with pytest.raises(ValueError, match=f"depth of fire/delay must be at least {delay.min_depth}"):
        SkipFifo(spec=replace(delay, depth=delay.min_depth - 1))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("bypass", [Bypass.SIMPLE, Bypass.COMPLEX])
def test_bypass_does_not_slow_the_fire_module_down(bypass: Bypass, seed: int) -> None:
    rng = np.random.default_rng(seed)
    stages = (Conv("conv1", 8, 1), Fire("fire", 3, 4, 4, bypass), GlobalAverage("average"))
    model = random_model(rng, Network("pace", Shape(2, 5, 8), stages), density=0.3)
    plan = plan_with(model, random_configs(rng, model))
    case = next(case for case in node_traffic(model, plan, random_frames(rng, model, 4)) if isinstance(case.node, BypassSpec))
    cycles = run(case, rng=rng, stall=0.0)
    words = len(case.outputs) // 4
    slowest = max(node.cycles for node in walk((case.node,)) if isinstance(node, EngineSpec))
    assert max(np.diff(cycles[words - 1 :: words])) <= 1.01 * slowest + 2
