# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Rewrites the tables of resources in docs/camera.md and docs/display.md, and compares the constants of sw/fpga/peripherals.py with them.

    python scripts/peripheral_tables.py [WHAT...]

Each component is synthesised out of context for an ECP5, which takes minutes; results are kept in build/peripherals. With WHAT, parts of
the names of measurements, only those are made and printed.
"""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.hdl import ClockDomain, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from firebrick.hw.accelerator import Accelerator
from firebrick.hw.build.out_of_context import component_cells
from firebrick.hw.camera.camera_source import CameraSource
from firebrick.hw.display.display import Display
from firebrick.hw.display.frame_summary import FrameSummary
from firebrick.hw.flows.ecp5 import Ecp5Flow
from firebrick.hw.link.linked_accelerator import LinkedAccelerator
from firebrick.hw.standalone.standalone_device import StandaloneDevice
from firebrick.sim.small_models import randomly_initialised
from firebrick.sw.camera.picture import camera_picture
from firebrick.sw.camera.sensors import find_sensor
from firebrick.sw.compiler.lowering import compile_model
from firebrick.sw.display.name_code import NameCode
from firebrick.sw.display.settings import DisplayOptions
from firebrick.sw.fpga import peripherals
from firebrick.sw.link.identity import describe_device
from firebrick.sw.network.graph import Conv, GlobalAverage, Network, Shape
from firebrick.sw.plan.lane_layout import LaneLayout
from firebrick.sw.plan.nodes import GlobalSumSpec
from firebrick.sw.zoo import catalogue

ROOT = Path(__file__).parents[1]
CACHE = ROOT / "build" / "peripherals"
FREQUENCY = 50e6
MODEL = "squeezenet1_1_small"
Cells = Counter[str]
START, END = "<!-- resources -->\n", "<!-- /resources -->\n"


class Clocked(wiring.Component):
    """A component with the clocks of further domains as ports, without resets, as on a board.

    Parameters
    ----------
    component: the component
    domains: their names
    outputs: the outputs that are used, if not all
    """

    def __init__(self, *, component: wiring.Component, domains: Sequence[str], outputs: Sequence[str] | None = None) -> None:
        self._component = component
        self._domains = domains
        members = component.signature.members.items()
        self._members = {name: member for name, member in members if outputs is None or member.flow is In or name in outputs}
        super().__init__({**self._members, **{f"{domain}_clk": In(1) for domain in domains}})

    def elaborate(self, platform: object) -> Module:  # noqa: ARG002, D102
        m = Module()
        for name in self._domains:
            domain: Any = ClockDomain(name, reset_less=True)
            m.domains += domain
            clock: Signal = getattr(self, f"{name}_clk")
            m.d.comb += domain.clk.eq(clock)
        m.submodules.component = self._component
        for name, member in self._members.items():
            outer, inner = getattr(self, name), getattr(self._component, name)
            if member.is_signature:
                wiring.connect(m, wiring.flipped(outer), inner)
            else:
                m.d.comb += inner.eq(outer) if member.flow is In else outer.eq(inner)
        return m


def camera(name: str) -> wiring.Component:
    """A camera for 224x224 pixels in colour."""
    sensor, model = find_sensor(name), catalogue.load(MODEL)
    picture = camera_picture(sensor, model.preprocessing, model.network.input)
    return Clocked(component=CameraSource(sensor=sensor, picture=picture, frequency=FREQUENCY), domains=("camera",))


def scores() -> GlobalSumSpec:
    """SqueezeNet v1.1's scores: 1000 sums over 13x13 bytes, 16 bits."""
    return GlobalSumSpec("pool10", LaneLayout(lanes=1, width=13, order=tuple(range(13))), 1000, 13, 0)


def display(**options: Any) -> wiring.Component:
    """A display of 1000 classes."""
    settings = DisplayOptions(**options).settings(catalogue.load(MODEL))
    return Clocked(component=Display(settings=settings, global_sum=scores(), frequency=FREQUENCY), domains=("pixel", "tmds"))


def leds() -> wiring.Component:
    """The LEDs of a class without a display."""
    settings = DisplayOptions(led_class=0).settings(catalogue.load(MODEL))
    return Clocked(component=FrameSummary(settings=settings, global_sum=scores(), frequency=FREQUENCY), domains=(), outputs=("led",))


def device(*, shared: bool) -> wiring.Component:
    """A small accelerator behind its link, alone or shared with a camera; the difference is what sharing takes."""
    network = Network("tiny", Shape(3, 26, 30), (Conv("conv1", 3, 3, stride=2), Conv("conv10", 5, 1), GlobalAverage("pool10")))
    model = randomly_initialised(network, np.random.default_rng(1), bits=4)
    plan = compile_model(model, 2)
    descriptor = describe_device(model, plan, FREQUENCY)
    if not shared:
        return LinkedAccelerator(plan=plan, descriptor=descriptor, divisor=50)
    accelerator = Accelerator(plan=plan)
    return StandaloneDevice(accelerator=accelerator, global_sum=plan.global_sum, descriptor=descriptor, divisor=50)


MEASUREMENTS: dict[str, Callable[[], wiring.Component]] = {
    "camera ov7670": lambda: camera("ov7670"),
    "camera ov7670-vga": lambda: camera("ov7670-vga"),
    "display without names": lambda: display(classes=()),
    "display, 1000 names in block RAM": lambda: display(names_in_block_ram=True),
    "display, 1000 names in look-up tables": display,
    "leds": leds,
    "device alone": lambda: device(shared=False),
    "device shared": lambda: device(shared=True),
}


def measure(name: str) -> Cells:
    """The cells of a component."""
    return component_cells(MEASUREMENTS[name](), CACHE)


def luts(cells: Cells) -> int:
    """LUTs as everywhere: with carry chains and distributed RAM."""
    return Ecp5Flow.cell_costs.resources(cells).luts


def constants(cells: dict[str, Cells]) -> dict[str, tuple[float, float]]:
    """Each constant of the resources with what has been measured of it."""
    full, without_rom = cells["display, 1000 names in look-up tables"], cells["display, 1000 names in block RAM"]
    words = len(NameCode(DisplayOptions().settings(catalogue.load(MODEL))).words)
    return {
        **{f"CAMERA_LUTS[{name}]": (value, luts(cells[f"camera {name}"])) for name, value in peripherals.CAMERA_LUTS.items()},
        "SHARING_LUTS": (peripherals.SHARING_LUTS, luts(cells["device shared"]) - luts(cells["device alone"])),
        "LED_LUTS": (peripherals.LED_LUTS, luts(cells["leds"])),
        "DISPLAY_LUTS": (peripherals.DISPLAY_LUTS, luts(without_rom)),
        "NAME_ROM_LUTS": (peripherals.NAME_ROM_LUTS, round((luts(full) - luts(without_rom)) / words, 3)),
    }


def camera_table(cells: dict[str, Cells]) -> str:
    """The table of docs/camera.md."""
    rows = [("camera", "network", "LUTs", "flip-flops", "distributed RAMs"), ("---", "---", "---:", "---:", "---:")]
    for name in peripherals.CAMERA_LUTS:
        one = cells[f"camera {name}"]
        rows.append((f"`{name}`", "224x224, colour", f"{luts(one):,}", f"{one['TRELLIS_FF']:,}", f"{one['TRELLIS_DPR16X4']:,}"))
    return _table(rows)


def display_table(cells: dict[str, Cells]) -> str:
    """The table of docs/display.md."""
    rows = [("", "LUTs", "block RAMs", "multipliers"), ("---", "---:", "---:", "---:")]
    for name, one in cells.items():
        if name.startswith(("display", "leds")):
            what = name if name != "leds" else "the LEDs of a class without a display"
            rows.append((what, f"{luts(one):,}", str(Ecp5Flow.cell_costs.resources(one).block_rams), str(one["MULT18X18D"])))
    return _table(rows)


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n".replace("|  |", "| |") for row in rows)


PAGES = {"camera.md": camera_table, "display.md": display_table}


def main(words: Sequence[str]) -> None:
    """Measure, print, and unless only some are asked for, rewrite the pages."""
    cells = {}
    for name in MEASUREMENTS:
        if not words or any(word in name for word in words):
            cells[name] = measure(name)
            print(f"{name}: {luts(cells[name]):,} LUTs, {dict(cells[name])}", flush=True)
    if words:
        return
    for name, make in PAGES.items():
        page = ROOT / "docs" / name
        before, rest = page.read_text().split(START)
        page.write_text(before + START + make(cells) + END + rest.split(END)[1])
    for constant, (given, measured) in constants(cells).items():
        print(f"{constant}: {given:g}, measured {measured:g}")


if __name__ == "__main__":
    main(sys.argv[1:])
