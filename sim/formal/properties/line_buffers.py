# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Line buffers: what is read is what was written."""

from collections.abc import Callable

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.utils import ceil_log2

from ....hw.engines import banked_memory, line_buffer
from ....hw.engines.line_buffer import READ_LATENCY, LineBuffer
from ....sw.plan.lane_layout import LaneLayout
from ..bench import Bench, transfer
from ..proof import Fault, Proof

CHANNELS = 2


def advance(m: Module, counter: Signal, count: int) -> None:
    """Advance a counter modulo ``count``."""
    m.d.sync += counter.eq(Mux(counter == count - 1, 0, counter + 1))


def reading(
    source: LaneLayout, target: LaneLayout, *, slots: int, readers: int = 1, channels_last: bool = False, banked: bool = False
) -> Callable[[Bench], None]:
    """The proof of a line buffer: ``source`` is the layout of its input, ``target`` that of its words.

    A pixel of any slot, channel and column is watched. A pixel has one bit: the buffer does not look at pixels.
    """

    def build(bench: Bench) -> None:
        """Each reader finds each pixel of every row that it has not released where its layout has it, and no other one in its place."""
        m = bench.m
        m.submodules.dut = dut = LineBuffer(
            source=source,
            channels_last=channels_last,
            channels=CHANNELS,
            tiles=target.tiles,
            lanes=target.lanes,
            slots=slots,
            readers=readers,
            banked=banked,
        )
        m.d.comb += dut.input.valid.eq(bench.free(1, "input_valid"))
        m.d.comb += (pixel.eq(bench.free(1, f"input_{lane}")) for lane, pixel in enumerate(dut.input.payload))
        taken = transfer(dut.input)

        # The place of the next beat in the stream.
        beats = source.width if channels_last else source.tiles
        slot, channel, beat = Signal(range(slots)), Signal(range(CHANNELS)), Signal(range(max(2, beats)))
        loops = [(channel, CHANNELS), (beat, beats)] if channels_last else [(beat, beats), (channel, CHANNELS)]
        (inner, inner_count), (outer, outer_count) = loops
        row_taken = taken & (inner == inner_count - 1) & (outer == outer_count - 1)
        with m.If(taken):
            advance(m, inner, inner_count)
            with m.If(inner == inner_count - 1):
                advance(m, outer, outer_count)
        with m.If(row_taken):
            advance(m, slot, slots)

        # The pixel that is watched: what was last written to its place.
        columns = target.lanes * target.tiles
        its_slot, its_channel = bench.constant(range(slots), "its_slot"), bench.constant(range(CHANNELS), "its_channel")
        its_column = bench.constant(range(max(2, columns)), "its_column")
        bench.assume((its_slot < slots) & (its_column < columns), "the watched pixel has a place")
        pixel = Signal()
        beat_columns = [[column] for column in range(beats)] if channels_last else source.columns.tolist()
        with m.If(taken & (slot == its_slot) & (channel == its_channel)):
            for index, brought in enumerate(beat_columns):
                for lane, column in enumerate(brought):
                    with m.If((beat == index) & (its_column == column)):
                        m.d.sync += pixel.eq(dut.input.payload[lane][0])

        # Its address, and what a reader sees there, in any cycle that it likes.
        its_tile, its_lane = Signal(ceil_log2(target.tiles)), Signal(range(max(2, target.lanes)))
        with m.Switch(its_column):
            for column in range(columns):
                with m.Case(column):
                    m.d.comb += [its_tile.eq(column % target.tiles), its_lane.eq(column // target.tiles)]
        address = Cat(its_tile, its_channel[: ceil_log2(CHANNELS)], its_slot[: ceil_log2(slots)])
        for number, reader in enumerate(dut.readers):
            release = bench.free(1, f"release_{number}")
            bench.assume(~release | (reader.available != 0), "a reader releases only what is there")
            m.d.comb += [reader.release.eq(release), reader.address.eq(bench.free(len(reader.address), f"address_{number}"))]
            oldest = Signal(range(slots), name=f"oldest_{number}")
            with m.If(release):
                advance(m, oldest, slots)
            rows = bench.count(row_taken, release, slots, f"rows_{number}")
            bench.ensure(reader.available <= rows, "no more rows are available than have come and are not released")
            # The row may be read in the cycle after it was available, unless it was released in it or the reader is held.
            age = Mux(its_slot >= oldest, its_slot - oldest, its_slot + slots - oldest)
            held = bench.past(reader.hold, f"held_{number}")
            unreleased = bench.past(reader.available - release, f"unreleased_{number}")
            reads: Value = (reader.address == address) & (age < unreleased) & ~held
            expected: Value = pixel
            for stage in range(READ_LATENCY):
                reads = bench.past(reads, f"reads_{number}_{stage}")
                expected = bench.past(expected, f"expected_{number}_{stage}")
            with m.If(reads):
                word = Value.cast(reader.data)
                bench.ensure(word.word_select(its_lane, 8) == expected, "the watched pixel is read as it was written")
            bench.reaches(reads & expected)
            _becomes_available(bench, number, reader.available, rows, row_taken | release)
        bench.reaches(rows == slots)

    return build


def _becomes_available(bench: Bench, number: int, available: Value, rows: Value, event: Value) -> None:
    """No row is lost: some cycles after the last beat or release, all rows that have come are available."""
    quiet = Signal(3, name=f"quiet_{number}")
    bench.m.d.sync += quiet.eq(Mux(event, 0, Mux(quiet == 7, 7, quiet + 1)))
    with bench.m.If(quiet > 3):
        bench.ensure(available == rows, "every row that has come becomes available")


def row(lanes: int, tiles: int, width: int | None = None) -> LaneLayout:
    """A layout in natural order, of full width unless given."""
    return LaneLayout.natural(lanes=lanes, tiles=tiles, width=width or lanes * tiles)


COUNTS = (
    Fault(line_buffer, "count.eq(reader.available + slot_filled - reader.release)", "count.eq(reader.available + slot_filled)"),
    Fault(line_buffer, "Cat(count == self._slots for count in next_available).any()", "(next_available[0] == self._slots + 1)"),
)
LATE_WRITE = Fault(line_buffer, "m.d.sync += [write_port.addr.eq(write.address)", "m.d.sync += [write_port.addr.eq(0)")
SCATTER = Fault(line_buffer, "lane_in_strip == lane % self._lanes_per_strip", "lane_in_strip == lane % self._lanes_per_strip + 1")
TWO_READERS = (
    Fault(line_buffer, "self.input.ready.eq(~all_filled & ~waiting & ~fills_slot)", "self.input.ready.eq(~all_filled & ~waiting)"),
    Fault(line_buffer, "self.readers[0].hold.eq(waiting)", "self.readers[0].hold.eq(0)"),
    Fault(line_buffer, "Cat(count == self._slots for count in next_available).any()", "(next_available[0] == self._slots)"),
)
BANKS = (Fault(banked_memory, "selected_address.eq(self.read_address)", "selected_address.eq(0)"),)
PACKING = (Fault(line_buffer, "newest_first[beats - 1 - beat]", "newest_first[beat]"),)

PROOFS = (
    Proof("line_buffer", reading(row(2, 2), row(2, 2), slots=3), (*COUNTS, LATE_WRITE), "whole words, 3 slots"),
    Proof(
        "line_buffer_banked",
        reading(row(1, 3), row(1, 3), slots=3, banked=True),
        (*COUNTS, *BANKS),
        "whole words, 2 banks, 3 slots",
    ),
    Proof("line_buffer_two_readers", reading(row(1, 2), row(1, 2), slots=2, readers=2), TWO_READERS, "whole words, 2 slots, 2 readers"),
    Proof("line_buffer_scattered", reading(row(2, 4), row(4, 2), slots=2), (SCATTER,), "2 lanes to 4, 2 slots"),
    Proof(
        "line_buffer_image",
        reading(row(1, 5), row(3, 2), slots=2, channels_last=True),
        (SCATTER,),
        "pixels in HWC order to 3 lanes, 2 slots",
    ),
    Proof("line_buffer_packed", reading(row(1, 3), row(4, 1), slots=2), PACKING, "single pixels to words of 4, 2 slots"),
    Proof(
        "line_buffer_packed_two_readers",
        reading(row(1, 3), row(3, 1), slots=2, readers=2),
        (*PACKING, TWO_READERS[1]),
        "single pixels to words of 3, 2 slots, 2 readers",
    ),
)
