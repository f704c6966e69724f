# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""3x3/2 max pooling."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ...sw.plan.nodes import MaxPoolSpec
from ..stream.signatures import pixel_beat, pixel_stream
from ..stream.skid_buffer import SkidBuffer
from ..utils import count_up, lookup


class MaxPoolEngine(wiring.Component):
    """Pools as words come, keeping one row of partial maxima.

    Columns: output tile j is the maximum of tiles 2j, 2j+1 and 2j+2; after the last tile comes the first of the lane beside; a single lane
    may have an odd number of tiles. Rows: an
    even row ends one window and begins the next. Windows that overhang see only what is there, as pixels are never negative and
    columns beyond the map are zero. Throughput is one input word a cycle; latency 4 cycles.

    Parameters
    ----------
    spec: what to build

    Members
    -------
    input: ``In(words(lanes))``, natural tile order
    output: ``Out(words(lanes))``, half as many tiles, natural order
    """

    input: stream.Interface
    output: stream.Interface

    def __init__(self, *, spec: MaxPoolSpec) -> None:
        lanes, tiles = spec.source.lanes, spec.source.tiles
        halves = tiles == 2 * spec.output.tiles or (lanes == 1 and max(1, tiles // 2) == spec.output.tiles)
        if lanes != spec.output.lanes or not halves or not spec.source.is_natural:
            raise ValueError("source must have the output's lanes and twice its tiles in natural order, or one more with a single lane")
        self._spec = spec
        super().__init__({"input": In(pixel_stream(spec.source.lanes)), "output": Out(pixel_stream(spec.output.lanes))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec = self._spec
        lanes, tiles = spec.source.lanes, spec.source.tiles
        # Whether the sink is ready reaches no further than this register.
        m.submodules.relay = relay = SkidBuffer(shape=pixel_beat(lanes))
        wiring.connect(m, relay.output, wiring.flipped(self.output))
        output: Any = relay.input.signature.flip().create()
        wiring.connect(m, output, relay.input)

        advance, taken = Signal(), Signal()
        m.d.comb += [
            advance.eq(~output.valid | output.ready),
            self.input.ready.eq(advance),
            taken.eq(self.input.valid & advance),
        ]

        # Where the word that comes belongs.
        tile, channel, row = Signal(range(tiles)), Signal(range(spec.channels)), Signal(range(spec.height))
        with m.If(taken):
            count_up(m, tile, tiles)
            with m.If(tile == tiles - 1):
                count_up(m, channel, spec.channels)
                with m.If(channel == spec.channels - 1):
                    count_up(m, row, spec.height)

        # Columns: the maximum so far of the window, and the first word for the end of the strip.
        pixels = [self.input.payload[lane] for lane in range(lanes)]
        so_far = [Signal(8, name=f"so_far_{lane}", reset_less=True) for lane in range(lanes)]
        first = [Signal(8, name=f"first_{lane}", reset_less=True) for lane in range(lanes)]
        across = Signal(pixel_beat(lanes), reset_less=True)
        last = Signal()
        m.d.comb += last.eq(tile == tiles - 1)
        with m.If(taken):
            for lane in range(lanes):
                m.d.sync += so_far[lane].eq(Mux(tile[0], _greatest([so_far[lane], pixels[lane]]), pixels[lane]))
                with m.If(tile == 0):
                    m.d.sync += first[lane].eq(pixels[lane])
                beside = first[lane + 1] if lane + 1 < lanes else 0
                before = [so_far[lane]] if tiles > 1 else []
                m.d.sync += across[lane].eq(_greatest([*before, pixels[lane], Mux(last, beside, 0)]))

        # Rows: the maximum so far is read with the word, and written back when both have passed a register.
        depth = spec.channels << ceil_log2(spec.output.tiles)
        rows: memory.Memory = memory.Memory(shape=pixel_beat(lanes), depth=depth, init=[])
        m.submodules.rows = rows
        write = rows.write_port()
        # A word comes back two cycles after it was read at the soonest, while it is written: when it is the only one.
        read = rows.read_port(transparent_for=(write,) if depth == 1 else ())
        place = Signal(range(max(2, spec.output.tiles)))
        m.d.comb += [
            place.eq(Mux(last, spec.output.tiles - 1, tile[1:] - 1)),
            read.addr.eq(Cat(place[: ceil_log2(spec.output.tiles)], channel)),
            read.en.eq(advance),
        ]
        flags = {"window": 1, "initial": 1, "begins": 1, "ends": 1}
        came: Any = Signal(data.StructLayout({**flags, "address": read.addr.shape(), "place": place.shape()}))
        with m.If(advance):
            m.d.sync += [
                came.window.eq(taken & (last | (~tile[0] & (tile != 0)))),  # a window's columns are complete
                came.initial.eq(row == 0),  # no maximum so far
                came.begins.eq(~row[0]),
                came.ends.eq((~row[0] & (row != 0)) | (row[0] & (row == spec.height - 1))),
                came.address.eq(read.addr),
                came.place.eq(place),
            ]
        joins: Any = Signal.like(came)
        above, now = Signal(pixel_beat(lanes), reset_less=True), Signal(pixel_beat(lanes), reset_less=True)
        with m.If(advance):
            m.d.sync += [joins.eq(came), above.eq(read.data), now.eq(across)]

        m.d.comb += [write.en.eq(advance & joins.window), write.addr.eq(joins.address)]
        with m.If(advance):
            m.d.sync += output.valid.eq(joins.window & joins.ends)
        inside = [lookup([int(valid[lane]) for valid in spec.output.valid], joins.place, 1) for lane in range(lanes)]
        for lane in range(lanes):
            greatest = Signal(8, name=f"greatest_{lane}")
            m.d.comb += greatest.eq(_greatest([Mux(joins.initial, 0, above[lane]), now[lane]]))
            m.d.comb += write.data[lane].eq(Mux(joins.begins, now[lane], greatest))
            with m.If(advance):
                m.d.sync += output.payload[lane].eq(Mux(inside[lane], greatest, 0))
        return m


def _greatest(values: Sequence[Value]) -> Value:
    result = values[0]
    for value in values[1:]:
        result = Mux(result > value, result, value)
    return result
