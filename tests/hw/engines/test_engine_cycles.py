# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Cycle counts: the simulation must agree with the prediction of the plan.

The simulation is the oracle: it runs the very hardware, cycle by cycle. The formulas of ``sw/plan/nodes.py`` are what is tested.
"""

import numpy as np
import pytest

from firebrick.sim.payloads import NodeTraffic, node_traffic
from firebrick.sw.compiler.engine_config import EngineConfig
from firebrick.sw.compiler.lowering import compile_model, plan_with
from firebrick.sw.model.quantized import Model
from firebrick.sw.plan.nodes import EngineSpec, Plan
from tests.helpers.nodes import build_component, random_configs
from tests.helpers.parameters import slow_unless
from tests.helpers.random_models import random_frames, random_model
from tests.helpers.streams import simulate

FRAMES = 4
QUICK_SEEDS = (2, 3, 4, 7)
"""Together they have 1x1 and 3x3 kernels, both strides, pools, one partition and several, pairs, distributed and serialised rows."""
MIN_EXACT_ENTRIES = 8
"""With fewer weight entries, a pass may be faster than predicted: the decoder's pause after it is hidden by the release of rows."""


def measure(case: NodeTraffic) -> tuple[list[int], list[int]]:
    """Cycles from the last beat of each frame to that of the next, and for each partition the cycles in which its lanes multiply."""
    busy: list[int] = []
    _, cycles = simulate(
        build_component(case.node),
        {"input": case.inputs},
        {"output": len(case.outputs)},
        rng=np.random.default_rng(0),
        probes={"busy": busy},
    )
    beats = len(case.outputs) // FRAMES
    intervals = np.diff(cycles["output"][beats - 1 :: beats]).tolist()
    assert isinstance(case.node, EngineSpec)
    return intervals, [sum(value >> index & 1 for value in busy) for index in range(len(case.node.partitions))]


def check(model: Model, plan: Plan, rng: np.random.Generator, limit: int) -> None:
    for case in node_traffic(model, plan, random_frames(rng, model, FRAMES)):
        if isinstance(case.node, EngineSpec) and case.node.cycles <= limit:
            intervals, busy = measure(case)
            assert busy == [FRAMES * partition.busy_cycles for partition in case.node.partitions]
            short = min(partition.weights.entries for partition in case.node.partitions) < MIN_EXACT_ENTRIES
            if len(case.node.partitions) == 1 and not short:
                assert intervals == [case.node.cycles] * (FRAMES - 1), case.node.name
            else:
                assert max(intervals) <= case.node.cycles * 1.01 + 2, case.node.name
                assert max(intervals) >= case.node.busy_cycles, case.node.name


@pytest.mark.parametrize("seed", slow_unless(QUICK_SEEDS, range(8)))
def test_engines_take_the_predicted_cycles(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = (int(size) for size in rng.integers(3, 8, 2))
    kernel, filters = int(rng.choice([1, 3])), int(rng.integers(1, 6))
    model = random_model(rng, height=height, width=width, kernel=kernel, filters=filters, fires=1, classes=4)
    check(model, plan_with(model, random_configs(rng, model)), rng, limit=600)


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"), [(7, 2, 0), (7, 2, 3), (3, 2, 0), (3, 2, 1), (3, 1, 0), (3, 1, 1), (1, 2, 0), (5, 3, 2)]
)
def test_conv_waits_for_rows_that_do_not_fit_beside_those_of_the_frame_before(kernel: int, stride: int, padding: int) -> None:
    rng = np.random.default_rng(0)
    model = random_model(
        rng, height=9, width=8, channels=2, filters=3, kernel=kernel, stride=stride, padding=padding, fires=0, classes=2, density=0.7
    )
    plan = plan_with(model, {"conv1": EngineConfig(1), "conv10": EngineConfig(1)})
    check(model, plan, rng, limit=2000)


def test_partitioned_engines_take_the_predicted_cycles() -> None:
    rng = np.random.default_rng(3)
    model = random_model(
        rng, height=4, width=8, channels=3, filters=11, kernel=3, stride=1, padding=1, fires=1, classes=7, pools=False, density=0.4
    )
    configs = {
        "conv1": EngineConfig(8, 3),
        "fire2/squeeze": EngineConfig(4, 2),
        "fire2/expand": EngineConfig(4, 3),
        "conv10": EngineConfig(4, 2),
    }
    check(model, plan_with(model, configs), rng, limit=4000)


def test_squeeze_engine_with_a_single_tile_takes_the_predicted_cycles() -> None:
    rng = np.random.default_rng(1)
    model = random_model(rng, height=6, width=4, filters=8, kernel=1, stride=1, fires=1, pools=False, density=0.6)
    plan = plan_with(
        model, {"conv1": EngineConfig(4), "fire2/squeeze": EngineConfig(4), "fire2/expand": EngineConfig(4), "conv10": EngineConfig(4)}
    )
    check(model, plan, rng, limit=2000)


def test_plan_predicts_the_slowest_engine() -> None:
    rng = np.random.default_rng(0)
    plan = compile_model(random_model(rng, fires=2), 24)
    assert plan.cycles == max(engine.cycles for engine in plan.engines)
    assert plan.cycles >= np.prod([plan.engines[0].partitions[0].height, plan.engines[0].partitions[0].source.width, 3]), "a byte a cycle"
    assert all(engine.busy_cycles <= engine.cycles for engine in plan.engines)
