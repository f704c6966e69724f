# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Lowering: a plan holds exactly the model, and configurations that do not fit are rejected."""

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


def random_plan(seed: int) -> tuple[Model, Plan]:
    rng = np.random.default_rng(seed)
    bypass = rng.choice(list(Bypass))
    model = random_model(rng, fires=int(rng.integers(0, 3)), bypass=Bypass(bypass))
    return model, plan_with(model, random_configs(rng, model)) if seed % 2 else compile_model(model, 40)


def filters_of(engine: EngineSpec) -> list[list[int]]:
    """For each partition, the channels that it computes, in its own order."""
    channels = iter(engine.channel_order)
    partitions: list[list[int]] = [[] for _ in engine.partitions]
    for round_size in engine.schedule:
        for partition in range(round_size):
            partitions[partition].append(next(channels))
    assert next(channels, None) is None
    return partitions


def read_back(plan: Plan) -> Iterator[tuple[EngineSpec, NDArray[np.int32]]]:
    """The weights of every engine as decoded from its streams: [output channel, input channel, tap] in the model's order.

    The decoder of tests/helpers/weight_streams.py walks plain lists entry by entry, so it finds any weight that was lost or moved.
    """
    for engine, source in engines_of(plan.nodes, tuple(range(plan.engines[0].partitions[0].channels))):
        taps = engine.partitions[0].weights.taps
        weights = np.zeros((len(engine.channel_order), len(source), taps), np.int32)
        partitions: tuple[ConvSpec | SqueezeSpec, ...] = engine.partitions
        for partition, channels in zip(partitions, filters_of(engine), strict=True):
            decoded = dense(partition.weights)
            by_filter = decoded.transpose(0, 2, 1) if isinstance(partition, ConvSpec) else decoded.transpose(2, 0, 1)
            for index, channel in enumerate(channels):
                weights[channel, list(source)] = by_filter[index]
        yield engine, weights


def engines_of(nodes: Sequence[Node], source: tuple[int, ...]) -> Iterator[tuple[EngineSpec, tuple[int, ...]]]:
    """Each engine with the order of the channels that it reads; ``source`` is that of the first."""
    for node in nodes:
        if isinstance(node, EngineSpec):
            yield node, source
            source = node.channel_order
        elif isinstance(node, BypassSpec):
            main, skip = list(engines_of(node.main_branch, source)), list(engines_of(node.skip_branch, source))
            yield from (*main, *skip)
            assert main[-1][0].channel_order == (skip[-1][0].channel_order if skip else source), "both operands in one order"
            source = main[-1][0].channel_order


@pytest.mark.parametrize("seed", range(14))
def test_plan_holds_every_weight_of_the_model_once(seed: int) -> None:
    model, plan = random_plan(seed)
    layers = []
    for engine, weights in read_back(plan):
        taps, first = weights.shape[2], 0
        for layer in engine.layers:
            expected = model.layers[layer].weights
            filters, channels, kernel, _ = expected.shape
            actual = weights[first : first + filters]
            if kernel**2 == taps:
                assert np.array_equal(actual, expected.reshape(filters, channels, taps))
            else:
                assert np.array_equal(actual[:, :, taps // 2], expected[:, :, 0, 0])
                assert not np.delete(actual, taps // 2, axis=2).any()
            first += filters
            layers.append(layer)
        assert first == len(weights)
    assert sorted(layers) == sorted(model.layers)


@pytest.mark.parametrize("seed", range(14))
def test_plan_initialises_each_accumulator_with_its_own_bias(seed: int) -> None:
    model, plan = random_plan(seed)
    for engine in plan.engines:
        initial_values = [int(value) for layer in engine.layers for value in model.layers[layer].accumulator_init]
        partitions: tuple[ConvSpec | SqueezeSpec, ...] = engine.partitions
        for partition, channels in zip(partitions, filters_of(engine), strict=True):
            assert partition.arithmetic.accumulator_init == tuple(initial_values[channel] for channel in channels)
            assert partition.arithmetic.bits <= max(model.layers[layer].accumulator_bits for layer in engine.layers)
            assert {partition.arithmetic.shift} == {model.layers[layer].shift for layer in engine.layers}


@pytest.mark.parametrize("seed", range(14))
def test_plan_permutes_channels_and_sends_scores_in_class_order(seed: int) -> None:
    model, plan = random_plan(seed)
    for engine in plan.engines:
        assert sorted(engine.channel_order) == list(range(sum(len(model.layers[layer].bias) for layer in engine.layers)))
    assert plan.engines[-1].channel_order == tuple(range(model.network.classes))
    assert plan.global_sum.channels == model.network.classes


@pytest.mark.parametrize("seed", range(14))
def test_plan_connects_each_node_to_the_one_before(seed: int) -> None:
    _, plan = random_plan(seed)
    assert plan.nodes[0].source.lanes == 1
    check_connected(plan.nodes, plan.nodes[0].source)


def check_connected(nodes: Sequence[Node], layout: LaneLayout) -> LaneLayout:
    """Assert that each node's source is the output of the one before; return the last one's output."""
    for node in nodes:
        for source in {partition.source for partition in node.partitions} if isinstance(node, EngineSpec) else {node.source}:
            assert source == layout
        if isinstance(node, BypassSpec):
            assert check_connected(node.main_branch, layout) == check_connected(node.skip_branch, layout) == node.output
        layout = getattr(node, "output", layout)
    return layout


@pytest.mark.parametrize("seed", range(4))
def test_plan_is_deterministic(seed: int) -> None:
    assert random_plan(seed)[1] == random_plan(seed)[1]


@pytest.mark.parametrize("partitions", [2, 3, 5])
def test_plan_balances_weights_over_partitions(partitions: int) -> None:
    model = random_model(np.random.default_rng(partitions), filters=30, channels=3, kernel=3, fires=0, density=0.5, classes=3)
    plan = plan_with(model, {"conv1": EngineConfig(1, partitions), "conv10": EngineConfig(1)})
    entries = [partition.weights.entries for partition in plan.engines[0].partitions]
    assert max(entries) <= 1.15 * min(entries)


@pytest.mark.parametrize("seed", range(4))
def test_report_is_serialisable_and_adds_up(seed: int) -> None:
    model, plan = random_plan(seed)
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
    """Two poolings; conv1, pool1, fire2, pool2 and conv10 have 8, 4, 4, 2 and 2 output columns."""
    return random_model(np.random.default_rng(0), height=8, width=8, kernel=1, stride=1, filters=4, fires=1, pools=True, classes=3)


def configs_of(model: Model, **changes: EngineConfig) -> dict[str, EngineConfig]:
    return {workload.name: changes.get(workload.name.replace("/", "_"), EngineConfig(1)) for workload in workloads(model)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"conv1": EngineConfig(9)}, "engine conv1: lanes must be 1 to 8, its output's columns, not 9"),
        ({"conv1": EngineConfig(0)}, "engine conv1: lanes must be 1 to 8, its output's columns, not 0"),
        ({"conv1": EngineConfig(-2)}, "engine conv1: lanes must be 1 to 8, its output's columns, not -2"),
        ({"conv1": EngineConfig(1, 0)}, "engine conv1: partitions must be at least 1, not 0"),
        ({"conv1": EngineConfig(1, 5)}, "partitions must be at most 4, the filters of one type, not 5"),
        ({"fire2_squeeze": EngineConfig(5)}, "engine fire2/squeeze: lanes must be 1 to 4, its output's columns, not 5"),
        ({"conv10": EngineConfig(3)}, "engine conv10: lanes must be 1 to 2, its output's columns, not 3"),
    ],
)
def test_plan_rejects_configurations_that_do_not_fit(changes: dict[str, EngineConfig], message: str) -> None:
    model = small()
    with pytest.raises(FirebrickError) as caught:
        plan_with(model, configs_of(model, **changes))
    assert str(caught.value) == message


def test_plan_rejects_a_missing_configuration() -> None:
    model = small()
    configs = configs_of(model)
    del configs["fire2/expand"]
    with pytest.raises(FirebrickError, match="engine fire2/expand: no configuration is given; the engines with one are conv1, "):
        plan_with(model, configs)


@pytest.mark.parametrize(
    ("bypass", "changes", "lanes"),
    [(Bypass.SIMPLE, {"fire2_expand": EngineConfig(2)}, "1 and 2"), (Bypass.COMPLEX, {"fire2_bypass": EngineConfig(2)}, "2 and 1")],
)
def test_plan_rejects_operands_of_a_bypass_with_different_lanes(bypass: Bypass, changes: dict[str, EngineConfig], lanes: str) -> None:
    model = random_model(np.random.default_rng(0), height=4, width=4, kernel=1, stride=1, fires=1, pools=False, bypass=bypass)
    with pytest.raises(FirebrickError) as caught:
        plan_with(model, configs_of(model, **changes))
    assert str(caught.value) == f"stage fire2: both operands of a bypass must come in words of equally many lanes, not {lanes}"


@pytest.mark.parametrize("seed", range(4))
def test_plan_with_bypasses_is_found_for_any_number_of_lanes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for bypass in (Bypass.SIMPLE, Bypass.COMPLEX):
        model = random_model(rng, fires=2, bypass=bypass)
        engines = len(workloads(model))
        plans = [compile_model(model, engines + extra) for extra in (0, 3, 10, 40, 300)]
        assert all(plan.lanes <= engines + extra for plan, extra in zip(plans, (0, 3, 10, 40, 300), strict=True))
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
    _, plan = random_plan(0)
    with pytest.raises(ValueError, match="a plan must end with the global average"):
        _ = replace(plan, nodes=plan.nodes[:-1]).global_sum
