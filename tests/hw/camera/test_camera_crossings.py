# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The clock crossings of a camera source: pins that keep to PCLK, the lines of the control bus, and the asynchronous FIFO."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from amaranth.back.rtlil import convert
from amaranth.hdl import ClockDomain, Module

from firebrick.hw.camera.camera_source import CameraSource
from firebrick.sw.camera.ov7670 import OV7670
from firebrick.sw.camera.picture import Picture
from tests.helpers.clock_crossings import crossings_of

pytestmark = pytest.mark.skipif(find_spec("pyosys") is None, reason="needs the extra `bitstream`")


def test_only_the_fifo_and_a_synchroniser_cross_to_the_accelerators_clock(tmp_path: Path) -> None:
    source = CameraSource(sensor=OV7670, picture=Picture(240, 320, 1, 8, 8, 16), frequency=25e6)
    m = Module()
    camera: Any = ClockDomain("camera", reset_less=True)
    m.domains += camera
    m.submodules.source = source
    pins: Any = source.pins
    inputs = [pins.vsync, pins.href, pins.data, pins.sda.i, source.pixels.ready, source.verdicts.ready]
    outputs = [pins.scl.oe, pins.sda.oe, source.pixels.valid, source.pixels.payload, source.verdicts.valid, source.counters.as_value()]
    design = str(convert(m, name="camera", ports=[camera.clk, *inputs, *outputs], emit_src=False))
    crossings = crossings_of(design, tmp_path)
    between = {(one.source, one.destination, one.register.rsplit("crossing.", 1)[-1]) for one in crossings if one.source}
    assert between == {
        ("camera_clk", "clk", "fifo.produce_cdc.stage0"),
        ("camera_clk", "clk", "fifo.storage, read"),
        ("clk", "camera_clk", "fifo.consume_cdc.stage0"),
    }
    sampled = {one.register for one in crossings if not one.source and one.destination == "camera_clk"}
    assert {name.rsplit(".", 1)[-1] for name in sampled} == {"vsync", "href", "byte"}
    assert all("capture" in name for name in sampled)
    asynchronous = {one.register for one in crossings if not one.source and any("sda" in driver for driver in one.drivers)}
    assert [name.endswith("synchroniser.stage0") for name in asynchronous] == [True]
