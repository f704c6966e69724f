# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""How long a frame takes where engines wait for one another, as predicted and in hardware."""

import numpy as np
import pytest
from generate import random_frames, random_model
from streams import simulate

from firebrick.hw.accelerator import Accelerator
from firebrick.sim.payloads import raster_bytes
from firebrick.sw.compiler import plan_with
from firebrick.sw.demand import Share
from firebrick.sw.network import Conv, Fire, GlobalAverage, Network, Shape
from firebrick.sw.period import row_periods
from firebrick.sw.spec import Plan

WIDTH, HEIGHT, FRAMES = 14, 4, 3
SHARES = {
    # Engines that suit each other: each waits for its own multiplications alone.
    "alike": {"fire2/expand": Share(2), "fire3/squeeze": Share(2), "fire3/expand": Share(2)},
    # A squeeze engine's words, all in its last channel, are taken pixel by pixel, or by parts that share a line buffer.
    "narrowed": {"fire2/expand": Share(2), "fire3/squeeze": Share(7), "fire3/expand": Share(5)},
    "paired": {"fire2/expand": Share(2), "fire3/squeeze": Share(7), "fire3/expand": Share(5, 2, paired=True)},
    # Parts make channels at once that are taken one by one, or pixel by pixel.
    "burst": {"fire2/expand": Share(2, 5), "fire3/squeeze": Share(14), "fire3/expand": Share(14)},
    "pixels": {"fire2/expand": Share(7, 2), "fire3/squeeze": Share(3), "fire3/expand": Share(14)},
    "squeezes": {"fire2/expand": Share(2, 3), "fire3/squeeze": Share(2, 3), "fire3/expand": Share(7)},
}


def measured(plan: Plan, rng: np.random.Generator, model: object) -> int:
    """Cycles from one frame's last score to the next one's."""
    frames = random_frames(rng, model, FRAMES)
    classes = len(plan.engines[-1].order)
    _, cycles = simulate(Accelerator(plan=plan), {"input": raster_bytes(frames)}, {"output": FRAMES * classes}, rng=rng, stall=0.0)
    return cycles["output"][-1] - cycles["output"][-1 - classes]


@pytest.mark.parametrize("kind", list(SHARES))
def test_frame_takes_the_cycles_predicted(kind: str) -> None:
    rng = np.random.default_rng(0)
    stages = (Conv("conv1", 3, 1), Fire("fire2", 6, 12, 12), Fire("fire3", 10, 6, 6), Conv("conv10", 3, 1), GlobalAverage("average"))
    model = random_model(rng, Network("waits", Shape(1, HEIGHT, WIDTH), stages), density=0.6)
    rest = {"conv1": Share(14), "fire2/squeeze": Share(14), "conv10": Share(14)}
    plan = plan_with(model, rest | SHARES[kind])
    took=measured(plan, rng, model)
    print(kind, took, plan.cycles, took/plan.cycles, max(e.cycles for e in plan.engines))
    for e,c in row_periods(plan.nodes): print('  ',e.name,e.cycles,c*e.parts[0].output_height)
