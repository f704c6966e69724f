# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Which layer gets how many lanes."""

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

LANES = (1, 2, 3, 5, 8, 13, 21, 40, 80, 160, 400)
"""More than the least, so many."""


def model_of(seed: int) -> Model:
    rng = np.random.default_rng(seed)
    return random_model(rng, fires=int(rng.integers(0, 4)))


def total(shares: Mapping[str, EngineConfig]) -> int:
    return sum(share.lanes * share.partitions for share in shares.values())


def slowest(model: Model, shares: Mapping[str, EngineConfig]) -> float:
    return max(demand.cycles(shares[demand.name]) for demand in workloads(model))


@pytest.mark.parametrize("seed", range(12))
def test_allocate_gives_no_more_than_the_lanes_there_are(seed: int) -> None:
    model = model_of(seed)
    for extra in LANES:
        lanes = len(workloads(model)) - 1 + extra
        assert total(allocate(model, lanes)) <= lanes


@pytest.mark.parametrize("seed", range(12))
def test_allocate_is_never_slower_with_more_lanes(seed: int) -> None:
    model = model_of(seed)
    found = [slowest(model, allocate(model, len(workloads(model)) - 1 + extra)) for extra in LANES]
    assert found == sorted(found, reverse=True)
    assert found[-1] < found[0]


@pytest.mark.parametrize("seed", range(12))
def test_allocate_gives_shares_that_can_be_planned(seed: int) -> None:
    model = model_of(seed)
    for extra in (1, 4, 30, 200):
        shares = allocate(model, len(workloads(model)) - 1 + extra)
        plan = plan_with(model, shares)
        assert plan.lanes == total(shares)
        for engine, demand in zip(plan.engines, workloads(model), strict=True):
            assert engine.name == demand.name
            assert engine.output.lanes == shares[engine.name].lanes
            assert len(engine.partitions) == shares[engine.name].partitions <= min(MAX_PARTITIONS, demand.max_partitions)


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


def test_demands_are_the_engines_in_order() -> None:
    model = random_model(np.random.default_rng(0), fires=2)
    expected = ["conv1", "fire2/squeeze", "fire2/expand", "fire3/squeeze", "fire3/expand", "conv10"]
    assert [demand.name for demand in workloads(model)] == expected
    assert {layer for demand in workloads(model) for layer in demand.layers} == set(model.layers)
