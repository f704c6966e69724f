# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""AXI4-Lite: the accesses of a bus as a stream of requests."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...sw.link.register_map import ADDRESS_BITS
from .signatures import INITIATOR

OKAY = 0b00
SLVERR = 0b10
"""The response where there is no register."""

PORTS = {
    "awaddr": In(ADDRESS_BITS),
    "awvalid": In(1),
    "awready": Out(1),
    "wdata": In(32),
    "wstrb": In(4),
    "wvalid": In(1),
    "wready": Out(1),
    "bresp": Out(2),
    "bvalid": Out(1),
    "bready": In(1),
    "araddr": In(ADDRESS_BITS),
    "arvalid": In(1),
    "arready": Out(1),
    "rdata": Out(32),
    "rresp": Out(2),
    "rvalid": Out(1),
    "rready": In(1),
}
"""The signals of an AXI4-Lite subordinate of 32 bits (Arm IHI 0022, chapter B1), without the optional protection type."""


class AxiLiteAdapter(wiring.Component):
    """Answers AXI4-Lite with the responses to its requests, one access after the other; reads and writes take turns.

    Address and data of a write may come in any order. All outputs are registers, so no combinational path leads through it.

    Members
    -------
    The signals of PORTS, and

    enable: ``In(1)``; addresses and data are taken. 0 in a reset, as a bus may begin before the reset has reached all registers
    requests: ``Out(stream.Signature(REQUEST))``
    responses: ``In(stream.Signature(RESPONSE))``; one for each request
    """

    awaddr: Signal
    awvalid: Signal
    awready: Signal
    wdata: Signal
    wstrb: Signal
    wvalid: Signal
    wready: Signal
    bresp: Signal
    bvalid: Signal
    bready: Signal
    araddr: Signal
    arvalid: Signal
    arready: Signal
    rdata: Signal
    rresp: Signal
    rvalid: Signal
    rready: Signal
    enable: Signal
    requests: stream.Interface
    responses: stream.Interface

    def __init__(self) -> None:
        super().__init__({**PORTS, "enable": In(1), **INITIATOR})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        write_address = Signal(ADDRESS_BITS - 2)
        read_address = Signal(ADDRESS_BITS - 2)
        write_data = Signal(32)
        strobe = Signal(4)
        has_write_address = Signal()
        has_write_data = Signal()
        has_read_address = Signal()
        has_write = Signal()
        reading = Signal()  # a request is offered, which stays as it is
        read_next = Signal()  # reads come first: the last access was a write
        m.d.comb += [
            has_write.eq(has_write_address & has_write_data),
            self.awready.eq(self.enable & ~has_write_address),
            self.wready.eq(self.enable & ~has_write_data & ~reading),
            self.arready.eq(self.enable & ~has_read_address),
        ]
        with m.If(self.awvalid & self.awready):
            m.d.sync += [has_write_address.eq(1), write_address.eq(self.awaddr[2:])]
        with m.If(self.wvalid & self.wready):
            m.d.sync += [has_write_data.eq(1), write_data.eq(self.wdata), strobe.eq(self.wstrb)]
        with m.If(self.arvalid & self.arready):
            m.d.sync += [has_read_address.eq(1), read_address.eq(self.araddr[2:])]

        request = self.requests.payload
        answer = self.responses.payload
        m.d.comb += [request.data.eq(write_data), request.strobe.eq(strobe), request.address.eq(read_address)]
        with m.FSM():
            with m.State("idle"):
                with m.If(has_write & ~(has_read_address & read_next)):
                    m.next = "write"
                with m.Elif(has_read_address):
                    m.next = "read"
            with m.State("write"):
                m.d.comb += [self.requests.valid.eq(1), request.write.eq(1), request.address.eq(write_address)]
                with m.If(self.requests.ready):
                    m.next = "written"
            with m.State("written"):
                m.d.comb += self.responses.ready.eq(1)
                with m.If(self.responses.valid):
                    m.d.sync += [self.bvalid.eq(1), self.bresp.eq(answer.error << 1), read_next.eq(1)]
                    m.d.sync += [has_write_address.eq(0), has_write_data.eq(0)]
                    m.next = "respond"
            with m.State("read"):
                m.d.comb += [self.requests.valid.eq(1), reading.eq(1)]
                with m.If(self.requests.ready):
                    m.next = "has_read"
            with m.State("has_read"):
                m.d.comb += self.responses.ready.eq(1)
                with m.If(self.responses.valid):
                    m.d.sync += [self.rvalid.eq(1), self.rresp.eq(answer.error << 1), self.rdata.eq(answer.data)]
                    m.d.sync += [has_read_address.eq(0), read_next.eq(0)]
                    m.next = "respond"
            with m.State("respond"), m.If((self.bvalid & self.bready) | (self.rvalid & self.rready)):
                m.d.sync += [self.bvalid.eq(0), self.rvalid.eq(0)]
                m.next = "idle"
        return m
