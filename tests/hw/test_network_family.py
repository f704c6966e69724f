# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Whole accelerators of random networks, with everything that the network family allows, against the golden model."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from firebrick.hw.accelerator import Accelerator
from firebrick.sim.payloads import image_bytes, score_payloads
from firebrick.sw import golden
from firebrick.sw.compiler.lowering import compile_model, plan_with
from firebrick.sw.compiler.workload import workloads
from firebrick.sw.errors import FirebrickError
from firebrick.sw.network.graph import POOLS, Bypass, Conv, Fire, GlobalAverage, LinearConv, MaxPool, Network, Shape, Stage
from firebrick.sw.plan.nodes import Plan
from tests.helpers.nodes import random_configs
from tests.helpers.parameters import slow_unless
from tests.helpers.random_models import family_network, random_frames, random_model
from tests.helpers.streams import simulate

FRAMES = 3


def check(network: Network, rng: np.random.Generator, **options: Any) -> NDArray[np.int64]:
    """Checks the scores of frames sent back to back and, without stalls, that a frame takes the predicted cycles or fewer, within 1 %.

    Returns the scores.
    """
    model = random_model(rng, network, **options)
    extra = int(rng.integers(0, 20))
    plan: Plan = plan_with(model, random_configs(rng, model)) if rng.random() < 0.5 else compile_model(model, len(workloads(model)) + extra)
    frames = random_frames(rng, model, FRAMES)
    scores = golden.run(model, frames)
    assert network.signed_scores or scores.min() >= 0
    expected = score_payloads(scores, plan.global_sum.score_bits)
    stall = float(rng.choice([0.0, 0.3]))
    taken, cycles = simulate(
        Accelerator(plan=plan), {"input": image_bytes(frames)}, {"output": len(expected)}, rng=rng, stall=stall, all_inputs=True
    )
    assert taken["output"] == expected
    if not stall:
        interval = cycles["output"][-1] - cycles["output"][-1 - network.classes]
        assert max(engine.busy_cycles for engine in plan.engines) <= interval <= 1.01 * plan.cycles + 2
    return scores


def network_with(*stages: Stage, channels: int = 4, height: int = 5, width: int = 4) -> Network:
    """A network with these stages after a first convolution."""
    return Network("around", Shape(2, height, width), (Conv("conv1", channels, 1), *stages, GlobalAverage("average")))


@pytest.mark.parametrize("seed", range(12))
def test_accelerator_computes_any_network_of_the_family(seed: int) -> None:
    rng = np.random.default_rng(seed)
    check(family_network(rng, size=4, stages=4, filters=3), rng)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 160))
def test_accelerator_computes_any_larger_network_of_the_family(seed: int) -> None:
    rng = np.random.default_rng(seed)
    check(family_network(rng, size=8, stages=6, filters=5), rng, density=0.4)


@pytest.mark.parametrize(
    ("squeeze", "ones", "threes", "bypass"),
    [
        *((*filters, bypass) for filters in ((1, 1, 0), (1, 0, 1), (1, 1, 1)) for bypass in Bypass),
        *slow_unless(
            [(3, 0, 4, Bypass.SIMPLE), (2, 5, 0, Bypass.COMPLEX), (1, 1, 4, Bypass.NONE), (5, 3, 1, Bypass.SIMPLE)],
            [(*filters, bypass) for filters in ((3, 0, 4), (2, 5, 0), (1, 1, 4), (5, 3, 1)) for bypass in Bypass],
        ),
    ],
)
def test_accelerator_takes_fire_modules_with_no_or_one_filter_of_a_type(squeeze: int, ones: int, threes: int, bypass: Bypass) -> None:
    check(network_with(Fire("fire", squeeze, ones, threes, bypass), channels=ones + threes, height=3, width=2), np.random.default_rng(1))


@pytest.mark.parametrize(
    ("height", "width", "bypass"),
    [
        *((1, 1, bypass) for bypass in Bypass),
        *slow_unless(
            [(1, 5, Bypass.SIMPLE), (5, 1, Bypass.COMPLEX), (2, 7, Bypass.NONE), (7, 2, Bypass.SIMPLE)],
            [(*sides, bypass) for sides in ((1, 5), (5, 1), (2, 7), (7, 2)) for bypass in Bypass],
        ),
    ],
)
def test_accelerator_takes_maps_from_a_single_pixel_up(height: int, width: int, bypass: Bypass) -> None:
    check(network_with(Fire("fire", 2, 1, 2, bypass), channels=3, height=height, width=width), np.random.default_rng(height), density=0.6)


@pytest.mark.parametrize("bypass", list(Bypass))
def test_accelerator_pools_after_and_between_bypasses(bypass: Bypass) -> None:
    stages = (Fire("fire2", 1, 2, 1, bypass), MaxPool("pool2"), Fire("fire3", 2, 1, 2, bypass), Fire("fire4", 1, 1, 2, bypass))
    check(network_with(*stages, channels=3, height=4, width=5), np.random.default_rng(3), density=0.4)


def test_accelerator_pools_twice_and_at_the_end() -> None:
    check(network_with(MaxPool("pool1"), MaxPool("pool2"), Conv("conv2", 3, 1), height=7, width=6), np.random.default_rng(0))
    check(network_with(Fire("fire2", 2, 2, 2, Bypass.SIMPLE), MaxPool("pool2"), height=4, width=5), np.random.default_rng(1))


@pytest.mark.parametrize("settings", POOLS)
def test_accelerator_takes_every_pool(settings: tuple[int, int, bool]) -> None:
    """Odd and even lengths, one pool after the other."""
    pools = (MaxPool("pool2", *settings), MaxPool("pool2_2", *settings))
    check(network_with(*pools, Conv("conv3", 2, 1), channels=3, height=7, width=8), np.random.default_rng(2), density=0.4)


@pytest.mark.parametrize("classes", slow_unless([1, 2, 1000], [1, 2, 999, 1000]))
def test_accelerator_gives_one_to_a_thousand_scores(classes: int) -> None:
    check(network_with(Conv("conv10", classes, 1), channels=2, height=1, width=2), np.random.default_rng(classes), density=0.3)


@pytest.mark.parametrize(
    ("height", "width", "classes"),
    [
        *((1, 1, classes) for classes in (1, 2, 21)),
        *slow_unless([(3, 4, 21), (7, 5, 2)], [(*sides, classes) for sides in ((3, 4), (7, 5)) for classes in (1, 2, 21)]),
    ],
)
def test_accelerator_gives_negative_scores_without_a_last_relu(height: int, width: int, classes: int) -> None:
    stages = (Fire("fire2", 2, 2, 3), LinearConv("conv10", classes, 1))
    scores = check(network_with(*stages, height=height, width=width), np.random.default_rng([height, classes]), density=0.6)
    assert classes < 21 or 0.1 < (scores < 0).mean() < 0.9


@pytest.mark.parametrize("bypass", list(Bypass))
def test_accelerator_takes_weights_that_are_all_zero_beside_a_bypass(bypass: Bypass) -> None:
    check(network_with(Fire("fire", 2, 2, 2, bypass), height=3), np.random.default_rng(0), density=0.0)


@pytest.mark.parametrize("first", [Fire("fire1", 1, 1, 1), MaxPool("pool1")])
def test_accelerator_rejects_a_network_that_begins_without_a_convolution(first: Stage) -> None:
    network = Network("begins", Shape(3, 4, 4), (first, Conv("conv10", 2, 1), GlobalAverage("average")))
    model = random_model(np.random.default_rng(0), network)
    with pytest.raises(FirebrickError, match="network begins: the first stage must be a convolution to be built in hardware"):
        compile_model(model, 30)


def test_accelerator_rejects_a_network_without_any_convolution() -> None:
    network = Network("empty", Shape(3, 4, 4), (GlobalAverage("average"),))
    model = random_model(np.random.default_rng(0), network)
    with pytest.raises(FirebrickError, match="network empty: the first stage must be a convolution to be built in hardware"):
        compile_model(model, 30)
