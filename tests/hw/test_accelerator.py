# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Fire modules and whole accelerators, frames back to back, against the golden model."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from firebrick.hw.accelerator import Accelerator, Pipeline
from firebrick.sim.payloads import image_bytes, node_traffic, score_payloads
from firebrick.sw import golden
from firebrick.sw.compiler.lowering import compile_model, plan_with
from firebrick.sw.model.quantized import Model
from firebrick.sw.plan.nodes import EngineSpec, Plan
from tests.helpers.nodes import random_configs
from tests.helpers.parameters import slow_unless
from tests.helpers.random_models import random_frames, random_model
from tests.helpers.streams import simulate


def check(model: Model, plan: Plan, frames: NDArray[np.uint8], *, rng: np.random.Generator, stall: float) -> list[int]:
    """Checks the scores of frames sent back to back; returns the cycles of the scores."""
    expected = score_payloads(golden.run(model, frames), plan.global_sum.score_bits)
    inputs = {"input": image_bytes(frames)}
    taken, cycles = simulate(Accelerator(plan=plan), inputs, {"output": len(expected)}, rng=rng, stall=stall)
    assert taken["output"] == expected
    return cycles["output"]


def tiny_model(rng: np.random.Generator, **overrides: Any) -> Model:
    defaults = {
        "height": int(rng.integers(5, 9)),
        "width": int(rng.integers(5, 9)),
        "kernel": 3,
        "filters": int(rng.integers(1, 5)),
        "fires": 1,
        "classes": int(rng.integers(1, 5)),
        "density": 0.4,
    }
    return random_model(rng, **(defaults | overrides))


@pytest.mark.parametrize("seed", range(3))
def test_pipeline_computes_a_fire_module(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = tiny_model(rng, pools=False)
    plan = plan_with(model, random_configs(rng, model))
    names = [node.name if isinstance(node, EngineSpec) else "" for node in plan.nodes]
    first, last = names.index("fire2/squeeze"), names.index("fire2/expand")
    steps = list(node_traffic(model, plan, random_frames(rng, model, 2)))
    expected = steps[last].outputs
    fire = Pipeline(nodes=plan.nodes[first : last + 1])
    taken, _ = simulate(fire, {"input": steps[first].inputs}, {"output": len(expected)}, rng=rng, stall=0.3)
    assert taken["output"] == expected


@pytest.mark.parametrize("seed", slow_unless([2, 3, 4], range(5)))
def test_accelerator_computes_frames_back_to_back(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = tiny_model(rng, pools=bool(seed % 2))
    plan = plan_with(model, random_configs(rng, model)) if seed < 3 else compile_model(model, 12)
    check(model, plan, random_frames(rng, model, 3), rng=rng, stall=float(rng.choice([0.0, 0.2, 0.5])))


@pytest.mark.parametrize("fill", [0, 255])
def test_accelerator_takes_extreme_images(fill: int) -> None:
    rng = np.random.default_rng(2)
    model = tiny_model(rng, height=6, width=5)
    shape = model.network.input
    frames = np.full((2, shape.channels, shape.height, shape.width), fill, np.uint8)
    check(model, compile_model(model, 10), frames, rng=rng, stall=0.2)


def test_accelerator_takes_a_single_class() -> None:
    rng = np.random.default_rng(2)
    model = tiny_model(rng, height=5, width=5, classes=1)
    check(model, compile_model(model, 6), random_frames(rng, model, 4), rng=rng, stall=0.2)


def test_accelerator_takes_weights_that_are_all_zero() -> None:
    rng = np.random.default_rng(2)
    model = tiny_model(rng, height=5, width=6, density=0.0)
    check(model, compile_model(model, 8), random_frames(rng, model, 2), rng=rng, stall=0.0)


@pytest.mark.parametrize("seed", slow_unless([0], range(2)))
def test_accelerator_has_the_initiation_interval_of_its_slowest_engine(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = tiny_model(rng, height=7, width=6, pools=False)
    plan = compile_model(model, 10)
    cycles = check(model, plan, random_frames(rng, model, 4), rng=rng, stall=0.0)
    intervals = np.diff(cycles[model.network.classes - 1 :: model.network.classes])
    assert plan.cycles <= intervals[-1] <= 1.01 * plan.cycles


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 14))
def test_accelerator_computes_deeper_networks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = tiny_model(rng, height=int(rng.integers(12, 18)), width=int(rng.integers(12, 18)), stride=2, fires=2)
    check(model, plan_with(model, random_configs(rng, model)), random_frames(rng, model, 2), rng=rng, stall=0.2)
