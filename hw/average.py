# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The global average: the sum of each channel, which the host divides."""

from functools import reduce
from operator import add

from amaranth.hdl import Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ..sw.spec import AverageSpec
from .words import count_up, words


def score_layout(spec: AverageSpec) -> data.StructLayout:
    """A score, and whether it is a frame's last."""
    return data.StructLayout({"score": unsigned(spec.score_bits), "last": 1})


def scores(spec: AverageSpec) -> stream.Signature:
    """A stream of scores in the order of the channels; ``last`` marks a frame's last one."""
    return stream.Signature(score_layout(spec))


class GlobalSum(wiring.Component):
    """Sums each channel over all rows and columns and sends the sums while the last row comes.

    Throughput is one input word a cycle; latency 2 cycles.

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

    def __init__(self, *, spec: AverageSpec) -> None:
        self._spec = spec
        super().__init__({"input": In(words(spec.source.lanes)), "output": Out(scores(spec))})

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
        read = sums.read_port(transparent_for=(write,) if spec.channels * tiles == 1 else ())
        m.d.comb += [read.addr.eq(channel), read.en.eq(advance)]
        across = Signal(range(255 * lanes + 1), reset_less=True)
        valid, starts_row, ends_row, top, bottom, end = (Signal() for _ in range(6))
        channel_1 = Signal.like(channel)
        with m.If(advance):
            m.d.sync += [
                valid.eq(taken),
                across.eq(_sum([self.input.payload[lane] for lane in range(lanes)])),
                starts_row.eq(tile == 0),
                ends_row.eq(tile == tiles - 1),
                top.eq(row == 0),
                bottom.eq(row == spec.height - 1),
                end.eq(channel == spec.channels - 1),
                channel_1.eq(channel),
            ]

        # Stage 2: the channel's sum over tiles, then over rows.
        so_far = Signal(spec.score_bits, reset_less=True)
        over_tiles, over_rows = Signal(spec.score_bits), Signal(spec.score_bits)
        m.d.comb += [
            over_tiles.eq(Mux(starts_row, 0, so_far) + across),
            over_rows.eq(Mux(top, 0, read.data) + over_tiles),
            write.en.eq(advance & valid & ends_row),
            write.addr.eq(channel_1),
            write.data.eq(over_rows),
        ]
        with m.If(advance):
            m.d.sync += self.output.valid.eq(valid & ends_row & bottom)
            m.d.sync += [self.output.payload.score.eq(over_rows), self.output.payload.last.eq(end)]
            with m.If(valid):
                m.d.sync += so_far.eq(over_tiles)
        return m


def _sum(values: list[Value]) -> Value:
    """A balanced tree of adders."""
    while len(values) > 1:
        values = [reduce(add, values[place : place + 2]) for place in range(0, len(values), 2)]
    return values[0]
