# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""How the accelerator sits on a board."""

from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Module, ResetSignal
from amaranth.lib import io, wiring

from ..sw.link.identity import identity_of
from ..sw.link.packets import BAUD
from ..sw.model import Model
from ..sw.spec import Plan
from .flows.flow import Flow
from .link.device import LinkedAccelerator
from .uart import SerialPort


class BoardTop(wiring.Component):
    """The accelerator on a board: the board's clock through a loop to the planned frequency, and its serial line to the host.

    Parameters
    ----------
    plan: what to build
    model: what the plan was made of, for the host to know
    flow: how bitstreams of the board's family are made
    frequency: of the accelerator's clock, in Hz
    """

    def __init__(self, *, plan: Plan, model: Model, flow: Flow, frequency: float) -> None:
        self._plan = plan
        self._model = model
        self._flow = flow
        self._frequency = frequency
        super().__init__({})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        settings = self._flow.settings(platform, self._frequency)
        m.submodules.clock = clock = self._flow.clock(platform, settings)
        sync: Any = ClockDomain("sync", reset_less=self._flow.gated)
        m.domains += sync
        m.d.comb += ClockSignal().eq(clock.clock)
        if not self._flow.gated:
            m.d.comb += ResetSignal().eq(clock.reset)
        platform.add_clock_constraint(clock.clock, settings.output_hz)

        divisor = round(settings.output_hz / BAUD)
        identity = identity_of(self._model, self._plan, settings.output_hz)
        m.submodules.device = device = LinkedAccelerator(plan=self._plan, identity=identity, divisor=divisor)
        m.submodules.port = port = SerialPort(divisor=divisor)
        wiring.connect(m, device.sent, port.sent)
        pins = platform.request("uart", 0, dir="-")
        m.submodules.rx = rx = io.Buffer(io.Direction.Input, pins.rx)
        m.submodules.tx = tx = io.Buffer(io.Direction.Output, pins.tx)
        m.d.comb += [
            device.received.valid.eq(port.received.valid),
            device.received.payload.eq(port.received.payload),
            port.divisor.eq(device.divisor),
            device.slow.eq(port.slow),
            port.rx.eq(rx.i),
            tx.o.eq(port.tx),
        ]
        return m
