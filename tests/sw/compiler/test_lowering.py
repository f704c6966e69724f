# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The compiler: nothing of the model is lost or added on its way into the plan, and what does not fit is refused."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from firebrick.sw.compiler.engine_config import EngineConfig
from firebrick.sw.compiler.lowering import compile_model, plan_with
from firebrick.sw.compiler.workload import workloads
from firebrick.sw.errors import FirebrickError
from firebrick.sw.fpga.cost_model import estimate
from firebrick.sw.model.quantized import Model
from firebrick.sw.network.graph import Bypass, Conv, Fire, GlobalAverage, MaxPool, Network, Shape
from firebrick.sw.plan.lane_layout import LaneLayout
from firebrick.sw.plan.nodes import Adapter, BypassSpec, ConvSpec, EngineSpec, Node, Plan, SqueezeSpec, walk
from firebrick.sw.plan.report import plan_report
from tests.helpers.nodes import random_configs
from tests.helpers.random_models import random_model
from tests.helpers.weight_streams import dense


def drawn(seed: int) -> tuple[Model, Plan]:
    rng = np.random.default_rng(seed)
    bypass = rng.choice(list(Bypass))
    model = random_model(rng, fires=int(rng.integers(0, 3)), bypass=Bypass(bypass))
    return model, plan_with(model, random_configs(rng, model)) if seed % 2 else compile_model(model, 40)


def filters_of(engine: EngineSpec) -> list[list[int]]:
    """For each part, the channels it makes, in its own order."""
    channels = iter(engine.channel_order)
    parts: list[list[int]] = [[] for _ in engine.partitions]
    for turn in engine.schedule:
        for part in range(turn):
            parts[part].append(next(channels))
    assert next(channels, None) is None
    return parts


def read_back(plan: Plan) -> Iterator[tuple[EngineSpec, NDArray[np.int32]]]:
    """The weights of every engine out of its ROMs, by channel of output and input and tap, in the model's order."""
    for engine, source in engines_of(plan.nodes, tuple(range(plan.engines[0].partitions[0].channels))):
        taps = engine.partitions[0].weights.taps
        weights = np.zeros((len(engine.channel_order), len(source), taps), np.int32)
        parts: tuple[ConvSpec | SqueezeSpec, ...] = engine.partitions
        for part, channels in zip(parts, filters_of(engine), strict=True):
            array = dense(part.weights)
            by_filter = array.transpose(0, 2, 1) if isinstance(part, ConvSpec) else array.transpose(2, 0, 1)
            for number, channel in enumerate(channels):
                weights[channel, list(source)] = by_filter[number]
        yield engine, weights


def engines_of(nodes: Sequence[Node], source: tuple[int, ...]) -> Iterator[tuple[EngineSpec, tuple[int, ...]]]:
    """Engines, each with the order of the channels that it reads; the first reads the source's."""
    for node in nodes:
        if isinstance(node, EngineSpec):
            yield node, source
            source = node.channel_order
        elif isinstance(node, BypassSpec):
            path, side = list(engines_of(node.main_branch, source)), list(engines_of(node.skip_branch, source))
            yield from (*path, *side)
            assert path[-1][0].channel_order == (side[-1][0].channel_order if side else source), "both operands in one order"
            source = path[-1][0].channel_order


@pytest.mark.parametrize("seed", range(14))
def test_plan_holds_every_weight_of_the_model_once(seed: int) -> None:
    model, plan = drawn(seed)
    layers = []
    for engine, weights in read_back(plan):
        taps, start = weights.shape[2], 0
        for layer in engine.layers:
            expected = model.layers[layer].weights
            filters, channels, kernel, _ = expected.shape
            mine = weights[start : start + filters]
            if kernel**2 == taps:
                assert np.array_equal(mine, expected.reshape(filters, channels, taps))
            else:
                assert np.array_equal(mine[:, :, taps // 2], expected[:, :, 0, 0])
                assert not np.delete(mine, taps // 2, axis=2).any()
            start += filters
            layers.append(layer)
        assert start == len(weights)
    assert sorted(layers) == sorted(model.layers)


@pytest.mark.parametrize("seed", range(14))
def test_plan_starts_each_sum_from_its_own_bias(seed: int) -> None:
    model, plan = drawn(seed)
    for engine in plan.engines:
        starts = [int(value) for layer in engine.layers for value in model.layers[layer].accumulator_init]
        parts: tuple[ConvSpec | SqueezeSpec, ...] = engine.partitions
        for part, channels in zip(parts, filters_of(engine), strict=True):
            assert part.arithmetic.accumulator_init == tuple(starts[channel] for channel in channels)
            assert part.arithmetic.bits <= max(model.layers[layer].accumulator_bits for layer in engine.layers)
            assert {part.arithmetic.shift} == {model.layers[layer].shift for layer in engine.layers}


@pytest.mark.parametrize("seed", range(14))
def test_plan_permutes_channels_and_sends_scores_in_class_order(seed: int) -> None:
    model, plan = drawn(seed)
    for engine in plan.engines:
        assert sorted(engine.channel_order) == list(range(sum(len(model.layers[layer].bias) for layer in engine.layers)))
    assert plan.engines[-1].channel_order == tuple(range(model.network.classes))
    assert plan.global_sum.channels == model.network.classes


@pytest.mark.parametrize("seed", range(14))
def test_plan_connects_each_node_to_the_one_before(seed: int) -> None:
    _, plan = drawn(seed)
    assert plan.nodes[0].source.lanes == 1
    check_connected(plan.nodes, plan.nodes[0].source)


def check_connected(nodes: Sequence[Node], strips: LaneLayout) -> LaneLayout:
    """Each node's source must be the output of the one before; returns the last one's output."""
    for node in nodes:
        for source in {part.source for part in node.partitions} if isinstance(node, EngineSpec) else {node.source}:
            assert source == strips
        if isinstance(node, BypassSpec):
            assert check_connected(node.main_branch, strips) == check_connected(node.skip_branch, strips) == node.output
        strips = getattr(node, "output", strips)
    return strips


@pytest.mark.parametrize("seed", range(4))
def test_plan_is_deterministic(seed: int) -> None:
    assert drawn(seed)[1] == drawn(seed)[1]


@pytest.mark.parametrize("splits", [2, 3, 5])
def test_plan_shares_weights_out_evenly(splits: int) -> None:
    model = random_model(np.random.default_rng(splits), filters=30, channels=3, kernel=3, fires=0, density=0.5, classes=3)
    plan = plan_with(model, {"conv1": EngineConfig(1, splits), "conv10": EngineConfig(1)})
    counts = [part.weights.entries for part in plan.engines[0].partitions]
    assert max(counts) <= 1.15 * min(counts)


@pytest.mark.parametrize("seed", range(4))
def test_report_is_plain_data_that_adds_up(seed: int) -> None:
    model, plan = drawn(seed)
    report = json.loads(json.dumps(plan_report(plan)))
    engines = report["engines"]
    assert report["lanes"] == plan.lanes == sum(engine["lanes"] for engine in engines)
    assert all(engine["lanes"] == engine["lanes_each"] * engine["parts"] for engine in engines)
    assert report["cycles_per_frame"] == max(engine["cycles"] for engine in engines)
    assert report["rom_bits"] == sum(engine["rom_bits"] for engine in engines) > 0
    assert [engine["accumulator_bits"] for engine in engines] == [
        max(model.layers[layer].accumulator_bits for layer in engine["layers"]) for engine in engines
    ]
    assert report["macs"] == sum(layer.macs for layer in model.network.layers())
    assert {layer for engine in engines for layer in engine["layers"]} == set(model.layers)


def small() -> Model:
    """Two pools, columns 8, 4, 4, 2 and 2 behind conv1, pool1, fire2, pool2 and conv10."""
    return random_model(np.random.default_rng(0), height=8, width=8, kernel=1, stride=1, filters=4, fires=1, pools=True, classes=3)


def shares_of(model: Model, **changes: EngineConfig) -> dict[str, EngineConfig]:
    return {demand.name: changes.get(demand.name.replace("/", "_"), EngineConfig(1)) for demand in workloads(model)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"conv1": EngineConfig(9)}, "engine conv1: lanes must be 1 to 8, its output's columns, not 9"),
        ({"conv1": EngineConfig(0)}, "engine conv1: lanes must be 1 to 8, its output's columns, not 0"),
        ({"conv1": EngineConfig(-2)}, "engine conv1: lanes must be 1 to 8, its output's columns, not -2"),
        ({"conv1": EngineConfig(1, 0)}, "engine conv1: splits must be at least 1, not 0"),
        ({"conv1": EngineConfig(1, 5)}, "splits must be at most 4, the filters of a kind, not 5"),
        ({"fire2_squeeze": EngineConfig(5)}, "engine fire2/squeeze: lanes must be 1 to 4, its output's columns, not 5"),
        ({"conv10": EngineConfig(3)}, "engine conv10: lanes must be 1 to 2, its output's columns, not 3"),
    ],
)
def test_plan_rejects_shares_that_do_not_fit(changes: dict[str, EngineConfig], message: str) -> None:
    model = small()
    with pytest.raises(FirebrickError) as caught:
        plan_with(model, shares_of(model, **changes))
    assert str(caught.value) == message


def test_plan_rejects_a_missing_share() -> None:
    model = small()
    shares = shares_of(model)
    del shares["fire2/expand"]
    with pytest.raises(FirebrickError, match="engine fire2/expand: no share of the lanes is given; the engines with one are conv1, "):
        plan_with(model, shares)


@pytest.mark.parametrize(
    ("bypass", "changes", "lanes"),
    [(Bypass.SIMPLE, {"fire2_expand": EngineConfig(2)}, "1 and 2"), (Bypass.COMPLEX, {"fire2_bypass": EngineConfig(2)}, "2 and 1")],
)
def test_plan_rejects_operands_of_a_bypass_with_different_lanes(bypass: Bypass, changes: dict[str, EngineConfig], lanes: str) -> None:
    model = random_model(np.random.default_rng(0), height=4, width=4, kernel=1, stride=1, fires=1, pools=False, bypass=bypass)
    with pytest.raises(FirebrickError) as caught:
        plan_with(model, shares_of(model, **changes))
    assert str(caught.value) == f"stage fire2: both operands of a bypass must come in words of equally many lanes, not {lanes}"


@pytest.mark.parametrize("seed", range(4))
def test_plan_with_bypasses_is_found_for_any_number_of_lanes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for bypass in (Bypass.SIMPLE, Bypass.COMPLEX):
        model = random_model(rng, fires=2, bypass=bypass)
        least = len(workloads(model))
        plans = [compile_model(model, least + extra) for extra in (0, 3, 10, 40, 300)]
        assert all(plan.lanes <= least + extra for plan, extra in zip(plans, (0, 3, 10, 40, 300), strict=True))
        assert set(estimate(plans[-1])) == {node.name for node in walk(plans[-1].nodes) if not isinstance(node, Adapter)}


def test_plan_keeps_class_order_through_pooling_and_simple_bypasses_behind_the_last_convolution() -> None:
    stages = (Conv("conv1", 6, 1), Fire("fire2", 2, 3, 3, Bypass.SIMPLE), MaxPool("pool2"), GlobalAverage("average"))
    model = random_model(np.random.default_rng(0), Network("pooled", Shape(3, 4, 4), stages))
    plan = plan_with(model, {"conv1": EngineConfig(1, 2), "fire2/squeeze": EngineConfig(1, 2), "fire2/expand": EngineConfig(1, 3)})
    assert [engine.channel_order for engine in plan.engines if engine.name != "fire2/squeeze"] == [tuple(range(6))] * 2


def test_plan_rejects_a_network_that_starts_with_no_convolution() -> None:
    model = small()
    stages = model.network.stages[1:]
    network = Network("pooled", Shape(4, 8, 8), stages)
    layers = {name: layer for name, layer in model.layers.items() if name != "conv1"}
    with pytest.raises(FirebrickError, match="network pooled: the first stage must be a convolution to be built in hardware"):
        compile_model(replace(model, network=network, layers=layers), 100)


def test_plan_rejects_an_end_without_the_average() -> None:
    _, plan = drawn(0)
    with pytest.raises(ValueError, match="a plan must end with the global average"):
        _ = replace(plan, nodes=plan.nodes[:-1]).global_sum
