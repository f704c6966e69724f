# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Stream adapters between engines: width converter, serialiser, broadcast and round-robin interleaver."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ...sw.plan.nodes import DownsizerSpec, SerializerSpec
from ..utils import count_up, lookup
from .signatures import pixel_beat, pixel_stream

MIN_SERIALIZER_DEPTH = 16
"""Depth of a serialiser's memory, unless two rows need more: what one LUT of distributed RAM holds."""


class Downsizer(wiring.Component):
    """A width converter: splits each beat into ``ratio`` beats of fewer lanes (``LaneLayout.downsized``).

    New lane l sends the old lanes l*ratio, l*ratio + 1, ... one after the other::

        input    (a b c d)
        output   (a c) (b d)      4 lanes to 2, ratio 2

    It is combinational apart from the counter of parts. Latency: LATENCY cycles. Throughput: one output beat a cycle.

    Parameters
    ----------
    spec: what to build

    Members
    -------
    input: ``In(pixel_stream(spec.source.lanes))``
    output: ``Out(pixel_stream(spec.lanes))``
    """

    LATENCY = 0

    input: stream.Interface
    output: stream.Interface

    def __init__(self, *, spec: DownsizerSpec) -> None:
        self._spec = spec
        super().__init__({"input": In(pixel_stream(spec.source.lanes)), "output": Out(pixel_stream(spec.lanes))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        ratio = self._spec.source.lanes // self._spec.lanes
        part = Signal(range(ratio))
        m.d.comb += [
            self.output.valid.eq(self.input.valid),
            self.input.ready.eq(self.output.ready & (part == ratio - 1)),
        ]
        with m.If(self.output.valid & self.output.ready):
            count_up(m, part, ratio)
        with m.Switch(part):
            for number in range(ratio):
                with m.Case(number):
                    for lane in range(self._spec.lanes):
                        m.d.comb += self.output.payload[lane].eq(self.input.payload[lane * ratio + number])
        return m


class Serializer(wiring.Component):
    """Sends each channel's row pixel by pixel, from the first column to the last, while it receives the next row.

    Rows are written tile by tile into a ring of slots in distributed RAM and read strip by strip: all tiles of lane 0, all tiles of
    lane 1, and so on. A slot holds a row of one channel.

    Throughput: one beat in and one pixel out a cycle. Latency: LATENCY cycles from a row's last beat to its first pixel.

    Parameters
    ----------
    spec: what to build; its source has the natural tile order

    Members
    -------
    input: ``In(pixel_stream(spec.source.lanes))``
    output: ``Out(pixel_stream(1))``
    """

    LATENCY = 2

    input: stream.Interface
    output: stream.Interface

    def __init__(self, *, spec: SerializerSpec) -> None:
        if not spec.source.is_natural:
            raise ValueError("source must have its tiles in natural order")
        self._spec = spec
        super().__init__({"input": In(pixel_stream(spec.source.lanes)), "output": Out(pixel_stream(1))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        lanes, tiles, width = self._spec.source.lanes, self._spec.source.tiles, self._spec.source.width
        tile_bits = ceil_log2(tiles)
        slots = max(2, MIN_SERIALIZER_DEPTH >> tile_bits)
        ram: memory.Memory = memory.Memory(shape=pixel_beat(lanes), depth=slots << tile_bits, init=[], attrs={"ram_style": "distributed"})
        m.submodules.memory = ram
        write = ram.write_port()
        read = ram.read_port(domain="comb")
        slot_filled = Signal()
        slot_released = Signal()
        filled_slots = Signal(range(slots + 1))
        m.d.sync += filled_slots.eq(filled_slots + slot_filled - slot_released)

        # Write side: beat by beat into the oldest free slot.
        tile = Signal(range(max(2, tiles)))
        write_slot = Signal(range(slots))
        m.d.comb += [
            self.input.ready.eq(filled_slots != slots),
            write.en.eq(self.input.valid & self.input.ready),
            write.addr.eq(Cat(tile[:tile_bits], write_slot)),
            write.data.eq(self.input.payload),
            slot_filled.eq(write.en & (tile == tiles - 1)),
        ]
        with m.If(write.en):
            count_up(m, tile, tiles)
            with m.If(tile == tiles - 1):
                count_up(m, write_slot, slots)

        # Read side: lane after lane of the oldest filled slot; a row ends with the last column of the map.
        column = Signal(range(max(2, tiles)))  # within the strip of the lane
        lane = Signal(range(max(2, lanes)))
        read_slot = Signal(range(slots))
        last = (lane == (width - 1) // tiles) & (column == (width - 1) % tiles)
        m.d.comb += read.addr.eq(Cat(column[:tile_bits], read_slot))
        with m.If(~self.output.valid | self.output.ready):
            m.d.sync += self.output.valid.eq(filled_slots != 0)
            with m.Switch(lane):
                for number in range(lanes):
                    with m.Case(number):
                        m.d.sync += self.output.payload[0].eq(read.data[number])
            with m.If(filled_slots != 0):
                count_up(m, column, tiles)
                with m.If(column == tiles - 1):
                    count_up(m, lane, lanes)
                with m.If(last):
                    m.d.comb += slot_released.eq(1)
                    m.d.sync += [column.eq(0), lane.eq(0)]
                    count_up(m, read_slot, slots)
        return m


class Broadcast(wiring.Component):
    """Sends every beat to each of several outputs, which may take it in different cycles.

    ``done`` marks the outputs that have taken the present beat; the input advances when the last one takes it. Latency: LATENCY cycles.
    Throughput: one beat a cycle.

    Parameters
    ----------
    lanes: pixels in a beat
    count: number of outputs, ``output_0`` and so on

    Members
    -------
    input: ``In(pixel_stream(lanes))``
    output_0, output_1, ...: ``Out(pixel_stream(lanes))``
    """

    LATENCY = 0

    input: stream.Interface

    def __init__(self, *, lanes: int, count: int) -> None:
        self._count = count
        super().__init__({"input": In(pixel_stream(lanes)), **{f"output_{number}": Out(pixel_stream(lanes)) for number in range(count)}})

    @property
    def outputs(self) -> list[stream.Interface]:
        """The outputs in order."""
        return [getattr(self, f"output_{number}") for number in range(self._count)]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        done = Signal(self._count)
        takes = Signal(self._count)
        m.d.comb += self.input.ready.eq((done | takes).all())
        for number, output in enumerate(self.outputs):
            m.d.comb += [
                output.valid.eq(self.input.valid & ~done[number]),
                output.payload.eq(self.input.payload),
                takes[number].eq(output.ready),
            ]
        with m.If(self.input.valid):
            m.d.sync += done.eq(done | takes)
            with m.If(self.input.ready):
                m.d.sync += done.eq(0)
        return m


class Interleaver(wiring.Component):
    """A round-robin interleaver with a fixed schedule: in each round, each input that takes part sends the beats of one filter.

    With a schedule of (3, 2), inputs a, b, c and one beat a filter, the output is a b c a b, again and again. Inputs have different
    numbers of filters, so the last rounds of a row leave out the last inputs.

    Latency: LATENCY cycles. Throughput: one beat a cycle.

    Parameters
    ----------
    lanes: pixels in a beat
    tiles: beats of one filter
    schedule: for each round, the number of inputs, from the first on, that take part; the rounds repeat

    Members
    -------
    input_0, input_1, ...: ``In(pixel_stream(lanes))``
    output: ``Out(pixel_stream(lanes))``
    """

    LATENCY = 0

    output: stream.Interface

    def __init__(self, *, lanes: int, tiles: int, schedule: Sequence[int]) -> None:
        self._tiles = tiles
        self._schedule = tuple(schedule)
        super().__init__(
            {"output": Out(pixel_stream(lanes)), **{f"input_{number}": In(pixel_stream(lanes)) for number in range(max(schedule))}}
        )

    @property
    def inputs(self) -> list[stream.Interface]:
        """The inputs in order."""
        return [getattr(self, f"input_{number}") for number in range(max(self._schedule))]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        count = max(self._schedule)
        tile = Signal(range(max(2, self._tiles)))
        selected = Signal(range(max(2, count)))
        round_index = Signal(range(max(2, len(self._schedule))))
        with m.Switch(selected):
            for number, source in enumerate(self.inputs):
                with m.Case(number):
                    m.d.comb += [
                        self.output.valid.eq(source.valid),
                        self.output.payload.eq(source.payload),
                        source.ready.eq(self.output.ready),
                    ]
        last = lookup([inputs - 1 for inputs in self._schedule], round_index, len(selected))
        with m.If(self.output.valid & self.output.ready):
            count_up(m, tile, self._tiles)
            with m.If(tile == self._tiles - 1):
                m.d.sync += selected.eq(selected + 1)
                with m.If(selected == last):
                    m.d.sync += selected.eq(0)
                    count_up(m, round_index, len(self._schedule))
        return m
