# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""How the accelerator sits on a board."""

from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Module, ResetSignal
from amaranth.lib import io, wiring

from ..sw.spec import Plan
from .accelerator import Accelerator
from .flows.flow import Flow
from .uart import UartLink


class BoardTop(wiring.Component):
    """The accelerator on a board: the board's clock through a loop to the planned frequency, and its serial line to the host.

    Parameters
    ----------
    plan: what to build
    flow: how bitstreams of the board's family are made
    frequency: of the accelerator's clock, in Hz
    baud: of the line, in bits a second
    """

    def __init__(self, *, plan: Plan, flow: Flow, frequency: float, baud: int) -> None:
        self._plan = plan
        self._flow = flow
        self._frequency = frequency
        self._baud = baud
        super().__init__({})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.clock = clock = self._flow.clock(platform, self._frequency)
        settings = clock.settings
        sync: Any = ClockDomain("sync", reset_less=self._flow.gated)
        m.domains += sync
        m.d.comb += ClockSignal().eq(clock.clock)
        if not self._flow.gated:
            m.d.comb += ResetSignal().eq(clock.reset)
        platform.add_clock_constraint(clock.clock, settings.output_hz)

        m.submodules.accelerator = accelerator = Accelerator(plan=self._plan)
        m.submodules.link = link = UartLink(average=self._plan.average, divisor=round(settings.output_hz / self._baud))
        wiring.connect(m, link.frames, accelerator.input)
        wiring.connect(m, accelerator.output, link.scores)
        pins = platform.request("uart", 0, dir="-")
        m.submodules.rx = rx = io.Buffer(io.Direction.Input, pins.rx)
        m.submodules.tx = tx = io.Buffer(io.Direction.Output, pins.tx)
        m.d.comb += [link.rx.eq(rx.i), tx.o.eq(link.tx)]
        return m
