# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The planner: fast or small plans within given resources."""

import os
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import milp

from firebrick.sw.compiler.planner import plan_for, smallest_plan
from firebrick.sw.errors import FirebrickError
from firebrick.sw.fpga.cost_model import estimate
from firebrick.sw.fpga.fabric import ECP5
from firebrick.sw.fpga.resources import Resources, deficit, total
from firebrick.sw.model.quantized import Model
from tests.helpers.random_models import random_model

LARGE = Resources(luts=80_000, block_rams=200, multipliers=150)


def model_of(seed: int) -> Model:
    return random_model(np.random.default_rng(seed), fires=2)


def test_solver_prints_nothing_to_stdout(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def printing_milp(*arguments: Any, **options: Any) -> Any:
        os.write(1, b"HighsMipSolverData::transformNewIntegerFeasibleSolution\n")
        return milp(*arguments, **options)

    monkeypatch.setattr("firebrick.sw.compiler.ilp.milp", printing_milp)
    plan_for(model_of(0), LARGE)
    os.write(1, b"a result\n")
    assert capfd.readouterr().out == "a result\n"


@pytest.mark.parametrize("seed", range(6))
def test_plan_for_fits_the_resources(seed: int) -> None:
    model = model_of(seed)
    plan = plan_for(model, LARGE)
    needed = total(estimate(plan))
    assert needed.luts <= ECP5.max_lut_fraction * LARGE.luts
    assert deficit(LARGE, needed) == ""
    assert needed.multipliers == plan.lanes
    assert set(estimate(plan)) == {node.name for node in plan.nodes if hasattr(node, "name")}


@pytest.mark.parametrize("kind", ["luts", "block_rams", "multipliers"])
def test_plan_for_is_no_faster_with_fewer_resources(kind: str) -> None:
    model = model_of(1)
    plan = plan_for(model, LARGE)
    used = asdict(total(estimate(plan)))
    tight = {
        "luts": int(0.9 * used["luts"] / ECP5.max_lut_fraction),
        "block_rams": used["block_rams"] - 1,
        "multipliers": used["multipliers"] - 1,
    }
    smaller = plan_for(model, replace(LARGE, **{kind: tight[kind]}))
    assert smaller.cycles >= plan.cycles
    assert asdict(total(estimate(smaller)))[kind] <= tight[kind]


@pytest.mark.parametrize(("kind", "name"), [("luts", "LUTs"), ("block_rams", "block RAMs"), ("multipliers", "multipliers")])
def test_plan_for_names_the_missing_resource(kind: str, name: str) -> None:
    with pytest.raises(FirebrickError, match=rf"does not fit: even a slow plan needs .*{name} of 0; take fewer layers"):
        plan_for(model_of(2), replace(LARGE, **{kind: 0}))


@pytest.mark.parametrize("slowdown", [1.0, 1.7, 6.0])
@pytest.mark.parametrize("seed", range(3))
def test_smallest_plan_is_fast_enough_and_no_larger_than_the_fastest(seed: int, slowdown: float) -> None:
    model = model_of(seed)
    fastest = plan_for(model, LARGE)
    plan = smallest_plan(model, LARGE, 50e6 / (fastest.cycles * slowdown), 50e6)
    assert plan.cycles <= fastest.cycles * slowdown
    assert deficit(LARGE, total(estimate(plan))) == ""
    if slowdown > 2:
        assert plan.lanes < fastest.lanes


def test_smallest_plan_error_names_what_the_fastest_reaches() -> None:
    model = model_of(0)
    cycles = plan_for(model, LARGE).cycles
    reached = f"at 60.0 MHz the fastest, of {cycles:,} cycles a frame, reaches {60e6 / cycles:.2f}"
    with pytest.raises(FirebrickError, match=f"no plan reaches 2e\\+07 frames a second: {reached}; ask for fewer"):
        smallest_plan(model, LARGE, 20e6, 60e6)


def test_plans_have_lut_multipliers_where_hard_ones_are_scarce() -> None:
    scarce = replace(LARGE, multipliers=20)
    plan, without = plan_for(model_of(0), scarce), plan_for(model_of(0), scarce, replace(ECP5, lut_multiplier_luts=0))
    lut_lanes = sum(engine.lanes for engine in plan.engines if any(partition.arithmetic.lut_multipliers for partition in engine.partitions))
    assert 1 <= lut_lanes <= 20 // ECP5.multipliers_per_lut_multiplier
    assert plan.lanes == total(estimate(plan)).multipliers + lut_lanes <= 22
    assert plan.cycles < without.cycles
    assert total(estimate(without)).multipliers == without.lanes <= 20


def test_plans_have_no_lut_roms_where_the_fabric_excludes_them() -> None:
    plan = plan_for(model_of(0), LARGE, replace(ECP5, lut_rom_bits=(0,)))
    assert {partition.weights.lut_rom_bits for engine in plan.engines for partition in engine.partitions} == {0}
