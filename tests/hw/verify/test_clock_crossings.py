# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Clock crossings: those of whole boards are known ones, and a crossing that is planted is found."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from amaranth.back import rtlil
from amaranth.hdl import ClockDomain, Instance, Module, ResetSignal, Signal
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.fifo import AsyncFIFO
from amaranth.lib.memory import Memory

from firebrick.hw.boards.board_top import BoardTop
from firebrick.hw.boards.registry import board
from firebrick.hw.boards.standalone_ports import StandalonePorts
from firebrick.hw.verify.clock_crossings import NO_CLOCK, Crossing
from firebrick.sw.compiler.lowering import compile_model
from firebrick.sw.fpga.peripherals import Peripherals
from firebrick.sw.zoo.catalogue import load
from tests.helpers.clock_crossings import crossings_of

pytest.importorskip("amaranth_boards", reason="needs the extra `bitstream`")
pytest.importorskip("luna", reason="needs the extra `usb`")

SYNCHRONISER = r".*(_cdc|synchroni[sz]er)\.stage0"
"""The first register of Amaranth's FFSynchronizer: of one signal, or of a counter in Gray code."""
FIFO = r"port\.(inwards|outwards)"
"""UsbPort's asynchronous FIFOs, which `usb_crossing` of the formal proofs covers."""
LUNA_PHY = r"port\.usb\.translator"
"""LUNA's PHY in gateware. Its domains are usb and usb_io, of one PLL, whose edges come in step."""
KNOWN = {
    "uart": {
        "the serial line": (NO_CLOCK, SYNCHRONISER, r"rx.*"),
    },
    "uart, clock with reset": {
        "the serial line": (NO_CLOCK, SYNCHRONISER, r"rx.*"),
        "that the PLL has locked": (NO_CLOCK, SYNCHRONISER, r".*\.pll\.LOCK"),
    },
    "full speed": {
        "the lines of USB": (NO_CLOCK, SYNCHRONISER, r"usb_d_[pn].*"),
        "counters of the FIFOs": (r".*", SYNCHRONISER, r".*_gry"),
        "bytes in the FIFOs": (r".*", rf"({FIFO}|{LUNA_PHY}\.receiver\..*_fifo\.unbuffered)\.storage, read", r".*\.storage"),
        "bits to send, in LUNA's PHY": (r"usb_clock", rf"{LUNA_PHY}\.transmitter\.U\$\d+\.stage0", rf"{LUNA_PHY}\.transmitter\..*"),
    },
    "high speed": {
        "pins of the PHY, which keep to its clock": (NO_CLOCK, r"port\.usb\..*", r"usb_(dir|nxt|data)\..*"),
        "counters of the FIFOs": (r".*", SYNCHRONISER, r".*_gry"),
        "bytes in the FIFOs": (r".*", rf"{FIFO}\.storage, read", r".*\.storage"),
        "the reset of the domain usb, which ends before its clock begins": (r"clock", r"(port|usb_rst)\..*", r"usb_rst"),
    },
}
"""The crossings that there may be, of each link: the source clock, the register and what drives it, by what they are."""
CAMERA_AND_SCREEN = {
    "pins of the camera, which keep to its clock": (NO_CLOCK, r"camera\.capture\.(byte|href|vsync)", r"camera_(href|vsync|d\d)\..*"),
    "the data line of SCCB": (NO_CLOCK, SYNCHRONISER, r"camera_sda\..*"),
    "pixels in the camera's FIFO": (r"camera_clk", r"camera\.crossing\.fifo\.storage, read", r".*\.storage"),
    "the handover's request and answer": (r".*", r"display\.handover\.\w+_synchroniser\.stage0", r"display\.handover\.\w+"),
    "what a screen shows, which the handover keeps still": (r"clock", r"display\..*|o\$\d+", r"display\.screen"),
    "when a pixel changes": (r"pixel_clock", SYNCHRONISER, r"display\.serializer\.pixel_toggle"),
    "symbols, which are taken over when they are still": (r"pixel_clock", r"o\$\d+\[0\]", r"display\.symbols\[\d\]"),
}
KNOWN["full speed, camera and screen"] = KNOWN["full speed"] | CAMERA_AND_SCREEN


def unknown(crossings: Iterable[Crossing], known: dict[str, tuple[str, str, str]]) -> list[str]:
    """The crossings, driver by driver, that are none of the known ones."""
    return [
        f"{crossing.register} of {crossing.destination} takes {driver} of {crossing.source or 'no clock'}"
        for crossing in crossings
        for driver in crossing.drivers
        if not any(
            re.fullmatch(source, crossing.source) and re.fullmatch(register, crossing.register) and re.fullmatch(drivers, driver)
            for source, register, drivers in known.values()
        )
    ]


@pytest.mark.parametrize(
    ("name", "link", "known"),
    [
        ("ulx3s_85f", "usb", "full speed, camera and screen"),
        pytest.param("ulx3s_12f", "usb", "full speed", marks=pytest.mark.slow),
        pytest.param("ulx3s_12f", "uart", "uart", marks=pytest.mark.slow),
        pytest.param("ecpix5_85f", "usb", "high speed", marks=pytest.mark.slow),
        pytest.param("tang_nano_9k", "uart", "uart, clock with reset", marks=pytest.mark.slow),
        pytest.param("icebreaker", "uart", "uart", marks=pytest.mark.slow),
    ],
)
def test_a_board_has_no_clock_crossing_but_the_known_ones(name: str, link: str, known: str, tmp_path: Path) -> None:
    entry, model = board(name), load("digits")
    ports = StandalonePorts(peripherals=Peripherals("ov7670", "hdmi"), board=name) if "camera" in known else None
    top = BoardTop(plan=compile_model(model, 4), model=model, flow=entry.flow, frequency=entry.frequency, link=link, ports=ports)
    design = entry.platform().prepare(top, name="firebrick", emit_src=False).files[entry.flow.design]
    crossings = crossings_of(design if isinstance(design, str) else design.decode(), tmp_path)
    assert unknown(crossings, KNOWN[known]) == []
    for what, pattern in KNOWN[known].items():
        assert unknown(crossings, {key: other for key, other in KNOWN[known].items() if key != what}), f"no longer there: {what}, {pattern}"


def two_clocks() -> tuple[Module, Signal, list[Any]]:
    """A design with the domains a and b, a register of a that counts, and the ports."""
    m = Module()
    domains: list[Any] = [ClockDomain("a", reset_less=True), ClockDomain("b")]
    m.domains += domains
    count = Signal(4, name="count")
    m.d.a += count.eq(count + 1)
    return m, count, [domain.clk for domain in domains]


def found(m: Module, ports: list[Any], folder: Path) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """The crossings of a small design, as tuples."""
    crossings = crossings_of(rtlil.convert(m, ports=ports), folder)
    return [(crossing.source, crossing.destination, crossing.register, crossing.drivers) for crossing in crossings]


def test_a_register_that_another_clock_drives_through_logic_is_found(tmp_path: Path) -> None:
    m, count, ports = two_clocks()
    taken = Signal(4, name="taken")
    m.d.b += taken.eq(taken ^ (count + 3))
    assert found(m, [*ports, taken], tmp_path) == [("a_clk", "b_clk", "taken", ("count",))]


def test_a_register_of_the_same_clock_and_constants_are_no_crossings(tmp_path: Path) -> None:
    m, count, ports = two_clocks()
    taken = Signal(4, name="taken")
    m.d.a += taken.eq(count ^ 5)
    assert found(m, [*ports, taken], tmp_path) == []


def test_a_reset_of_another_clock_and_a_pin_are_found(tmp_path: Path) -> None:
    m, count, ports = two_clocks()
    taken, pin = Signal(4, name="taken"), Signal(name="pin")
    m.d.comb += ResetSignal("b").eq(count)
    with m.If(pin):
        m.d.b += taken.eq(taken + 1)
    assert found(m, [*ports, pin, taken], tmp_path) == [("", "b_clk", "taken", ("pin",)), ("a_clk", "b_clk", "taken", ("b_rst",))]


@pytest.mark.parametrize("read_domain", ["b", "comb"])
def test_a_memory_that_another_clock_writes_is_found(read_domain: str, tmp_path: Path) -> None:
    m, count, ports = two_clocks()
    memory: Any = Memory(shape=4, depth=16, init=[])
    m.submodules.memory = memory
    write, read = memory.write_port(domain="a"), memory.read_port(domain=read_domain)
    taken = Signal(4, name="taken")
    m.d.comb += [write.addr.eq(count), write.data.eq(count), write.en.eq(1), read.addr.eq(taken)]
    m.d.b += taken.eq(read.data)
    crossings = found(m, [*ports, taken], tmp_path)
    assert [(source, destination, drivers) for source, destination, _, drivers in crossings] == [("a_clk", "b_clk", ("memory",))]


def test_a_black_box_has_no_clock(tmp_path: Path) -> None:
    m, _, ports = two_clocks()
    made, taken = Signal(name="made"), Signal(name="taken")
    m.submodules.box = Instance("BOX", o_O=made)
    m.d.b += taken.eq(made)
    assert found(m, [*ports, taken], tmp_path) == [("", "b_clk", "taken", ("box.O",))]


def test_only_the_first_register_of_a_synchroniser_and_the_words_of_an_asynchronous_fifo_cross(tmp_path: Path) -> None:
    m, count, ports = two_clocks()
    late, out = Signal(name="late"), Signal(4, name="out")
    m.submodules.synchroniser = FFSynchronizer(count[0], late, o_domain="b")
    m.submodules.fifo = fifo = AsyncFIFO(width=4, depth=4, w_domain="a", r_domain="b")
    m.d.comb += [fifo.w_data.eq(count), fifo.w_en.eq(1)]
    m.d.b += out.eq(fifo.r_data)
    ports += [late, out]
    assert [register for _, _, register, _ in found(m, ports, tmp_path)] == [
        *("fifo.produce_cdc.stage0", "fifo.storage, read", "synchroniser.stage0", "fifo.consume_cdc.stage0"),
    ]
