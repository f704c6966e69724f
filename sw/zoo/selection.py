# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The largest of several models for which a board has room."""

from collections.abc import Callable, Sequence

from ..compiler.planner import best_plan, usable_resources
from ..fpga.cost_model import estimate
from ..fpga.fabric import Fabric
from ..fpga.resources import Resources, deficit, total
from ..model.quantized import Model

IMAGENET = ("squeezenet1_1", "squeezenet1_1_small", "squeezenet1_0_small")
"""Models that ship, of the same classes, the larger first."""
LARGEST_FIRST = (*IMAGENET, "digits")
"""Every model that ships."""


def largest_that_fits(
    names: Sequence[str], load: Callable[[str], Model], available: Resources, fabric: Fabric
) -> tuple[str, Model, dict[str, str]]:
    """The first of some models for which the resources suffice, or else the last: its name, itself, and what those before it lack."""
    *first, last = names
    passed: dict[str, str] = {}
    for name in first:
        model = load(name)
        short = deficit(usable_resources(available, fabric), total(estimate(best_plan(model, available, fabric), fabric)))
        if not short:
            return name, model, passed
        passed[name] = short
    return last, load(last), passed
