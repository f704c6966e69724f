# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The top module of generated Verilog: one component with its clock and reset as ports."""

from typing import Any

from amaranth.hdl import ClockDomain, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In


class Top(wiring.Component):
    """A component with ``clk`` and ``rst`` as plain ports.

    The reset is registered once, so that no combinational logic depends on the port: hold it for two cycles, and use no stream before the
    second cycle after it has ended.

    Parameters
    ----------
    component: the component; all its members become members of the top

    Members
    -------
    clk: ``In(1)``; rising edge
    rst: ``In(1)``; synchronous, active high
    """

    clk: Signal
    rst: Signal

    def __init__(self, *, component: wiring.Component) -> None:
        self._component = component
        super().__init__({"clk": In(1), "rst": In(1), **component.signature.members})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        inner: Any = ClockDomain("sync")
        port: Any = ClockDomain("port", reset_less=True)
        m.domains += [inner, port]
        m.d.comb += [inner.clk.eq(self.clk), port.clk.eq(self.clk)]
        m.d.port += inner.rst.eq(self.rst)
        m.submodules.component = self._component
        for name, member in self._component.signature.members.items():
            outer, inside = getattr(self, name), getattr(self._component, name)
            if member.is_signature:
                wiring.connect(m, wiring.flipped(outer), inside)
            elif member.flow is In:
                m.d.comb += inside.eq(outer)
            else:
                m.d.comb += outer.eq(inside)
        return m
