# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Names of stages become names of modules; whatever else has a name beside them is reserved (`sw/network/stage_names.py`)."""

import re

import numpy as np
import pytest
from amaranth.back.rtlil import convert

from firebrick.hw.accelerator import Pipeline
from firebrick.hw.module_names import module_name
from firebrick.sim.small_models import randomly_initialised
from firebrick.sw.compiler.lowering import compile_model
from firebrick.sw.network.graph import Bypass, Conv, Fire, GlobalAverage, MaxPool, Network, Shape, Stage
from firebrick.sw.network.stage_names import ADAPTERS, FIRE_PARTS, SIGNALS, STAGE_NAME
from firebrick.sw.plan.nodes import Plan, walk
from tests.helpers.random_models import family_network, random_model


def check_names(network: Network, plan: Plan) -> None:
    stages = {stage.name for stage in network.stages}
    parts = {f"{stage.name}_{part}" for stage in network.stages if isinstance(stage, Fire) for part in FIRE_PARTS}
    names = [module_name(node, index) for index, node in enumerate(walk(plan.nodes))]
    assert len(set(names)) == len(names)
    adapters = re.compile(rf"({'|'.join(ADAPTERS)})_[0-9]+")
    assert [name for name in names if name not in stages | parts and not adapters.fullmatch(name)] == []


@pytest.mark.parametrize("seed", range(30))
def test_module_names_are_those_of_stages_their_parts_and_adapters(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = family_network(rng)
    check_names(network, compile_model(random_model(rng, network), int(rng.integers(20, 80))))


def test_signals_beside_the_modules_are_reserved() -> None:
    fires = [Fire(f"fire_{bypass.value}", 4, 4, 4, bypass) for bypass in Bypass]
    stages: tuple[Stage, ...] = (Conv("conv1", 8, 3), MaxPool("pool1"), *fires, Conv("conv3", 3, 1), GlobalAverage("end"))
    network = Network("n", Shape(3, 16, 16), stages)
    plan = compile_model(randomly_initialised(network, np.random.default_rng(0)), 30)
    check_names(network, plan)
    design = str(convert(Pipeline(nodes=plan.nodes), name="top", emit_src=False))
    top = next(module for module in re.split(r"(?m)^module ", design) if module.startswith("\\top\n"))
    wires = set(re.findall(r"(?m)^ *wire .*\\(\S+)$", top))
    assert {"clk", "rst", "busy"} <= wires
    assert {wire for wire in wires if STAGE_NAME.fullmatch(wire)} <= set(SIGNALS)
