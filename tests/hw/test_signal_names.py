# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Every signal of a generated design has a name of its own in Verilog, waveforms and timing reports.

Amaranth names a signal after the variable that it is assigned to. Where there is none, in a tuple or a generator expression, it writes
``$signal``.
"""

import re

import numpy as np
import pytest
from amaranth.back.rtlil import convert
from amaranth.lib import wiring

from firebrick.hw.accelerator import Accelerator
from firebrick.hw.boards.board_top import BoardTop
from firebrick.hw.boards.registry import board
from firebrick.sim.small_models import randomly_initialised
from firebrick.sw.compiler.engine_config import EngineConfig
from firebrick.sw.compiler.lane_allocation import allocate
from firebrick.sw.compiler.lowering import compile_model, plan_with
from firebrick.sw.network.graph import Bypass, Conv, Fire, GlobalAverage, MaxPool, Network, Shape, Stage
from firebrick.sw.zoo.catalogue import load

UNNAMED = re.compile(r"\\\$(?:signal|signature)\S*")
THIRD_PARTY = ".port.usb."
"""The modules of LUNA's USB device, whose signals are not ours to name."""


def unnamed_signals(design: str) -> dict[str, set[str]]:
    """The unnamed signals of an RTLIL design, by module."""
    modules = {module.split()[0]: set(UNNAMED.findall(module)) for module in re.split(r"(?m)^module ", design)[1:]}
    return {name: unnamed for name, unnamed in modules.items() if unnamed and THIRD_PARTY not in name}


def rtlil(component: wiring.Component) -> str:
    return str(convert(component, name="top", emit_src=False))


def test_signals_of_fire_modules_have_names() -> None:
    fires = [Fire(f"fire_{bypass.value}", 3, 4, 4, bypass) for bypass in Bypass]
    stages: tuple[Stage, ...] = (Conv("conv1", 8, 3), MaxPool("pool1"), *fires, Conv("conv10", 4, 1), GlobalAverage("average"))
    model = randomly_initialised(Network("names", Shape(3, 12, 12), stages), np.random.default_rng(0))
    assert unnamed_signals(rtlil(Accelerator(plan=compile_model(model, 24)))) == {}


def test_signals_of_fast_lanes_have_names() -> None:
    model = load("digits")
    plan = plan_with(model, allocate(model, 8) | {"conv1": EngineConfig(1, fast=True)})
    assert plan.fast
    assert unnamed_signals(rtlil(Accelerator(plan=plan))) == {}


@pytest.mark.parametrize("link", ["uart", "usb"])
def test_signals_of_a_board_design_have_names(link: str) -> None:
    ulx3s, model = board("ulx3s_12f"), load("digits")
    top = BoardTop(plan=compile_model(model, 10), model=model, flow=ulx3s.flow, frequency=ulx3s.frequency, link=link)
    design = ulx3s.platform().prepare(top, name="firebrick", emit_src=False).files[ulx3s.flow.design]
    assert unnamed_signals(design if isinstance(design, str) else design.decode()) == {}


def test_unnamed_signals_are_found() -> None:
    design = "module \\top\n  wire width 1 \\$signal\n  wire width 1 \\named\n  wire width 1 \\$signal$1\nend\nmodule \\other\nend\n"
    assert unnamed_signals(design) == {"\\top": {"\\$signal", "\\$signal$1"}}
