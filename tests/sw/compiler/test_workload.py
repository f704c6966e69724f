# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Estimates before compiling."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from firebrick.sw.compiler.configurations import configurations, plain_configurations
from firebrick.sw.compiler.engine_config import EngineConfig
from firebrick.sw.compiler.lowering import plan_with
from firebrick.sw.compiler.workload import EngineWorkload, FilterGroup, workloads
from firebrick.sw.model.quantized import Model
from firebrick.sw.network.graph import Conv, GlobalAverage, Network, Shape
from firebrick.sw.plan.nodes import DownsizerSpec
from tests.helpers.random_models import random_model

CHANNELS, HEIGHT, WIDTH = 8, 5, 12


def two_convolutions(density: float) -> tuple[Model, EngineWorkload]:
    """A 1x1 convolution with a second one behind it, and the workload of the second."""
    stages = (Conv("conv1", CHANNELS, 1), Conv("conv10", 2, 1), GlobalAverage("average"))
    model = random_model(np.random.default_rng(0), Network("two", Shape(3, HEIGHT, WIDTH), stages), density=density)
    return model, workloads(model)[-1]


def test_keeps_up_is_what_the_downsizer_of_the_compiled_plan_says() -> None:
    """The oracle is the compiled plan: its downsizer, if there is one, sends its output layout's words, one in a cycle."""
    answers = []
    for source_lanes, density in product((2, 3, 4, 6, 12), (0.1, 0.5, 1.0)):
        model, workload = two_convolutions(density)
        for config in plain_configurations(workload):
            plan = plan_with(model, {"conv1": EngineConfig(source_lanes), "conv10": config})
            words = [CHANNELS * HEIGHT * node.output.tiles for node in plan.nodes if isinstance(node, DownsizerSpec)]
            answers.append(all(count <= workload.cycles(config) for count in words))
            assert workload.keeps_up(config, (source_lanes, -(-WIDTH // source_lanes))) == answers[-1], config
    assert set(answers) == {True, False}


@pytest.mark.parametrize(
    ("entries", "paired", "expected"), [(16, False, True), (15, False, False), (32, True, True), (31, True, False), (16, True, False)]
)
def test_keeps_up_compares_words_with_cycles(entries: int, paired: bool, expected: bool) -> None:
    """Two partitions of 6 lanes behind words of 12 lanes, each of which comes as two.

    In a row, 2 * CHANNELS = 16 words come, in one cycle each, or in two with a shared line buffer. Two filters with these entries take
    entries / 2 * 2 tiles cycles.
    """
    _, workload = two_convolutions(1.0)
    workload = replace(workload, filters=(FilterGroup(2, entries),))
    assert workload.keeps_up(EngineConfig(6, partitions=2, paired=paired), (12, 1)) is expected


@pytest.mark.parametrize("seed", range(4))
def test_cycles_are_about_those_of_the_compiled_engines(seed: int) -> None:
    model = random_model(np.random.default_rng(seed), fires=2, pools=False)
    for lanes, partitions in product((1, 2), (1, 2)):
        configs = {
            workload.name: EngineConfig(min(lanes, workload.width), min(partitions, workload.max_partitions))
            for workload in workloads(model)
        }
        plan = plan_with(model, configs)
        for engine, workload in zip(plan.engines, workloads(model), strict=True):
            estimate = workload.cycles(configs[engine.name])
            assert engine.busy_cycles <= 1.5 * estimate + 100


def test_configurations_are_distinct_and_can_be_pooled() -> None:
    model = random_model(np.random.default_rng(1), fires=2, pools=True)
    for workload in workloads(model):
        every = configurations(workload)
        assert len(set(every)) == len(every) > 0
        assert all(workload.output_layout(config) for config in every)
        assert set(plain_configurations(workload)) <= set(every)
