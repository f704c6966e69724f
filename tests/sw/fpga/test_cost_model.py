# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The cost model against synthesis, and its two sources of features against each other.

tests/hw/build/test_resource_predictions.py compares whole builds; here are recorded numbers of small nodes, so that it takes seconds.
"""

from dataclasses import fields, replace

import numpy as np
import pytest

from firebrick.sw.coding.streams import LUT_ROM_BITS
from firebrick.sw.compiler.engine_config import EngineConfig
from firebrick.sw.compiler.lane_allocation import allocate
from firebrick.sw.compiler.lowering import compile_model, plan_with
from firebrick.sw.compiler.workload import workloads
from firebrick.sw.compiler.workload_resources import workload_resources
from firebrick.sw.explore.synthetic_weights import synthetic_model
from firebrick.sw.fpga.cost_coefficients import FITTED
from firebrick.sw.fpga.cost_model import estimate
from firebrick.sw.fpga.fabric import ECP5, ICE40
from firebrick.sw.fpga.resources import Resources, total
from firebrick.sw.network.graph import Bypass
from firebrick.sw.network.metaparameters import Metaparameters
from firebrick.sw.plan.nodes import Plan
from firebrick.sw.zoo import catalogue
from tests.helpers.nodes import random_configs
from tests.helpers.random_models import random_model

SYNTHESISED = {
    "conv1": Resources(2594, 0, 6),
    "fire2/squeeze": Resources(848, 0, 2),
    "fire2/expand": Resources(5127, 0, 16),
    "conv3": Resources(3327, 0, 6),
    "pool3": Resources(93, 0, 0),
}
"""What Yosys makes of the nodes of `digits` with 30 lanes, from `python scripts/fit_cost_model.py --lanes 30`."""


def test_estimate_is_within_a_tenth_of_synthesis() -> None:
    nodes = estimate(compile_model(catalogue.load("digits"), 30))
    assert set(nodes) == set(SYNTHESISED)
    for name, actual in SYNTHESISED.items():
        assert nodes[name].luts == pytest.approx(actual.luts, rel=0.1), name
        assert (nodes[name].block_rams, nodes[name].multipliers) == (actual.block_rams, actual.multipliers), name


def random_plans() -> list[Plan]:
    """Plans with all kinds of nodes, memories and multipliers."""
    plans = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        model = random_model(rng, fires=2, bypass=list(Bypass)[seed % 3])
        plans.append(plan_with(model, random_configs(rng, model), [0, 8192][seed % 2]))
    wide = synthetic_model(Metaparameters(base_e=16, incr_e=16, bypass=Bypass.SIMPLE).network(5, 131, 131), bits=6, density=0.3)
    rng = np.random.default_rng(0)
    fast = random_model(rng, height=4, width=9, kernel=1, stride=1, channels=2, filters=4, fires=0, pools=False)
    fast_lanes = plan_with(fast, {"conv1": EngineConfig(5, 2, paired=True, fast=True), "conv10": EngineConfig(1)})
    return [*plans, compile_model(wide, 60), fast_lanes]


def test_every_coefficient_counts_and_says_where_it_is_from() -> None:
    plans = random_plans()
    present = [estimate(plan, fabric) for plan in plans for fabric in (ECP5, ICE40)]
    # The search before compiling uses this one, see workload_resources.
    unused = {"mean_interleaver"}
    for coefficient in fields(FITTED):
        assert coefficient.metadata["unit"]
        assert coefficient.metadata["origin"]
        changed = replace(FITTED, **{coefficient.name: 10 * getattr(FITTED, coefficient.name)})
        matters = [estimate(plan, fabric, changed) for plan in plans for fabric in (ECP5, ICE40)] != present
        assert matters != (coefficient.name in unused), coefficient.name


@pytest.mark.parametrize(("name", "lanes"), [("digits", 30), ("squeezenet1_1_small", 150)])
def test_estimate_before_compiling_is_near_that_of_the_plan(name: str, lanes: int) -> None:
    """The same function makes resources of both; the features before compiling are coarse (zero-run codes of full length, no adapters).

    They only guide the search, whose plans are compiled and estimated again, so a loose bound is enough.
    """
    model = catalogue.load(name)
    configs = allocate(model, lanes)
    early = {
        workload.name: workload_resources(workload, configs[workload.name], lut_rom_bits=LUT_ROM_BITS) for workload in workloads(model)
    }
    compiled = estimate(plan_with(model, configs))
    assert total(early).luts == pytest.approx(total(compiled).luts, rel=0.3)
    assert total(early).multipliers == total(compiled).multipliers
