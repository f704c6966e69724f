# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The ports of a core's top module: the one list from which its documentation, IP-XACT description and wrapper are made."""

from dataclasses import dataclass

from amaranth.hdl import Shape
from amaranth.lib.wiring import In

from ..bus.top import BusOptions

SCORE_BITS = 32
"""Bits of a score at ``firebrick_stream``, whatever the model needs; see `score_bits`."""

_BUS_PORTS = {
    "aclk": "clock of the bus; rising edge",
    "aresetn": "reset, active low, synchronous; hold it for two cycles at least",
    "core_clk": "clock of the accelerator, of any frequency and phase",
    "s_axis_tdata": "bytes of a picture, the first in the lowest bits",
    "s_axis_tkeep": "which of the bytes are there",
    "s_axis_tlast": "the last beat of a picture",
    "s_axis_tvalid": "a beat is offered",
    "s_axis_tready": "it is taken in this cycle if it is offered",
    "m_axis_tdata": "bytes of scores, the first in the lowest bits",
    "m_axis_tkeep": "which of the bytes are there: all, but for the last beat of a picture's scores",
    "m_axis_tlast": "the last beat of a picture's scores",
    "m_axis_tvalid": "a beat is offered",
    "m_axis_tready": "it is taken in this cycle if it is offered",
    "irq": "interrupt: an event that is enabled has happened",
}


@dataclass(frozen=True)
class Port:
    """A port of a Verilog module."""

    name: str
    direction: str
    """``in`` or ``out``."""
    width: int
    clock: str
    """The clock that it belongs to; empty for a clock."""
    description: str

    @property
    def declaration(self) -> str:
        """The declaration in the port list of the module."""
        bits = f"[{self.width - 1}:0] " if self.width > 1 else ""
        return f"{self.direction}put wire {bits}{self.name}"


def stream_ports(bits: int) -> tuple[Port, ...]:
    """The ports of ``firebrick_stream``, in the order of its port list. They are the same for every model with scores of ``bits`` bits."""
    return (
        Port("clk", "in", 1, "", "clock; everything happens at its rising edge"),
        Port("rst", "in", 1, "clk", "synchronous reset, active high; hold it for two cycles at least"),
        Port("pixel_valid", "in", 1, "clk", "`pixel_data` is offered"),
        Port("pixel_ready", "out", 1, "clk", "`pixel_data` is taken in this cycle if it is offered"),
        Port("pixel_data", "in", 8, "clk", "one byte of a picture: a channel of a pixel, 0 to 255"),
        Port("score_valid", "out", 1, "clk", "`score_data` and `score_last` are offered"),
        Port("score_ready", "in", 1, "clk", "they are taken in this cycle if they are offered"),
        Port("score_data", "out", bits, "clk", "the score of one class"),
        Port("score_last", "out", 1, "clk", "this score is the last one of its picture"),
        Port("busy", "out", 1, "clk", "at least one multiplier begins a product in this cycle; for power estimates and activity LEDs"),
    )


def bus_ports(options: BusOptions) -> tuple[Port, ...]:
    """The ports of the core on a bus."""
    bus = "registers, on Wishbone B4" if options.wishbone else "registers, on AXI4-Lite"
    return tuple(
        Port(
            name,
            "in" if member.flow is In else "out",
            Shape.cast(member.shape).width,
            "" if name.endswith("clk") else "aclk",
            _BUS_PORTS.get(name, bus),
        )
        for name, member in options.ports().items()
    )


def score_bits(bits: int) -> int:
    """Bits of a score at ``firebrick_stream``: 32, or 64 where a model's scores of ``bits`` bits need more."""
    return SCORE_BITS if bits <= SCORE_BITS else 2 * SCORE_BITS
