# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A ULX3S with camera and screen that is simulated in seconds: a tiny network, a slow clock, and a sensor with a short set-up."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from firebrick.hw.boards.target import Target, find_target
from firebrick.hw.module_names import TOP
from firebrick.sim.board import simulation
from firebrick.sim.build import CompiledSimulation, build_design
from firebrick.sw.camera.ov7670 import OV7670
from firebrick.sw.camera.sensors import SENSORS
from firebrick.sw.compiler.lowering import compile_model
from firebrick.sw.fpga.peripherals import Peripherals
from tests.helpers.boards import LANES, tiny_model

CLOCK = 18e6
"""In Hz, about: six cycles a bit at 3 Mbaud, and one and a half for each byte of the sensor."""
SENSOR = replace(OV7670, setup=(*OV7670.setup[:4], OV7670.setup[-1]))
"""Set up in 10 ms instead of 45."""
_BIASES = re.compile(r'"(board-\d+\.mem)", initial_values')


@contextmanager
def camera_board(patch: pytest.MonkeyPatch, *, wrong: Path | None = None) -> Iterator[tuple[simulation.BoardSimulation, Target]]:
    """The board, which runs `tiny_model`, and its target.

    With ``wrong``, an empty folder, the biases of its last layer are other than the model's.
    """

    def build_wrong(*arguments: object) -> CompiledSimulation:
        built = build_design(*arguments)  # type: ignore[arg-type]
        assert wrong is not None
        shutil.copytree(built.folder, wrong, dirs_exist_ok=True)
        biases = wrong / _BIASES.findall((wrong / f"{TOP}.v").read_text())[-1]
        biases.write_text(re.sub(r"[01](?=\s*$)", lambda bit: "10"[int(bit[0])], biases.read_text(), flags=re.MULTILINE))
        return CompiledSimulation(wrong, built.library)

    patch.setitem(SENSORS, OV7670.name, SENSOR)
    if wrong is not None:
        patch.setattr(simulation, "build_design", build_wrong)
    model = tiny_model()
    target = find_target("ulx3s_12f", link="uart", frequency=CLOCK, peripherals=Peripherals(OV7670.name, "hdmi"))
    with simulation.BoardSimulation(model, compile_model(model, LANES), target, blank_lines=3) as board:
        yield board, target
