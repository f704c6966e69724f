# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Wishbone: the accesses of a bus as a stream of requests."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...sw.link.register_map import ADDRESS_BITS
from .signatures import INITIATOR, REQUEST

PORTS = {
    "cyc": In(1),
    "stb": In(1),
    "we": In(1),
    "adr": In(ADDRESS_BITS - 2),
    "sel": In(4),
    "dat_w": In(32),
    "dat_r": Out(32),
    "ack": Out(1),
    "err": Out(1),
}
"""The signals of a Wishbone B4 peripheral in classic cycles of 32 bits; addresses are those of words."""


class WishboneAdapter(wiring.Component):
    """Answers Wishbone's classic cycles, one access after the other, by ``ack`` or, where there is no register, by ``err``.

    A cycle that its initiator ends early is carried out and not answered. All outputs are registers.

    Members
    -------
    The signals of PORTS, and ``enable``, ``requests`` and ``responses`` as in ``AxiLiteAdapter``
    """

    cyc: Signal
    stb: Signal
    we: Signal
    adr: Signal
    sel: Signal
    dat_w: Signal
    dat_r: Signal
    ack: Signal
    err: Signal
    enable: Signal
    requests: stream.Interface
    responses: stream.Interface

    def __init__(self) -> None:
        super().__init__({**PORTS, "enable": In(1), **INITIATOR})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        request: Any = Signal(REQUEST)
        abandoned = Signal()  # the cycle ended before its answer
        m.d.comb += self.requests.payload.eq(request)
        m.d.sync += [self.ack.eq(0), self.err.eq(0), abandoned.eq(abandoned | ~self.cyc | ~self.stb)]
        with m.FSM():
            with m.State("idle"):
                m.d.sync += abandoned.eq(0)
                with m.If(self.enable & self.cyc & self.stb & ~self.ack & ~self.err):
                    m.d.sync += [request.address.eq(self.adr), request.write.eq(self.we)]
                    m.d.sync += [request.data.eq(self.dat_w), request.strobe.eq(self.sel)]
                    m.next = "request"
            with m.State("request"):
                m.d.comb += self.requests.valid.eq(1)
                with m.If(self.requests.ready):
                    m.next = "wait"
            with m.State("wait"):
                m.d.comb += self.responses.ready.eq(1)
                with m.If(self.responses.valid):
                    answered = self.cyc & self.stb & ~abandoned
                    m.d.sync += [
                        self.dat_r.eq(self.responses.payload.data),
                        self.ack.eq(answered & ~self.responses.payload.error),
                        self.err.eq(answered & self.responses.payload.error),
                    ]
                    m.next = "idle"
        return m
