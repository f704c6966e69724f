# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The allocation of a given number of multipliers to engines."""

from collections.abc import Mapping

import numpy as np
import pytest

from firebrick.sw.compiler.engine_config import EngineConfig
from firebrick.sw.compiler.lane_allocation import allocate
from firebrick.sw.compiler.lowering import plan_with
from firebrick.sw.compiler.workload import MAX_PARTITIONS, workloads
from firebrick.sw.errors import FirebrickError
from firebrick.sw.model.quantized import Model
from tests.helpers.random_models import random_model

EXTRA_LANES = (0, 1, 2, 4, 7, 12, 20, 39, 79, 159, 399)
"""Multipliers beyond one for each engine."""


def model_of(seed: int) -> Model:
    rng = np.random.default_rng(seed)
    return random_model(rng, fires=int(rng.integers(0, 4)))


def total_lanes(configs: Mapping[str, EngineConfig]) -> int:
    return sum(config.lanes * config.partitions for config in configs.values())


def max_cycles(model: Model, configs: Mapping[str, EngineConfig]) -> float:
    return max(workload.cycles(configs[workload.name]) for workload in workloads(model))


@pytest.mark.parametrize("seed", range(12))
def test_allocate_uses_at_most_the_given_lanes(seed: int) -> None:
    model = model_of(seed)
    for extra in EXTRA_LANES:
        lanes = len(workloads(model)) + extra
        assert total_lanes(allocate(model, lanes)) <= lanes


@pytest.mark.parametrize("seed", range(12))
def test_allocate_is_never_slower_with_more_lanes(seed: int) -> None:
    model = model_of(seed)
    cycles = [max_cycles(model, allocate(model, len(workloads(model)) + extra)) for extra in EXTRA_LANES]
    assert cycles == sorted(cycles, reverse=True)
    assert cycles[-1] < cycles[0]


@pytest.mark.parametrize("seed", range(12))
def test_allocate_gives_configurations_that_can_be_planned(seed: int) -> None:
    model = model_of(seed)
    for extra in (0, 3, 29, 199):
        configs = allocate(model, len(workloads(model)) + extra)
        plan = plan_with(model, configs)
        assert plan.lanes == total_lanes(configs)
        for engine, workload in zip(plan.engines, workloads(model), strict=True):
            config = configs[engine.name]
            assert engine.name == workload.name
            assert engine.output.lanes == config.lanes
            assert len(engine.partitions) == config.partitions <= min(MAX_PARTITIONS, workload.max_partitions)


def test_allocate_gives_each_engine_one_lane_when_there_are_no_more() -> None:
    model = model_of(3)
    assert set(allocate(model, len(workloads(model))).values()) == {EngineConfig(1, 1)}


def test_allocate_is_deterministic() -> None:
    assert allocate(model_of(5), 50) == allocate(model_of(5), 50)


@pytest.mark.parametrize("lanes", [-1, 0, 1, 3])
def test_allocate_rejects_fewer_lanes_than_engines(lanes: int) -> None:
    model = random_model(np.random.default_rng(0), fires=1)
    with pytest.raises(FirebrickError, match=f"lanes must be at least 4, one an engine of random, not {lanes}"):
        allocate(model, lanes)


def test_workloads_are_the_engines_in_order() -> None:
    model = random_model(np.random.default_rng(0), fires=2)
    expected = ["conv1", "fire2/squeeze", "fire2/expand", "fire3/squeeze", "fire3/expand", "conv10"]
    assert [workload.name for workload in workloads(model)] == expected
    assert {layer for workload in workloads(model) for layer in workload.layers} == set(model.layers)
