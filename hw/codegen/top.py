# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The top module of generated Verilog: one component with its clock and reset as ports."""

from typing import Any

from amaranth.hdl import ClockDomain, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from ..module_names import FAST_CLOCK


class Top(wiring.Component):
    """A component with ``clk`` and ``rst`` as plain ports, and with ``fast_clk`` where it has lanes at twice the clock.

    The reset is registered once, so that no combinational logic depends on the port: hold it for two cycles, and use no stream before the
    second cycle after it has ended.

    Parameters
    ----------
    component: the component; all its members become members of the top
    fast: it has a domain ``fast``

    Members
    -------
    clk: ``In(1)``; rising edge
    rst: ``In(1)``; synchronous, active high
    fast_clk: ``In(1)``; only of a component with fast lanes: twice the frequency of ``clk``, and a rising edge at each of its edges
    """

    clk: Signal
    rst: Signal

    def __init__(self, *, component: wiring.Component, fast: bool = False) -> None:
        self._component = component
        self._fast = fast
        clocks = {"clk": In(1), "rst": In(1), **({FAST_CLOCK: In(1)} if fast else {})}
        super().__init__({**clocks, **component.signature.members})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        inner: Any = ClockDomain("sync")
        port: Any = ClockDomain("port", reset_less=True)
        m.domains += [inner, port]
        m.d.comb += [inner.clk.eq(self.clk), port.clk.eq(self.clk)]
        m.d.port += inner.rst.eq(self.rst)
        if self._fast:
            fast: Any = ClockDomain("fast")
            m.domains += fast
            m.d.comb += [fast.clk.eq(getattr(self, FAST_CLOCK)), fast.rst.eq(inner.rst)]
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
