# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The global average: the sum of each channel, which the host divides."""

from functools import reduce
from operator import add
from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ...sw.plan.nodes import GlobalSumSpec
from ..stream.signatures import pixel_stream
from ..utils import count_up


def score_layout(spec: GlobalSumSpec) -> data.StructLayout:
    """A score, and whether it is a frame's last."""
    return data.StructLayout({"score": unsigned(spec.score_bits), "last": 1})


def score_stream(spec: GlobalSumSpec) -> stream.Signature:
    """A stream of scores in the order of the channels; ``last`` marks a frame's last one."""
    return stream.Signature(score_layout(spec))


class GlobalSum(wiring.Component):
    """Sums each channel over all rows and columns and sends the sums while the last row comes.

    Throughput is one input word a cycle; latency 3 cycles.

    Parameters
    ----------
    spec: what to build

    Members
    -------
    input: ``In(words(lanes))``, any tile order
    output: ``Out(scores(spec))``
    """

    input: stream.Interface
    output: stream.Interface

    def __init__(self, *, spec: GlobalSumSpec) -> None:
        self._spec = spec
        super().__init__({"input": In(pixel_stream(spec.source.lanes)), "output": Out(score_stream(spec))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec = self._spec
        lanes, tiles = spec.source.lanes, spec.source.tiles
        advance, taken = Signal(), Signal()
        m.d.comb += [
            advance.eq(~self.output.valid | self.output.ready),
            self.input.ready.eq(advance),
            taken.eq(self.input.valid & advance),
        ]
        tile, channel, row = Signal(range(max(2, tiles))), Signal(range(max(2, spec.channels))), Signal(range(max(2, spec.height)))
        with m.If(taken):
            count_up(m, tile, tiles)
            with m.If(tile == tiles - 1):
                count_up(m, channel, spec.channels)
                with m.If(channel == spec.channels - 1):
                    count_up(m, row, spec.height)

        # Stage 1: the word's sum; the channel's sum so far is read.
        sums: memory.Memory = memory.Memory(shape=spec.score_bits, depth=spec.channels, init=[])
        m.submodules.sums = sums
        write = sums.write_port()
        # A word comes back two cycles after it was read at the soonest, while it is written: when there are two. One waits in the register.
        read = sums.read_port(transparent_for=(write,) if spec.channels * tiles == 2 else ())
        m.d.comb += [read.addr.eq(channel), read.en.eq(advance)]
        across = Signal(range(255 * lanes + 1), reset_less=True)
        flags = {"valid": 1, "starts_row": 1, "ends_row": 1, "top": 1, "bottom": 1, "end": 1}
        came: Any = Signal(data.StructLayout({**flags, "channel": channel.shape()}))
        with m.If(advance):
            m.d.sync += [
                across.eq(_sum([self.input.payload[lane] for lane in range(lanes)])),
                came.valid.eq(taken),
                came.starts_row.eq(tile == 0),
                came.ends_row.eq(tile == tiles - 1),
                came.top.eq(row == 0),
                came.bottom.eq(row == spec.height - 1),
                came.end.eq(channel == spec.channels - 1),
                came.channel.eq(channel),
            ]

        # Stage 2: the channel's sum over tiles.
        over_tiles, so_far = Signal(spec.score_bits, reset_less=True), Signal(spec.score_bits, reset_less=True)
        summed: Any = Signal.like(came)
        with m.If(advance):
            m.d.sync += summed.eq(came)
            with m.If(came.valid):
                m.d.sync += over_tiles.eq(Mux(came.starts_row, 0, over_tiles) + across)
            if spec.channels > 1:
                m.d.sync += so_far.eq(read.data)

        # Stage 3: over rows.
        over_rows = Signal(spec.score_bits)
        m.d.comb += [
            over_rows.eq(Mux(summed.top, 0, so_far) + over_tiles),
            write.en.eq(advance & summed.valid & summed.ends_row),
            write.addr.eq(summed.channel),
            write.data.eq(over_rows),
        ]
        if spec.channels == 1:
            with m.If(write.en):
                m.d.sync += so_far.eq(over_rows)
        with m.If(advance):
            m.d.sync += self.output.valid.eq(summed.valid & summed.ends_row & summed.bottom)
            m.d.sync += [self.output.payload.score.eq(over_rows), self.output.payload.last.eq(summed.end)]
        return m


def _sum(values: list[Value]) -> Value:
    """A balanced tree of adders."""
    while len(values) > 1:
        values = [reduce(add, values[place : place + 2]) for place in range(0, len(values), 2)]
    return values[0]
