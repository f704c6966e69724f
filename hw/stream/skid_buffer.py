# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A skid buffer: a register slice for any stream."""

from amaranth.hdl import Module, Mux, ShapeLike, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


class SkidBuffer(wiring.Component):
    """Registers payload, valid and ready of a stream, so that no combinational path leads from one side to the other.

    ``input.ready`` comes from a register, so it can fall only one cycle after the output stalls. The payload that arrives in that cycle
    waits in a spare register::

        cycle          0   1   2   3   4
        input          a   b   c   c   d
        input.ready    1   1   0   1   1
        spare          -   -   b   -   -
        output         -   a   a   b   c
        output.ready   1   0   1   1   1

    Latency: LATENCY cycle. Throughput: one payload a cycle.

    Parameters
    ----------
    shape: shape of a payload

    Members
    -------
    input: ``In(stream.Signature(shape))``
    output: ``Out(stream.Signature(shape))``
    """

    LATENCY = 1

    input: stream.Interface
    output: stream.Interface

    def __init__(self, *, shape: ShapeLike) -> None:
        super().__init__({"input": In(stream.Signature(shape)), "output": Out(stream.Signature(shape))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        payload = Value.cast(self.input.payload)
        spare = Signal(payload.shape(), reset_less=True)
        spare_full = Signal(name="spare_full")  # looked up by weights/probes.py
        m.d.comb += self.input.ready.eq(~spare_full)
        with m.If(~self.output.valid | self.output.ready):
            m.d.sync += [self.output.valid.eq(spare_full | self.input.valid), spare_full.eq(0)]
            m.d.sync += Value.cast(self.output.payload).eq(Mux(spare_full, spare, payload))
        with m.Elif(self.input.valid & ~spare_full):
            m.d.sync += [spare_full.eq(1), spare.eq(payload)]
        return m
