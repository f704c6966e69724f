# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A FIFO for any stream."""

from amaranth.hdl import Module, ShapeLike, Value
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out


class Fifo(wiring.Component):
    """A first-in first-out buffer for any stream: Amaranth's FIFOs with stream interfaces.

    Latency: LATENCY cycles, or BLOCK_RAM_LATENCY in block RAM. Throughput: one payload a cycle; in block RAM this needs a depth of 3.

    Parameters
    ----------
    shape: shape of a payload
    depth: number of payloads that it holds, at least 2
    block: whether the payloads lie in block RAM

    Members
    -------
    input: ``In(stream.Signature(shape))``
    output: ``Out(stream.Signature(shape))``
    """

    LATENCY = 1
    BLOCK_RAM_LATENCY = 2

    input: stream.Interface
    output: stream.Interface

    def __init__(self, *, shape: ShapeLike, depth: int, block: bool = False) -> None:
        if depth < 2:
            raise ValueError(f"depth must be at least 2, not {depth}")
        self._depth = depth
        self._fifo = fifo.SyncFIFOBuffered if block else fifo.SyncFIFO
        super().__init__({"input": In(stream.Signature(shape)), "output": Out(stream.Signature(shape))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.fifo = sync_fifo = self._fifo(width=Value.cast(self.input.payload).shape().width, depth=self._depth)
        m.d.comb += [
            sync_fifo.w_data.eq(Value.cast(self.input.payload)),
            sync_fifo.w_en.eq(self.input.valid),
            self.input.ready.eq(sync_fifo.w_rdy),
            Value.cast(self.output.payload).eq(sync_fifo.r_data),
            self.output.valid.eq(sync_fifo.r_rdy),
            sync_fifo.r_en.eq(self.output.ready),
        ]
        return m
