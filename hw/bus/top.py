# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The accelerator with the ports of a bus: AXI4-Stream, and AXI4-Lite or Wishbone, named as tools expect them."""

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import ClockDomain, DomainRenamer, Module, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import AsyncFFSynchronizer, FFSynchronizer
from amaranth.lib.wiring import In, Out

from ..stream.skid_buffer import SkidBuffer
from . import axi_lite, wishbone
from .bus_accelerator import BusAccelerator
from .crossing import Crossing
from .signatures import REQUEST, RESPONSE, beat_layout

BEATS_BETWEEN_CLOCKS = 16
"""Beats that each of the two FIFOs between the clocks holds."""
ACCESSES_BETWEEN_CLOCKS = 4
"""Depth of the FIFOs for registers, in which there is one access at a time."""
CORE_RESET_STAGES = 4
"""Cycles of the core's clock that a reset lasts at least: those of a word through a ROM's registers."""


@dataclass(frozen=True)
class BusOptions:
    """Which bus an accelerator gets."""

    stream_bytes: int = 4
    """Bytes of TDATA: 1, 2, 4, 8 or 16."""
    wishbone: bool = False
    """Registers on Wishbone instead of AXI4-Lite."""
    core_clock: bool = False
    """The accelerator has a clock of its own, ``core_clk``, instead of that of the bus."""

    @property
    def register_ports(self) -> dict[str, Any]:
        """The ports of the register bus by name, as members of a signature."""
        prefix, ports = ("wb", wishbone.PORTS) if self.wishbone else ("s_axi", axi_lite.PORTS)
        return {f"{prefix}_{name}": member for name, member in ports.items()}

    def ports(self) -> dict[str, Any]:
        """All ports by name, as members of a signature."""
        layout = beat_layout(self.stream_bytes)
        beat = {"tdata": layout["data"].shape, "tkeep": layout["keep"].shape, "tlast": 1, "tvalid": 1}
        return {
            "aclk": In(1),
            "aresetn": In(1),
            **({"core_clk": In(1)} if self.core_clock else {}),
            **{f"s_axis_{name}": In(shape) for name, shape in beat.items()},
            "s_axis_tready": Out(1),
            **{f"m_axis_{name}": Out(shape) for name, shape in beat.items()},
            "m_axis_tready": In(1),
            **self.register_ports,
            "irq": Out(1),
        }


class BusTop(wiring.Component):
    """The accelerator as a block with AXI4-Stream for frames and scores, and registers on AXI4-Lite or Wishbone.

    All ports belong to ``aclk``. No combinational path leads from an input to an output. With ``core_clock`` everything behind
    asynchronous FIFOs runs at ``core_clk``, which may have any frequency and phase::

        s_axis --> FIFO --> |                  | --> FIFO --> m_axis
        s_axi --> adapter --> FIFO --> | BusAccelerator | --> FIFO --> adapter
             aclk           |     core_clk     |      aclk

    ``aresetn`` resets both sides: the core's side asynchronously, until CORE_RESET_STAGES cycles of its clock after the end, the bus's
    side longer than the core's. All READY and VALID are 0 for that long.

    Parameters
    ----------
    core: the accelerator; its width is that of ``options``
    options: which bus

    Members
    -------
    ``options.ports()``: plain signals; see docs/axi.md
    """

    def __init__(self, *, core: BusAccelerator, options: BusOptions) -> None:
        self._core = core
        self._options = options
        super().__init__(options.ports())

    def elaborate(self, platform: object) -> Module:
        m = Module()
        options, core = self._options, self._core
        bus = "bus" if options.core_clock else "sync"
        self._add_clocks(m)
        m.submodules.core = core
        in_bus = DomainRenamer(bus)
        started = Signal()
        enable = Signal()  # no reset
        m.d[bus] += started.eq(1)
        m.d.comb += enable.eq(started & ~ResetSignal(bus))

        layout = beat_layout(options.stream_bytes)
        frames: Any
        scores: Any
        if not options.core_clock:
            frames, scores = SkidBuffer(shape=layout), core.scores
        else:
            frames = Crossing(shape=layout, depth=BEATS_BETWEEN_CLOCKS, writer="bus", reader="sync")
            m.submodules.scores = crossing = Crossing(shape=layout, depth=BEATS_BETWEEN_CLOCKS, writer="sync", reader="bus")
            wiring.connect(m, core.scores, crossing.input)
            scores = crossing.output
        m.submodules.frames = frames
        wiring.connect(m, frames.output, core.frames)
        port: Any = self
        m.d.comb += [
            port.s_axis_tready.eq(enable & frames.input.ready),
            frames.input.valid.eq(enable & port.s_axis_tvalid),
            port.m_axis_tvalid.eq(enable & scores.valid),
            scores.ready.eq(enable & port.m_axis_tready),
        ]
        for signal, field in (("tdata", "data"), ("tkeep", "keep"), ("tlast", "last")):
            m.d.comb += frames.input.payload[field].eq(getattr(self, f"s_axis_{signal}"))
            m.d.comb += getattr(self, f"m_axis_{signal}").eq(scores.payload[field])

        adapter: Any = wishbone.WishboneAdapter() if options.wishbone else axi_lite.AxiLiteAdapter()
        m.submodules.adapter = in_bus(adapter)
        m.d.comb += adapter.enable.eq(enable)
        for name, member in options.register_ports.items():
            outside, inside = getattr(self, name), getattr(adapter, name.removeprefix("wb_").removeprefix("s_axi_"))
            m.d.comb += inside.eq(outside) if member.flow is In else outside.eq(inside)
        if options.core_clock:
            m.submodules.requests = requests = Crossing(shape=REQUEST, depth=ACCESSES_BETWEEN_CLOCKS, writer="bus", reader="sync")
            m.submodules.responses = responses = Crossing(shape=RESPONSE, depth=ACCESSES_BETWEEN_CLOCKS, writer="sync", reader="bus")
            wiring.connect(m, adapter.requests, requests.input)
            wiring.connect(m, requests.output, core.requests)
            wiring.connect(m, core.responses, responses.input)
            wiring.connect(m, responses.output, adapter.responses)
            m.submodules.irq = FFSynchronizer(core.irq, port.irq, o_domain="bus")
        else:
            wiring.connect(m, adapter.requests, core.requests)
            wiring.connect(m, core.responses, adapter.responses)
            m.d.comb += port.irq.eq(core.irq)
        return m

    def _add_clocks(self, m: Module) -> None:
        """The clock domains and their resets; each begins in reset."""
        port: Any = self
        sync: Any = ClockDomain("sync")
        unreset: Any = ClockDomain("unreset", reset_less=True)
        reset = Signal(init=1)
        m.domains += [sync, unreset]
        m.d.comb += unreset.clk.eq(port.aclk)
        m.d.unreset += reset.eq(~port.aresetn)
        if not self._options.core_clock:
            m.d.comb += [sync.clk.eq(port.aclk), sync.rst.eq(reset)]
            return
        bus: Any = ClockDomain("bus")
        m.domains += bus
        core_in_reset = Signal(init=1)
        m.d.comb += [bus.clk.eq(port.aclk), bus.rst.eq(reset | core_in_reset), sync.clk.eq(port.core_clk)]
        m.submodules.core_reset = AsyncFFSynchronizer(reset, sync.rst, o_domain="sync", stages=CORE_RESET_STAGES)
        m.submodules.core_reset_seen = FFSynchronizer(sync.rst, core_in_reset, o_domain="unreset", init=1)
