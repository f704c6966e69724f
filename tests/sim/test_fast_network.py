# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A whole network with lanes at twice the clock, in Verilator with both clocks: scores, cycles and work as planned."""

from pathlib import Path

import numpy as np
import pytest

from firebrick.sim import verilator
from firebrick.sim.accelerator_sim import Simulator
from firebrick.sw import golden
from firebrick.sw.compiler.engine_config import EngineConfig
from firebrick.sw.compiler.lane_allocation import allocate
from firebrick.sw.compiler.lowering import plan_with
from tests.helpers.random_models import random_frames, random_model, random_network

FRAMES = 4


def test_network_with_fast_lanes_computes_the_golden_scores_in_the_planned_cycles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 3x3 convolution with an even number of tiles, an expand engine with an odd one and two partitions, and the last layer."""
    monkeypatch.setattr(verilator, "MAKE_VARIABLES", verilator.MAKE_VARIABLES.format(level="-O0"))
    monkeypatch.setenv("FIREBRICK_CACHE", str(tmp_path))
    rng = np.random.default_rng(3)
    network = random_network(rng, height=27, width=33, channels=3, kernel=3, stride=2, fires=1, pools=True, classes=5)
    model = random_model(rng, network, density=0.6)
    engines = {"conv1": EngineConfig(4, fast=True), "fire2/expand": EngineConfig(3, 2, fast=True), "conv10": EngineConfig(2, fast=True)}
    plan = plan_with(model, allocate(model, 12) | engines)
    assert [engine.name for engine in plan.engines if engine.fast] == list(engines)
    assert {engine.output.tiles % 2 for engine in plan.engines if engine.fast} == {0, 1}
    frames = random_frames(rng, model, FRAMES)
    with Simulator(model, lanes=plan) as simulator:
        results = simulator.run(frames)
        assert simulator.report["fast_lanes"] == sum(engine.lanes for engine in plan.engines if engine.fast)
    np.testing.assert_array_equal([result.scores for result in results], golden.run(model, frames))
    assert results[-1].cycles == pytest.approx(plan.cycles, rel=0.01)
    busy = iter(np.array([result.busy for result in results]).sum(axis=0).tolist())
    expected = [FRAMES * engine.busy_cycles for engine in plan.engines]
    assert [max(next(busy) for _ in engine.partitions) for engine in plan.engines] == expected
