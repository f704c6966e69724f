# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A skid buffer: a register slice for any stream."""

from amaranth.hdl import Module, Mux, ShapeLike, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


class SkidBuffer(wiring.Component):
    """A register in a stream, for payload, valid and ready alike, so that no logic reaches from one side to the other.

    Latency 1 cycle, throughput one payload a cycle.

    Parameters
    ----------
    shape: of a payload

    Members
    -------
    input: ``In(stream.Signature(shape))``
    output: ``Out(stream.Signature(shape))``
    """

    input: stream.Interface
    output: stream.Interface

    def __init__(self, *, shape: ShapeLike) -> None:
        super().__init__({"input": In(stream.Signature(shape)), "output": Out(stream.Signature(shape))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        payload = Value.cast(self.input.payload)
        spare, taken = Signal(payload.shape(), reset_less=True), Signal()  # what came while the output had to wait
        m.d.comb += self.input.ready.eq(~taken)
        with m.If(~self.output.valid | self.output.ready):
            m.d.sync += [self.output.valid.eq(taken | self.input.valid), taken.eq(0)]
            m.d.sync += Value.cast(self.output.payload).eq(Mux(taken, spare, payload))
        with m.Elif(self.input.valid & ~taken):
            m.d.sync += [taken.eq(1), spare.eq(payload)]
        return m
