# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Skip connections: FIFO, broadcast and adder by themselves, and around Fire modules against the golden model."""

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
from tests.helpers.parameters import slow_unless
from tests.helpers.random_models import random_frames, random_model
from tests.helpers.streams import simulate

FRAMES = 3


def skip_fifo_spec(depth: int, lanes: int = 2, min_depth: int = 0) -> SkipFifoSpec:
    return SkipFifoSpec("fire3/skip_fifo", LaneLayout.natural(lanes=lanes, tiles=1, width=lanes), depth, min_depth)


def bypass_case(rng: np.random.Generator, fire: Fire, channels: int, height: int, width: int) -> NodeTraffic:
    """A bypass of a compiled network with its payloads."""
    stages = (Conv("conv1", channels, 1), fire, GlobalAverage("average"))
    model = random_model(rng, Network("bypass", Shape(3, height, width), stages))
    plan = plan_with(model, random_configs(rng, model))
    return next(case for case in node_traffic(model, plan, random_frames(rng, model, FRAMES)) if isinstance(case.node, BypassSpec))


def run(case: NodeTraffic, *, rng: np.random.Generator, stall: float) -> list[int]:
    taken, cycles = simulate(build_component(case.node), {"input": case.inputs}, {"output": len(case.outputs)}, rng=rng, stall=stall)
    assert taken["output"] == case.outputs
    return cycles["output"]


def with_skip_fifo_depth(case: NodeTraffic, depth: int) -> NodeTraffic:
    """The case with another depth of the skip FIFO, whether it suffices or not."""
    assert isinstance(case.node, BypassSpec)
    skip_branch = tuple(
        replace(node, depth=depth, min_depth=0) if isinstance(node, SkipFifoSpec) else node for node in case.node.skip_branch
    )
    return replace(case, node=replace(case.node, skip_branch=skip_branch))


def transfers(case: NodeTraffic, cycles: int) -> list[tuple[int, int]]:
    """The numbers of beats that have gone in and come out after each of the first cycles."""
    component_: Any = build_component(case.node)
    source, sink = component_.input, component_.output
    counts = [(0, 0)]

    async def bench(ctx: Any) -> None:
        ctx.set(sink.ready, 1)
        for _ in range(cycles):
            sent, received = counts[-1]
            ctx.set(source.valid, int(sent < len(case.inputs)))
            ctx.set(Value.cast(source.payload), case.inputs[min(sent, len(case.inputs) - 1)])
            _, _, offered, taken, valid = await ctx.tick().sample(source.valid, source.ready, sink.valid)
            counts.append((sent + (offered and taken), received + valid))

    simulator = Simulator(component_)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return counts


@pytest.mark.parametrize("stall", [0.0, 0.5])
@pytest.mark.parametrize(("depth", "lanes"), [(2, 1), (5, 3), (64, 16), (65, 16), (600, 2)])
def test_skip_fifo_keeps_the_order(depth: int, lanes: int, stall: float) -> None:
    rng = np.random.default_rng(depth)
    sent = [int.from_bytes(rng.bytes(lanes), "little") for _ in range(150)]
    taken, cycles = simulate(SkipFifo(spec=skip_fifo_spec(depth, lanes)), {"input": sent}, {"output": 150}, rng=rng, stall=stall)
    assert taken["output"] == sent
    if not stall:
        assert cycles["output"] == list(range(cycles["output"][0], cycles["output"][0] + 150)), "one beat a cycle"


def test_skip_fifos_hold_all_beats_and_waste_no_block_ram() -> None:
    for depth in (2, 3, 100, 513, 514, 1025, 1100, 2049, 3583, 5000):
        for lanes in (1, 4, 14, 56):
            depths = skip_fifo_depths(depth, lanes)
            assert sum(depths) == depth or (sum(depths) == depth + 1 and depths[-1] == 2)
            large = [fifo for fifo in depths if 8 * fifo * lanes > MAX_DISTRIBUTED_FIFO_BITS]
            assert all(fifo <= WIDEST_BLOCK_RAM_DEPTH + 1 or (fifo - 1).bit_count() == 1 for fifo in large)


def test_skip_fifo_rejects_less_than_its_minimum_depth() -> None:
    with pytest.raises(ValueError, match="depth of fire3/skip_fifo must be at least 12, or the pipeline deadlocks, not 11"):
        SkipFifo(spec=skip_fifo_spec(11, min_depth=12))
    SkipFifo(spec=skip_fifo_spec(12, min_depth=12))


@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_skip_connection_broadcasts_and_adds_with_saturation(stall: float) -> None:
    rng = np.random.default_rng(1)
    layout = LaneLayout.natural(lanes=3, tiles=1, width=3)
    maps = rng.integers(0, 256, (3, 2, 4, 5, 3), dtype=np.uint8)
    maps[1:, :, 0] = 255
    maps[1:, :, 1] = 0
    beats = [stream_beats_of(frames, layout) for frames in (*maps, golden.add(maps[1], maps[2]))]
    bypass = SkipConnection(spec=BypassSpec("fire3", (), (), layout, layout))
    inputs = {"input": beats[0], "from_main": beats[1], "from_skip": beats[2]}
    expected = {"to_main": beats[0], "to_skip": beats[0], "output": beats[3]}
    taken, cycles = simulate(bypass, inputs, {name: len(sent) for name, sent in expected.items()}, rng=rng, stall=stall)
    assert taken == expected
    if not stall:
        latencies = {"to_main": 0, "to_skip": 0, "output": SkipConnection.ADDER_LATENCY}
        for name, times in cycles.items():
            assert times == list(range(1 + latencies[name], 1 + latencies[name] + len(times))), "one beat a cycle"


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
def test_bypass_needs_the_minimum_depth_and_deadlocks_with_one_less(fire: Fire, height: int) -> None:
    rng = np.random.default_rng(height)
    case = bypass_case(rng, fire, 6, height, 4)
    assert isinstance(case.node, BypassSpec)
    fifo = next(node for node in walk((case.node,)) if isinstance(node, SkipFifoSpec))
    rows = 2 if fire.expand3x3 and height > 1 else 1
    assert fifo.min_depth == rows * 6 * fifo.source.tiles - 1
    first, *_ = run(with_skip_fifo_depth(case, fifo.min_depth), rng=rng, stall=0.2)
    assert first < 500
    counts = transfers(with_skip_fifo_depth(case, fifo.min_depth - 1), 1000)
    assert counts[500][1] == 0
    assert counts[500] == counts[1000], "nothing moves any more"
    with pytest.raises(ValueError, match=f"depth of fire/skip_fifo must be at least {fifo.min_depth}"):
        SkipFifo(spec=replace(fifo, depth=fifo.min_depth - 1))


@pytest.mark.parametrize("seed", slow_unless([1], range(2)))
@pytest.mark.parametrize("bypass", [Bypass.SIMPLE, Bypass.COMPLEX])
def test_bypass_does_not_slow_down_the_fire_module(bypass: Bypass, seed: int) -> None:
    rng = np.random.default_rng(seed)
    stages = (Conv("conv1", 8, 1), Fire("fire", 3, 4, 4, bypass), GlobalAverage("average"))
    model = random_model(rng, Network("pace", Shape(2, 5, 8), stages), density=0.3)
    plan = plan_with(model, random_configs(rng, model))
    case = next(case for case in node_traffic(model, plan, random_frames(rng, model, 4)) if isinstance(case.node, BypassSpec))
    cycles = run(case, rng=rng, stall=0.0)
    beats = len(case.outputs) // 4
    slowest = max(node.cycles for node in walk((case.node,)) if isinstance(node, EngineSpec))
    assert max(np.diff(cycles[beats - 1 :: beats])) <= 1.01 * slowest + 2
