# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The link's transport on a board: UART or USB, between the pins and the accelerator."""

from types import SimpleNamespace
from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Module, ResetSignal, Signal
from amaranth.lib import io, wiring

from ...sw.errors import FirebrickError
from ...sw.link.usb_ids import FULL_SPEED_PACKET, HIGH_SPEED_PACKET
from ...sw.utils.distribution import install_extra
from ..flows.clock_generator import ClockGenerator
from ..flows.ecp5 import USB_HZ, USB_IO_HZ, Ecp5Clock, Ecp5UsbClocks
from ..link.linked_accelerator import LinkedAccelerator
from ..link.uart import UartPort
from ..standalone.standalone_device import StandaloneDevice

ULPI_HZ = 60e6
"""The frequency of the clock that a ULPI PHY provides."""
DIRECTIONS = {"i": io.Direction.Input, "o": io.Direction.Output, "io": io.Direction.Bidir}
"""By the names that amaranth-boards uses."""
PHY_RESET_CYCLES = 1024
"""The length of a PHY's reset in cycles of the accelerator's clock: PHYs need 1 us, and this is longer up to 1 GHz."""


def connect_uart(m: Module, platform: Any, device: LinkedAccelerator | StandaloneDevice, divisor: int) -> None:
    """Connect a device to the board's serial line; ``divisor`` is the number of clock cycles of a bit after reset."""
    m.submodules.port = port = UartPort(divisor=divisor)
    pins = platform.request("uart", 0, dir="-")
    m.submodules.rx = rx = io.Buffer(io.Direction.Input, pins.rx)
    m.submodules.tx = tx = io.Buffer(io.Direction.Output, pins.tx)
    wiring.connect(m, device.sent, port.sent)
    m.d.comb += [
        device.received.valid.eq(port.received.valid),
        device.received.payload.eq(port.received.payload),
        port.divisor.eq(device.divisor),
        device.baud_reset.eq(port.baud_reset),
        port.rx.eq(rx.i),
        tx.o.eq(port.tx),
    ]


def connect_usb(
    m: Module, platform: Any, device: LinkedAccelerator | StandaloneDevice, clock: ClockGenerator, name: str, serial: str
) -> None:
    """Connect a device to the board's USB: at high speed through a ULPI PHY, or at full speed by the FPGA's own pins.

    ``name`` and ``serial`` are what the device reports on the bus. Raises FirebrickError if LUNA is not installed.
    """
    try:
        from ..link.usb import UsbPort
    except ModuleNotFoundError as problem:
        raise FirebrickError(f"luna-usb, which makes devices on USB, is missing; {install_extra('usb')}") from problem

    resource = usb_resource(type(platform))
    pins = platform.request(resource.name, resource.number, dir="-")
    buffers = {pin: io.Buffer(DIRECTIONS[description.dir], getattr(pins, pin)) for pin, description in _pins(resource).items()}
    for pin, buffer in buffers.items():
        m.submodules[f"usb_{pin}"] = buffer
    high_speed = has_ulpi(resource)
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


def usb_resource(platform_class: Any) -> Any:
    """The pins of a ULPI PHY that provides a clock, or of USB itself, on a class of platform; None if it has neither."""
    for resource in platform_class.resources:
        pins = _pins(resource)
        if {"stp", "nxt", "rst"} <= set(pins) and pins["clk"].dir == "i":
            return resource
        if {"d_p", "d_n", "pullup"} <= set(pins) and len(pins["pullup"].names) == 1:  # with two, the port may also be a host
            return resource
    return None


def has_ulpi(resource: Any) -> bool:
    """Whether pins of USB lead to a ULPI PHY, which is capable of high speed."""
    return "stp" in _pins(resource)


def _pins(resource: Any) -> dict[str, Any]:
    """The pins of a resource that has several, by name."""
    return {subsignal.name: subsignal.ios[0] for subsignal in resource.ios if hasattr(subsignal, "ios")}


def _clock_from_phy(m: Module, clock: Signal) -> None:
    """The USB domain from the PHY's clock.

    LUNA passes the domain's reset on to the PHY, whose clock does not run before: so the accelerator's clock times the reset.
    """
    m.domains += ClockDomain("usb")
    reset_count = Signal(range(PHY_RESET_CYCLES))
    with m.If(reset_count != PHY_RESET_CYCLES - 1):
        m.d.sync += reset_count.eq(reset_count + 1)
    reset = Signal(init=1)
    m.d.sync += reset.eq(reset_count != PHY_RESET_CYCLES - 1)
    m.d.comb += [ClockSignal("usb").eq(clock), ResetSignal("usb").eq(reset)]


def _clocks_from_board(m: Module, platform: Any, clock: Ecp5Clock) -> None:
    """The two USB domains from the board's clock; their clocks are gated until they are stable, so that nothing needs a reset."""
    m.submodules.usb_clocks = clocks = Ecp5UsbClocks(board_hz=round(platform.default_clk_frequency))
    m.d.comb += clocks.board_clock.eq(clock.board_clock)
    for domain, clock_signal, hertz in (("usb", clocks.usb_clock, USB_HZ), ("usb_io", clocks.io_clock, USB_IO_HZ)):
        m.domains += ClockDomain(domain, reset_less=True)
        m.d.comb += ClockSignal(domain).eq(clock_signal)
        platform.add_clock_constraint(clock_signal, hertz)
