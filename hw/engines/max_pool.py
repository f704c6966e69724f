# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Max pooling with stride 2."""

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
    """Max pooling with stride 2, at the pace of its input. It keeps one row of partial maxima.

    A 3x3 kernel without padding::

        output[c, y, x] = max of input[c, 2*y + 0..2, 2*x + 0..2]

    Columns: output tile j is the maximum of tiles 2j, 2j+1 and 2j+2. After the last tile comes the first one of the next lane, which
    has been kept. A single lane may have an odd number of tiles. With 4 tiles and 2 lanes::

        beat (tile)              0       1       2            3
        lane 0 has columns       0       1       2            3
        lane 1 has columns       4       5       6            7
        complete windows                         0-2 | 4-6    2-3 + first column of lane 1 | 6-7

    Rows: an even row ends one window and begins the next. The maximum of a window's first two rows is read back from memory when the
    third one comes. Windows that overhang the map see only what is there: pixels are never negative, and columns beyond it are zero.

    With padding, windows lie one row and one column earlier: odd rows and tiles end one window and begin the next. A 2x2 kernel has windows
    that begin in even rows and tiles and end in odd ones. Where the output size is rounded down, a last row or column that no window ends
    in is taken and ignored.

    Throughput: one input beat a cycle. Latency: LATENCY cycles from a window's last beat to its output.

    Parameters
    ----------
    spec: what to build

    Members
    -------
    input: ``In(pixel_stream(lanes))``, natural tile order
    output: ``Out(pixel_stream(lanes))``, half as many tiles, natural order; as many as columns with a single lane
    """

    LATENCY = 3 + SkidBuffer.LATENCY

    input: stream.Interface
    output: stream.Interface

    def __init__(self, *, spec: MaxPoolSpec) -> None:
        lanes, tiles = spec.source.lanes, spec.source.tiles
        halves = tiles == 2 * spec.output.tiles and not spec.pool.padding
        if lanes == 1:
            halves = spec.output.tiles == spec.pool.output_length(tiles)
        if lanes != spec.output.lanes or not halves or not spec.source.is_natural:
            raise ValueError("source must have the output's lanes and twice its tiles in natural order, or a single lane and its columns")
        self._spec = spec
        self._overlaps = spec.pool.kernel == 3
        """A row or column ends one window and begins the next: an even one, or with padding an odd one."""
        self._ends_odd = not self._overlaps or spec.pool.padding == 1
        """Windows end in odd rows and columns."""
        super().__init__({"input": In(pixel_stream(spec.source.lanes)), "output": Out(pixel_stream(spec.output.lanes))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec = self._spec
        lanes, tiles = spec.source.lanes, spec.source.tiles
        # The skid buffer ends the path of the sink's ready, on which the whole pipeline below depends.
        m.submodules.skid_buffer = skid_buffer = SkidBuffer(shape=pixel_beat(lanes))
        wiring.connect(m, skid_buffer.output, wiring.flipped(self.output))
        output: Any = skid_buffer.input.signature.flip().create()
        wiring.connect(m, output, skid_buffer.input)

        advance = Signal()
        beat_taken = Signal()
        m.d.comb += [
            self.input.ready.eq(advance),
            advance.eq(~output.valid | output.ready),
            beat_taken.eq(self.input.valid & advance),
        ]

        tile, channel, row = self._beat_position(m, beat_taken)
        last_tile = Signal()
        m.d.comb += last_tile.eq(tile == tiles - 1)

        # The columns of a window are complete, and its rows. A last one that is not among a window's may still be the last one there is.
        window, ends = self._ends_window(tile), self._ends_window(row)
        if self._last_ends_window(spec.output.tiles, tiles):
            window = last_tile | window
        if self._last_ends_window(spec.output_height, spec.height):
            ends = ends | ((~row[0] if self._ends_odd else row[0]) & (row == spec.height - 1))

        # Stage 1: the maximum over a window's columns, while the maximum of its earlier rows is read from memory.
        row_maximum = self._column_maximum(m, beat_taken, tile, last_tile)
        depth = spec.channels << ceil_log2(spec.output.tiles)
        partial_rows: memory.Memory = memory.Memory(shape=pixel_beat(lanes), depth=depth, init=[])
        m.submodules.partial_rows = partial_rows
        write = partial_rows.write_port()
        # An address is read again two cycles later at the earliest, in the cycle of its write; and then only if it is the only address.
        read = partial_rows.read_port(transparent_for=(write,) if depth == 1 else ())
        output_tile = Signal(range(max(2, spec.output.tiles)))
        m.d.comb += [
            output_tile.eq(tile[1:] if self._ends_odd else Mux(last_tile, spec.output.tiles - 1, tile[1:] - 1)),
            read.addr.eq(Cat(output_tile[: ceil_log2(spec.output.tiles)], channel)),
            read.en.eq(advance),
        ]
        flags = {"window": 1, "first_row": 1, "begins": 1, "ends": 1}
        stage_1: Any = Signal(data.StructLayout({**flags, "address": read.addr.shape(), "output_tile": output_tile.shape()}))
        with m.If(advance):
            m.d.sync += [
                stage_1.window.eq(beat_taken & window),
                stage_1.first_row.eq((row == 0) if self._overlaps else ~row[0]),
                stage_1.begins.eq(row[0] if spec.pool.padding else ~row[0]),
                stage_1.ends.eq(ends),
                stage_1.address.eq(read.addr),
                stage_1.output_tile.eq(output_tile),
            ]

        # Stage 2: a register behind the memory.
        stage_2: Any = Signal.like(stage_1)
        earlier_rows = Signal(pixel_beat(lanes), reset_less=True)
        present_row = Signal(pixel_beat(lanes), reset_less=True)
        with m.If(advance):
            m.d.sync += [stage_2.eq(stage_1), earlier_rows.eq(read.data), present_row.eq(row_maximum)]

        # Stage 3: the maximum over rows, to the output and back to memory. An even row is the first one of the next window.
        m.d.comb += [write.en.eq(advance & stage_2.window), write.addr.eq(stage_2.address)]
        with m.If(advance):
            m.d.sync += output.valid.eq(stage_2.window & stage_2.ends)
        in_map = [lookup([int(valid[lane]) for valid in spec.output.valid], stage_2.output_tile, 1) for lane in range(lanes)]
        for lane in range(lanes):
            maximum = Signal(8, name=f"maximum_{lane}")
            m.d.comb += maximum.eq(_maximum([Mux(stage_2.first_row, 0, earlier_rows[lane]), present_row[lane]]))
            m.d.comb += write.data[lane].eq(Mux(stage_2.begins, present_row[lane], maximum))
            with m.If(advance):
                m.d.sync += output.payload[lane].eq(Mux(in_map[lane], maximum, 0))
        return m

    def _ends_window(self, position: Signal) -> Value:
        """Whether a row or tile is the last one of a window that lies within the map."""
        return position[0] if self._ends_odd else ~position[0] & (position != 0)

    def _last_ends_window(self, windows: int, length: int) -> bool:
        """Whether the last of so many windows reaches the last row or tile."""
        return 2 * (windows - 1) - self._spec.pool.padding + self._spec.pool.kernel >= length

    def _beat_position(self, m: Module, beat_taken: Signal) -> tuple[Signal, Signal, Signal]:
        """Tile, channel and row of the present beat."""
        spec = self._spec
        tile = Signal(range(spec.source.tiles))
        channel = Signal(range(spec.channels))
        row = Signal(range(spec.height))
        with m.If(beat_taken):
            count_up(m, tile, spec.source.tiles)
            with m.If(tile == spec.source.tiles - 1):
                count_up(m, channel, spec.channels)
                with m.If(channel == spec.channels - 1):
                    count_up(m, row, spec.height)
        return tile, channel, row

    def _column_maximum(self, m: Module, beat_taken: Signal, tile: Signal, last_tile: Signal) -> Signal:
        """The maximum over the window's columns that ends with the beat, a cycle later."""
        lanes, tiles, pool = self._spec.source.lanes, self._spec.source.tiles, self._spec.pool
        pixels = [self.input.payload[lane] for lane in range(lanes)]
        partial = [Signal(8, name=f"partial_{lane}", reset_less=True) for lane in range(lanes)]
        first = [Signal(8, name=f"first_{lane}", reset_less=True) for lane in range(lanes)]
        row_maximum = Signal(pixel_beat(lanes), reset_less=True)
        within = ~tile[0] & (tile != 0) if pool.padding else tile[0]  # neither the first nor the last column of a 3x3 window
        with m.If(beat_taken):
            for lane in range(lanes):
                if not self._overlaps:
                    m.d.sync += partial[lane].eq(pixels[lane])
                    m.d.sync += row_maximum[lane].eq(_maximum([Mux(tile[0], partial[lane], 0), pixels[lane]]))
                    continue
                m.d.sync += partial[lane].eq(Mux(within, _maximum([partial[lane], pixels[lane]]), pixels[lane]))
                with m.If(tile == 0):
                    m.d.sync += first[lane].eq(pixels[lane])
                beyond_strip = first[lane + 1] if lane + 1 < lanes else 0
                earlier_tiles = [partial[lane]] if tiles > 1 else []
                m.d.sync += row_maximum[lane].eq(_maximum([*earlier_tiles, pixels[lane], Mux(last_tile, beyond_strip, 0)]))
        return row_maximum


def _maximum(values: Sequence[Value]) -> Value:
    result = values[0]
    for value in values[1:]:
        result = Mux(result > value, result, value)
    return result
