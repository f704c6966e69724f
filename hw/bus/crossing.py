# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A stream from one clock to another."""

from amaranth.hdl import Module, ShapeLike, Value
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out


class Crossing(wiring.Component):
    """An asynchronous FIFO with stream interfaces.

    Latency: a cycle of the writer's clock and SYNCHRONISER_CYCLES of the reader's. Throughput: with a depth of 16, a payload a cycle of
    the slower clock. A reset of the writer's domain must come with one of the reader's.

    Parameters
    ----------
    shape: shape of a payload
    depth: number of payloads that it holds, a power of 2
    writer: clock domain of ``input``
    reader: clock domain of ``output``

    Members
    -------
    input: ``In(stream.Signature(shape))``
    output: ``Out(stream.Signature(shape))``
    """

    SYNCHRONISER_CYCLES = 3

    input: stream.Interface
    output: stream.Interface

    def __init__(self, *, shape: ShapeLike, depth: int, writer: str, reader: str) -> None:
        self._depth = depth
        self._domains = {"w_domain": writer, "r_domain": reader}
        super().__init__({"input": In(stream.Signature(shape)), "output": Out(stream.Signature(shape))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        width = Value.cast(self.input.payload).shape().width
        m.submodules.fifo = crossing = fifo.AsyncFIFO(width=width, depth=self._depth, exact_depth=True, **self._domains)
        m.d.comb += [
            crossing.w_data.eq(Value.cast(self.input.payload)),
            crossing.w_en.eq(self.input.valid),
            self.input.ready.eq(crossing.w_rdy),
            Value.cast(self.output.payload).eq(crossing.r_data),
            self.output.valid.eq(crossing.r_rdy),
            crossing.r_en.eq(self.output.ready),
        ]
        return m
