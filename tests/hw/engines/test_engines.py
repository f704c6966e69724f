# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Every node of compiled random networks against the golden model: engines, width converters, pooling, the global sum.

The golden model computes layers with plain NumPy convolutions and knows nothing of tiles, lanes or streams (tests/sw/golden).
"""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from firebrick.sim.payloads import node_traffic
from firebrick.sw.compiler.engine_config import EngineConfig
from firebrick.sw.compiler.lowering import plan_with
from firebrick.sw.model.quantized import Model
from firebrick.sw.plan.nodes import ConvSpec, DownsizerSpec, EngineSpec, Plan
from tests.helpers.nodes import build_component, random_configs
from tests.helpers.parameters import slow_unless
from tests.helpers.random_models import random_frames, random_model
from tests.helpers.streams import simulate

MAX_CYCLES = 1200
"""Engines that need more cycles a frame are not simulated here: the random configurations are sometimes very slow."""
QUICK_SEEDS = (1, 2, 3, 5, 8, 11)
"""Together they have every kind of node, 1x1 and 3x3 kernels, padding, both strides, partitions, pairs, distributed rows and all stalls."""


def check(model: Model, plan: Plan, frames: NDArray[np.uint8], *, rng: np.random.Generator, stall: float) -> None:
    for case in node_traffic(model, plan, frames):
        if isinstance(case.node, EngineSpec) and case.node.cycles > MAX_CYCLES:
            continue
        taken, _ = simulate(build_component(case.node), {"input": case.inputs}, {"output": len(case.outputs)}, rng=rng, stall=stall)
        assert taken["output"] == case.outputs, case.node


def small_model(rng: np.random.Generator, **overrides: Any) -> Model:
    defaults = {
        "height": int(rng.integers(5, 10)),
        "width": int(rng.integers(5, 10)),
        "kernel": int(rng.choice([1, 3])),
        "channels": int(rng.integers(1, 4)),
        "filters": int(rng.integers(1, 6)),
        "classes": int(rng.integers(1, 6)),
        "fires": 1,
    }
    return random_model(rng, **(defaults | overrides))


@pytest.mark.parametrize("seed", slow_unless(QUICK_SEEDS, range(12)))
def test_nodes_compute_random_networks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = small_model(rng, kernel=(kernel := int(rng.choice([1, 3]))), padding=int(rng.integers(0, 1 + kernel // 2)))
    plan = plan_with(model, random_configs(rng, model))
    check(model, plan, random_frames(rng, model, 2), rng=rng, stall=float(rng.choice([0.0, 0.3, 0.5])))


@pytest.mark.parametrize("fill", [0, 255])
def test_nodes_take_extreme_images(fill: int) -> None:
    rng = np.random.default_rng(0)
    model = small_model(rng, height=4, width=5, kernel=3, padding=1, filters=3, classes=2)
    frames = np.full((2, model.network.input.channels, model.network.input.height, model.network.input.width), fill, np.uint8)
    check(model, plan_with(model, random_configs(rng, model)), frames, rng=rng, stall=0.2)


def test_nodes_take_weights_that_are_all_zero() -> None:
    rng = np.random.default_rng(0)
    model = small_model(rng, kernel=3, density=0.0)
    check(model, plan_with(model, random_configs(rng, model)), random_frames(rng, model, 2), rng=rng, stall=0.2)


def test_nodes_take_weights_that_are_never_zero() -> None:
    rng = np.random.default_rng(0)
    model = small_model(rng, height=5, width=6, kernel=3, density=1.0, bits=8)
    check(model, plan_with(model, random_configs(rng, model)), random_frames(rng, model, 2), rng=rng, stall=0.2)


def test_nodes_take_maps_of_one_pixel_and_one_channel() -> None:
    rng = np.random.default_rng(0)
    model = small_model(rng, height=3, width=3, kernel=3, stride=1, channels=1, filters=1, classes=1)
    plan = plan_with(model, random_configs(rng, model))
    assert plan.global_sum.height == plan.global_sum.source.width == plan.global_sum.channels == 1
    check(model, plan, random_frames(rng, model, 4), rng=rng, stall=0.3)


@pytest.mark.parametrize(("height", "width"), [(7, 12), (12, 7), (8, 9)])
@pytest.mark.parametrize("padding", [0, 3])
def test_conv_takes_a_7x7_kernel_with_stride_2(height: int, width: int, padding: int) -> None:
    rng = np.random.default_rng(height)
    model = small_model(rng, height=height, width=width, kernel=7, stride=2, padding=padding, channels=2, filters=2, fires=0, density=0.2)
    check(model, plan_with(model, random_configs(rng, model)), random_frames(rng, model, 3), rng=rng, stall=0.3)


@pytest.mark.parametrize("partitions", [2, 3, 8])
def test_engines_divide_filters_among_any_number_of_partitions(partitions: int) -> None:
    rng = np.random.default_rng(partitions)
    model = small_model(rng, height=3, width=6, channels=2, kernel=1, stride=1, filters=11, classes=9, pools=False, fires=0)
    configs = {"conv1": EngineConfig(2, partitions), "conv10": EngineConfig(3 if partitions == 3 else 1, partitions)}
    if partitions == 3:
        configs["conv1"] = EngineConfig(6, partitions)
    plan = plan_with(model, configs)
    assert [len(engine.partitions) for engine in plan.engines] == [partitions, partitions]
    check(model, plan, random_frames(rng, model, 2), rng=rng, stall=0.2)


def test_engines_take_tiles_in_the_order_of_downsized_beats() -> None:
    rng = np.random.default_rng(1)
    model = small_model(rng, height=4, width=8, kernel=1, stride=1, pools=False)
    configs = {"conv1": EngineConfig(4), "fire2/squeeze": EngineConfig(2), "fire2/expand": EngineConfig(8), "conv10": EngineConfig(4)}
    plan = plan_with(model, configs)
    squeeze, expand, _ = (engine.partitions[0] for engine in plan.engines[1:])
    assert any(isinstance(node, DownsizerSpec) for node in plan.nodes)
    assert squeeze.source.lanes == squeeze.output.lanes
    assert isinstance(expand, ConvSpec)
    assert expand.source.lanes < expand.buffer_lanes, "the line buffer scatters the beats"
    check(model, plan, random_frames(rng, model, 2), rng=rng, stall=0.3)


@pytest.mark.parametrize("width", [5, 7, 11])
def test_engines_take_widths_that_lanes_do_not_divide(width: int) -> None:
    rng = np.random.default_rng(width)
    model = small_model(rng, height=6, width=width, kernel=3, stride=1, pools=True)
    plan = plan_with(model, random_configs(rng, model))
    check(model, plan, random_frames(rng, model, 2), rng=rng, stall=0.2)
