# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The model that a board gets when the user names none."""

from dataclasses import dataclass

import numpy as np
import pytest

from firebrick.sim.small_models import randomly_initialised
from firebrick.sw.fpga.fabric import ECP5, Fabric
from firebrick.sw.fpga.resources import Resources
from firebrick.sw.model.quantized import Model
from firebrick.sw.network.graph import Conv, Fire, GlobalAverage, Network, Shape
from firebrick.sw.zoo import catalogue
from firebrick.sw.zoo.selection import LARGEST_FIRST, ON_REQUEST, largest_that_fits


@dataclass(frozen=True)
class Room:
    """Resources of an ECP5."""

    resources: Resources
    fabric: Fabric = ECP5

    def available_for(self, _model: Model) -> Resources:
        return self.resources


def model(name: str) -> Model:
    """A model whose first layer has as many filters as its name says."""
    conv = Conv("conv1", int(name), 3, padding=1)
    stages = (conv, Fire("fire2", 4, 8, 8), Conv("conv10", 3, 1), GlobalAverage("pool10"))
    return randomly_initialised(Network(f"of {name}", Shape(1, 8, 8), stages), np.random.default_rng(0))


@pytest.mark.parametrize(("luts", "chosen"), [(60_000, "2000"), (6_300, "200"), (4_000, "8")])
def test_largest_that_fits_is_the_first_without_a_deficit(luts: int, chosen: str) -> None:
    room = Room(Resources(luts, 100, 10))
    name, loaded, deficits = largest_that_fits(("2000", "200", "8"), model, lambda _model: room)
    assert (name, loaded.network.name) == (chosen, f"of {chosen}")
    assert list(deficits) == ["2000", "200", "8"][: len(deficits)]
    assert all(" LUTs of " in deficit for deficit in deficits.values())


def test_largest_that_fits_tries_every_model_that_ships_but_those_on_request() -> None:
    assert sorted((*LARGEST_FIRST, *ON_REQUEST)) == list(catalogue.names())
