# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The cases of the cocotb benches: pieces of generated hardware, their inputs, and the outputs that the golden model computes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from amaranth.lib import wiring
from numpy.typing import NDArray

from ..hw.accelerator import Accelerator, Pipeline
from ..sw.compiler.engine_config import EngineConfig
from ..sw.compiler.lowering import plan_with
from ..sw.data.calibration_set import photographs
from ..sw.data.images import read_images
from ..sw.model.quantized import Model
from ..sw.network.graph import Bypass, Conv, Fire, GlobalAverage, MaxPool, Network, Shape, Stage
from ..sw.plan.nodes import Adapter, BypassSpec, EngineSpec, Plan, walk
from .payloads import node_traffic
from .small_models import cropped_model, randomly_initialised

FRAMES = 3
"""Frames that a case streams back to back."""

SQUARE_INPUT = Shape(3, 32, 32)
CONV1 = Conv("conv1", 64, 3, stride=2)
GLOBAL_AVERAGE = GlobalAverage("pool10")


@dataclass(frozen=True)
class BenchCase:
    """A component with one input and one output stream, and the payloads of both."""

    name: str
    component: wiring.Component = field(repr=False)
    inputs: list[int] = field(repr=False)
    """Payloads to send, as integers."""
    outputs: list[int] = field(repr=False)
    """Expected payloads: all of them, and no more."""
    fast: bool = False
    """Some of the component's lanes run at twice the clock."""


@dataclass(frozen=True)
class BenchDesign:
    """Which nodes of which small network a case builds."""

    stages: tuple[Stage, ...]
    configs: Mapping[str, EngineConfig]
    first: str
    """Name of the first engine or stage, such as ``fire2/squeeze``; the adapters in front of it are included."""
    last: str
    shape: Shape = SQUARE_INPUT
    random: bool = False
    """Weights and frames are random, instead of the model's first weights and photographs."""

    def case(self, name: str, model: Model) -> BenchCase:
        """The component with its payloads for FRAMES frames."""
        network = Network(name, self.shape, self.stages)
        rng = np.random.default_rng(len(self.stages))
        small = randomly_initialised(network, rng) if self.random else cropped_model(model, network)
        if self.random:
            frames = rng.integers(0, 256, (FRAMES, 3, self.shape.height, self.shape.width), dtype=np.uint8)
        else:
            frames = _crops(model, self.shape)
        plan = plan_with(small, {"conv10": EngineConfig(1), **self.configs})
        return _case(name, small, plan, frames, self.first, self.last)


OTHER_POOLS = {
    "down": MaxPool("pool1", ceil=False),
    "padded": MaxPool("pool1", padding=1, ceil=False),
    "2x2": MaxPool("pool1", kernel=2, ceil=False),
    "2x2_up": MaxPool("pool1", kernel=2),
}
"""Pools that are not as in the paper."""

SMALL_NETWORK = (
    Conv("conv1", 16, 3, stride=2),
    MaxPool("pool1"),
    Fire("fire2", 8, 12, 20),
    Fire("fire3", 8, 16, 8),
    MaxPool("pool3"),
    Fire("fire4", 12, 16, 24),
    Conv("conv10", 10, 1),
    GLOBAL_AVERAGE,
)
SMALL_NETWORK_CONFIGS = {
    "conv1": EngineConfig(8, 2),
    "fire2/squeeze": EngineConfig(4),
    "fire2/expand": EngineConfig(4, 2),
    "fire3/squeeze": EngineConfig(2, 2),
    "fire3/expand": EngineConfig(4),
    "fire4/squeeze": EngineConfig(2),
    "fire4/expand": EngineConfig(3, 3),
    "conv10": EngineConfig(2),
}


def bench_designs() -> dict[str, BenchDesign]:
    """The design of every bench by name: each kind of node, with the shapes that are hardest to get right."""
    fire2 = (CONV1, MaxPool("pool1"), Fire("fire2", 16, 64, 64))
    unequal = (Conv("conv1", 16, 3, stride=2), MaxPool("pool1"), Fire("fire2", 7, 5, 14), Conv("conv10", 1, 1), GLOBAL_AVERAGE)
    behind = {"conv1": EngineConfig(8, serialized=True), "fire2/squeeze": EngineConfig(4), "fire2/expand": EngineConfig(7)}
    tail = (Conv("conv10", 1, 1), GLOBAL_AVERAGE)
    classifier = BenchDesign(
        (CONV1, MaxPool("pool1"), MaxPool("pool3"), Fire("fire9", 4, 256, 256), Conv("conv10", 40, 1), GLOBAL_AVERAGE),
        {
            "conv1": EngineConfig(4),
            "fire9/squeeze": EngineConfig(3),
            "fire9/expand": EngineConfig(3),
            "conv10": EngineConfig(2, 8, paired=True),
        },
        "conv10",
        "pool10",
    )
    return {
        "conv1_3x3": BenchDesign((CONV1, *tail), {"conv1": EngineConfig(5, 4)}, "conv1", "conv1"),
        "conv1_7x7": BenchDesign(
            (Conv("conv1", 12, 7, stride=2), *tail),
            {"conv1": EngineConfig(4, 3, distributed=True)},
            *("conv1", "conv1"),
            shape=Shape(3, 25, 38),
            random=True,
        ),
        "squeeze": BenchDesign(
            (*fire2, Fire("fire3", 16, 4, 4), *tail),
            {**behind, "fire3/squeeze": EngineConfig(4, 2), "fire3/expand": EngineConfig(4)},
            "fire3/squeeze",
            "fire3/squeeze",
        ),
        "fire2": BenchDesign((*fire2, *tail), {**behind, "fire2/expand": EngineConfig(4, 8, paired=True)}, "fire2/squeeze", "fire2/expand"),
        "fire_unequal": BenchDesign(
            unequal,
            {"conv1": EngineConfig(8), "fire2/squeeze": EngineConfig(7, 3), "fire2/expand": EngineConfig(4, 2)},
            "fire2/squeeze",
            "fire2/expand",
        ),
        "fire_one_part": BenchDesign(unequal, {**behind, "fire2/squeeze": EngineConfig(2)}, "fire2/squeeze", "fire2/expand", random=True),
        "fire_simple": BenchDesign(
            (*unequal[:2], Fire("fire2", 5, 7, 9, Bypass.SIMPLE), *tail),
            {"conv1": EngineConfig(4), "fire2/squeeze": EngineConfig(2), "fire2/expand": EngineConfig(4, 3)},
            "fire2",
            "fire2",
            random=True,
        ),
        "fire_complex": BenchDesign(
            (*unequal[:2], Fire("fire2", 5, 9, 13, Bypass.COMPLEX), *tail),
            {
                "conv1": EngineConfig(4),
                "fire2/squeeze": EngineConfig(2),
                "fire2/expand": EngineConfig(2, 2),
                "fire2/bypass": EngineConfig(2, 3),
            },
            "fire2",
            "fire2",
            random=True,
        ),
        "fire8": BenchDesign(
            (CONV1, MaxPool("pool1"), MaxPool("pool3"), Fire("fire8", 64, 128, 128), *tail),
            {"conv1": EngineConfig(4), "fire8/squeeze": EngineConfig(3), "fire8/expand": EngineConfig(3, 8)},
            "fire8/squeeze",
            "fire8/expand",
        ),
        "pool_odd": BenchDesign((*unequal[:2], *tail), {"conv1": EngineConfig(4)}, "pool1", "pool1"),
        "pool_even": BenchDesign((*unequal[:2], *tail), {"conv1": EngineConfig(3)}, "pool1", "pool1", shape=Shape(3, 33, 37)),
        **{
            f"pool_{name}": BenchDesign((unequal[0], pool, *tail), {"conv1": EngineConfig(3)}, "pool1", "pool1", shape=Shape(3, 34, 37))
            for name, pool in OTHER_POOLS.items()
        },
        "conv10": classifier,
        "conv10_wide": replace(classifier, configs={**classifier.configs, "conv10": EngineConfig(2, 8, paired=True, fast=True)}),
        "network": BenchDesign(SMALL_NETWORK, SMALL_NETWORK_CONFIGS, "conv1", "pool10", random=True),
        "conv_fast": BenchDesign(
            (Conv("conv1", 3, 3, stride=2), *tail),
            {"conv1": EngineConfig(2, fast=True)},
            *("conv1", "conv1"),
            shape=Shape(3, 9, 31),
            random=True,
        ),
        "fire_fast": BenchDesign(
            unequal,
            {"conv1": EngineConfig(8), "fire2/squeeze": EngineConfig(7, 3), "fire2/expand": EngineConfig(2, 2, fast=True)},
            "fire2/squeeze",
            "fire2/expand",
        ),
    }


def bench_cases(model: Model) -> dict[str, Callable[[], BenchCase]]:
    """Every case by name, built when called. ``model`` is a SqueezeNet v1.1; the designs use its weights and photographs."""
    return {name: lambda name=name, design=design: design.case(name, model) for name, design in bench_designs().items()}  # type: ignore[misc]


def _case(name: str, model: Model, plan: Plan, frames: NDArray[np.uint8], first: str, last: str) -> BenchCase:
    """The nodes of a plan from ``first`` to ``last``, with their payloads according to the golden model."""
    inside_bypass = {
        id(node) for bypass in plan.nodes if isinstance(bypass, BypassSpec) for node in walk((*bypass.main_branch, *bypass.skip_branch))
    }
    steps = [step for step in node_traffic(model, plan, frames) if id(step.node) not in inside_bypass]
    index = {step.node.name: number for number, step in enumerate(steps) if not isinstance(step.node, Adapter)}
    start, end = index[first], index[last]
    while start and isinstance(steps[start - 1].node, Adapter):
        start -= 1
    nodes = plan.nodes[start : end + 1]
    component = Accelerator(plan=plan) if nodes == plan.nodes else Pipeline(nodes=nodes)
    fast = any(isinstance(node, EngineSpec) and node.fast for node in walk(nodes))
    return BenchCase(name, component, steps[start].inputs, steps[end].outputs, fast)


def _crops(model: Model, shape: Shape) -> NDArray[np.uint8]:
    """The centres of photographs, after the model's preprocessing."""
    images = read_images(photographs()[:FRAMES], model.preprocessing, model.network.input)
    top, left = (model.network.input.height - shape.height) // 2, (model.network.input.width - shape.width) // 2
    return np.ascontiguousarray(images[:, :, top : top + shape.height, left : left + shape.width])
