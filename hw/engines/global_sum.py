# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The global average: the hardware sums each channel, the host divides."""

from functools import reduce
from operator import add
from typing import Any

from amaranth.hdl import Module, Mux, Shape, Signal, Value
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ...sw.plan.nodes import GlobalSumSpec
from ..stream.signatures import pixel_stream
from ..utils import count_up


def score_layout(spec: GlobalSumSpec) -> data.StructLayout:
    """A score, and whether it is the last one of its frame."""
    return data.StructLayout({"score": Shape(spec.score_bits, spec.score_signed), "last": 1})


def score_stream(spec: GlobalSumSpec) -> stream.Signature:
    """A stream of scores in the order of the channels; ``last`` marks the last one of a frame."""
    return stream.Signature(score_layout(spec))


class GlobalSum(wiring.Component):
    """Sums each channel over all rows and columns, and sends the sums while the last row arrives.

    ::

        score[c] = sum over rows y, columns x of input[c, y, x] - zero_point

    The zero points of all positions are one constant, which the sum over the rows starts from; with them a score is signed.

    The sum is built in three steps, each a pipeline stage: over the lanes of a beat, over the tiles of a row, over the rows. The last one
    keeps a partial sum of each channel in memory.

    Throughput: one input beat a cycle. Latency: LATENCY cycles.

    Parameters
    ----------
    spec: what to build

    Members
    -------
    input: ``In(pixel_stream(lanes))``, any tile order
    output: ``Out(score_stream(spec))``
    """

    LATENCY = 3

    input: stream.Interface
    output: stream.Interface

    def __init__(self, *, spec: GlobalSumSpec) -> None:
        self._spec = spec
        super().__init__({"input": In(pixel_stream(spec.source.lanes)), "output": Out(score_stream(spec))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec = self._spec
        lanes, tiles = spec.source.lanes, spec.source.tiles
        advance = Signal()
        beat_taken = Signal()
        m.d.comb += [
            self.input.ready.eq(advance),
            advance.eq(~self.output.valid | self.output.ready),
            beat_taken.eq(self.input.valid & advance),
        ]
        tile = Signal(range(max(2, tiles)))
        channel = Signal(range(max(2, spec.channels)))
        row = Signal(range(max(2, spec.height)))
        with m.If(beat_taken):
            count_up(m, tile, tiles)
            with m.If(tile == tiles - 1):
                count_up(m, channel, spec.channels)
                with m.If(channel == spec.channels - 1):
                    count_up(m, row, spec.height)

        # Stage 1: the sum over the lanes, while the channel's partial sum is read from memory.
        partial_sums: memory.Memory = memory.Memory(shape=spec.score_bits, depth=spec.channels, init=[])
        m.submodules.partial_sums = partial_sums
        write = partial_sums.write_port()
        # With two beats a row, a channel is read again in the cycle of its write. The sum of a single channel stays in a register instead.
        read = partial_sums.read_port(transparent_for=(write,) if spec.channels * tiles == 2 else ())
        m.d.comb += [read.addr.eq(channel), read.en.eq(advance)]
        lane_sum = Signal(range(255 * lanes + 1), reset_less=True)
        flags = {"valid": 1, "starts_row": 1, "ends_row": 1, "first_row": 1, "last_row": 1, "last_channel": 1}
        stage_1: Any = Signal(data.StructLayout({**flags, "channel": channel.shape()}))
        with m.If(advance):
            m.d.sync += [
                lane_sum.eq(_sum([self.input.payload[lane] for lane in range(lanes)])),
                stage_1.valid.eq(beat_taken),
                stage_1.starts_row.eq(tile == 0),
                stage_1.ends_row.eq(tile == tiles - 1),
                stage_1.first_row.eq(row == 0),
                stage_1.last_row.eq(row == spec.height - 1),
                stage_1.last_channel.eq(channel == spec.channels - 1),
                stage_1.channel.eq(channel),
            ]

        # Stage 2: the sum over the tiles of a row.
        tile_sum = Signal(spec.score_bits, reset_less=True)
        earlier_rows = Signal(spec.score_bits, reset_less=True)
        stage_2: Any = Signal.like(stage_1)
        with m.If(advance):
            m.d.sync += stage_2.eq(stage_1)
            with m.If(stage_1.valid):
                m.d.sync += tile_sum.eq(Mux(stage_1.starts_row, 0, tile_sum) + lane_sum)
            if spec.channels > 1:
                m.d.sync += earlier_rows.eq(read.data)

        # Stage 3: the sum over the rows, to the output and back to memory.
        row_sum = Signal(spec.score_bits)
        m.d.comb += [
            row_sum.eq(Mux(stage_2.first_row, spec.offset % (1 << spec.score_bits), earlier_rows) + tile_sum),  # modulo 2^bits
            write.en.eq(advance & stage_2.valid & stage_2.ends_row),
            write.addr.eq(stage_2.channel),
            write.data.eq(row_sum),
        ]
        if spec.channels == 1:
            with m.If(write.en):
                m.d.sync += earlier_rows.eq(row_sum)
        with m.If(advance):
            m.d.sync += self.output.valid.eq(stage_2.valid & stage_2.ends_row & stage_2.last_row)
            m.d.sync += [self.output.payload.score.eq(row_sum), self.output.payload.last.eq(stage_2.last_channel)]
        return m


def _sum(values: list[Value]) -> Value:
    """A balanced tree of adders."""
    while len(values) > 1:
        values = [reduce(add, values[index : index + 2]) for index in range(0, len(values), 2)]
    return values[0]
