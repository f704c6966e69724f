# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Choice of the largest model that fits an FPGA."""

from collections.abc import Callable, Sequence
from typing import Protocol

from ..compiler.planner import best_plan, usable_resources
from ..fpga.cost_model import estimate
from ..fpga.fabric import Fabric
from ..fpga.resources import Resources, deficit, total
from ..model.quantized import Model

IMAGENET = ("squeezenet1_1", "squeezenet1_1_small", "squeezenet1_0_small")
"""The shipped models of ImageNet's classes, the largest first."""
LARGEST_FIRST = (*IMAGENET, "digits")
"""The shipped models that a board may get unasked, the largest first."""
ON_REQUEST = ("squeezenet1_1_medium",)
"""Those that it gets only by name: they fit where a smaller one takes far fewer cycles."""


class Room(Protocol):
    """An FPGA with what is beside a model on it."""

    @property
    def fabric(self) -> Fabric:
        """Of the FPGA."""
        ...

    def available_for(self, model: Model) -> Resources:
        """What there is for the model."""
        ...


def largest_that_fits(
    names: Sequence[str], load: Callable[[str], Model], room_for: Callable[[Model], Room]
) -> tuple[str, Model, dict[str, str]]:
    """The first of some models that fits the resources that there are for it, or the last if none does.

    Returns its name, the model, and for each model before it, by name, the resources that are missing.
    """
    *candidates, last = names
    deficits: dict[str, str] = {}
    for name in candidates:
        model = load(name)
        room = room_for(model)
        available, fabric = room.available_for(model), room.fabric
        missing = deficit(usable_resources(available, fabric), total(estimate(best_plan(model, available, fabric), fabric)))
        if not missing:
            return name, model, deficits
        deficits[name] = missing
    return last, load(last), deficits
