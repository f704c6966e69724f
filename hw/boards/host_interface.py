# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What carries the link's bytes between a board's pins and the accelerator."""

from types import SimpleNamespace
from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Module, ResetSignal, Signal
from amaranth.lib import io, wiring

from ...sw.errors import FirebrickError
from ...sw.link.usb_ids import FULL_SPEED_PACKET, HIGH_SPEED_PACKET
from ..flows.clock_generator import ClockGenerator
from ..flows.ecp5 import USB_HZ, USB_IO_HZ, Ecp5Clock, Ecp5UsbClocks
from ..link.linked_accelerator import LinkedAccelerator
from ..link.uart import UartPort

ULPI_HZ = 60e6
"""Of the clock that a PHY of ULPI gives."""
DIRECTIONS = {"i": io.Direction.Input, "o": io.Direction.Output, "io": io.Direction.Bidir}
"""By what amaranth-boards calls them."""
PHY_RESET_CYCLES = 1024
"""Cycles of the accelerator's clock that a PHY is held in reset: at least a microsecond up to 1 GHz."""


def connect_uart(m: Module, platform: Any, device: LinkedAccelerator, divisor: int) -> None:
    """Join a device to the board's serial line, at first with so many clock cycles a bit."""
    m.submodules.port = port = UartPort(divisor=divisor)
    pins = platform.request("uart", 0, dir="-")
    m.submodules.rx = rx = io.Buffer(io.Direction.Input, pins.rx)
    m.submodules.tx = tx = io.Buffer(io.Direction.Output, pins.tx)
    wiring.connect(m, device.sent, port.sent)
    m.d.comb += [
        device.received.valid.eq(port.received.valid),
        device.received.payload.eq(port.received.payload),
        port.divisor.eq(device.divisor),
        device.slow.eq(port.slow),
        port.rx.eq(rx.i),
        tx.o.eq(port.tx),
    ]


def connect_usb(m: Module, platform: Any, device: LinkedAccelerator, clock: ClockGenerator, name: str, serial: str) -> None:
    """Join a device to the board's USB: through a PHY of ULPI at high speed, or else at full speed by the FPGA's own pins.

    Raises FirebrickError where LUNA is not installed.
    """
    try:
        from ..link.usb import UsbPort
    except ModuleNotFoundError as problem:
        raise FirebrickError("luna-usb, which makes devices on USB, is missing; install firebrick[usb]") from problem

    resource = usb_resource(type(platform))
    pins = platform.request(resource.name, resource.number, dir="-")
    buffers = {pin: io.Buffer(DIRECTIONS[each.dir], getattr(pins, pin)) for pin, each in _pins(resource).items()}
    for pin, buffer in buffers.items():
        m.submodules[f"usb_{pin}"] = buffer
    high_speed = "stp" in buffers
    if high_speed:
        _clock_from_phy(m, buffers["clk"].i)
        platform.add_clock_constraint(pins.clk.io, ULPI_HZ)
    else:
        assert isinstance(clock, Ecp5Clock)
        _clocks_from_board(m, platform, clock)
    packet = HIGH_SPEED_PACKET if high_speed else FULL_SPEED_PACKET
    m.submodules.port = port = UsbPort(phy=SimpleNamespace(**buffers), name=name, serial=serial, packet=packet)
    wiring.connect(m, device.sent, port.sent)
    m.d.comb += [device.received.valid.eq(port.received.valid), device.received.payload.eq(port.received.payload)]


def usb_resource(kind: Any) -> Any:
    """Of a class of platform, the pins of a PHY of ULPI that has a clock, or of USB itself; None where there are neither."""
    for resource in kind.resources:
        pins = _pins(resource)
        if {"stp", "nxt", "rst"} <= set(pins) and pins["clk"].dir == "i":
            return resource
        if {"d_p", "d_n", "pullup"} <= set(pins) and len(pins["pullup"].names) == 1:  # with two, a device may be a host, too
            return resource
    return None


def _pins(resource: Any) -> dict[str, Any]:
    """The pins of a resource that has several, by name."""
    return {each.name: each.ios[0] for each in resource.ios if hasattr(each, "ios")}


def _clock_from_phy(m: Module, clock: Signal) -> None:
    """The domain of USB from its PHY. The reset, which LUNA hands on to the PHY, is timed by the accelerator: until then nothing ticks."""
    m.domains += ClockDomain("usb")
    held = Signal(range(PHY_RESET_CYCLES))
    with m.If(held != PHY_RESET_CYCLES - 1):
        m.d.sync += held.eq(held + 1)
    reset = Signal(init=1)
    m.d.sync += reset.eq(held != PHY_RESET_CYCLES - 1)
    m.d.comb += [ClockSignal("usb").eq(clock), ResetSignal("usb").eq(reset)]


def _clocks_from_board(m: Module, platform: Any, clock: Ecp5Clock) -> None:
    """The two domains of USB from the board's clock; they stand still until they are stable, so nothing needs a reset."""
    m.submodules.usb_clocks = clocks = Ecp5UsbClocks(board_hz=round(platform.default_clk_frequency))
    m.d.comb += clocks.board.eq(clock.board)
    for domain, made, hertz in (("usb", clocks.slow, USB_HZ), ("usb_io", clocks.fast, USB_IO_HZ)):
        m.domains += ClockDomain(domain, reset_less=True)
        m.d.comb += ClockSignal(domain).eq(made)
        platform.add_clock_constraint(made, hertz)
