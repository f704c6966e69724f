# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The line buffer: a ring of input rows (for squeeze engines, of channels of a row) that an engine reads its pixels from."""

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ...sw.plan.lane_layout import LaneLayout
from ...sw.plan.memory_mapping import MAX_DISTRIBUTED_BUFFER_BITS
from ...sw.plan.nodes import packs_pixels
from ..module_names import FAST_READ_WORD
from ..stream.signatures import pixel_beat, pixel_stream
from ..utils import count_up, lookup
from .banked_memory import BankedMemory
from .fast_clock import ClockPhase

READ_LATENCY = BankedMemory.READ_LATENCY
"""Cycles from an address to its word: one of the memory, one of the register behind it; the same in a ``BankedMemory``."""
FAST_READ_LATENCY = 3
"""Cycles of ``fast`` from an address of ``sync`` to its word, for a fast reader: address, memory, and the register behind it."""


def read_port_signature(*, channels: int, tiles: int, lanes: int, slots: int, fast: bool = False) -> wiring.Signature:
    """How an engine reads a line buffer; directions are the engine's.

    A fast reader has two addresses in a cycle, ``address`` and ``next_address``, and ``data`` is of domain ``fast``: first the word at
    one, then the word at the other, each FAST_READ_LATENCY cycles of ``fast`` after the first half or the second half of the cycle.

    address: slot, channel and tile, from the high bits to the low ones, each in as many bits as it needs
    data: the word at the address of READ_LATENCY cycles ago
    available: number of slots that are filled and not released
    release: releases the oldest slot
    hold: the address of the next cycle will be ignored
    """
    address = Out(ceil_log2(slots) + ceil_log2(channels) + ceil_log2(tiles))
    return wiring.Signature(
        {
            "address": address,
            **({"next_address": address} if fast else {}),
            "data": In(pixel_beat(lanes)),
            "available": In(range(slots + 1)),
            "release": Out(1),
            "hold": In(1),
        }
    )


@dataclass(frozen=True)
class WordWrite:
    """A write to the buffer's memory, in the cycle in which the word's last beat is taken."""

    strobe: Value
    address: Value
    pixels: list[Value]
    enables: Value
    """A bit for each pixel, or one for the whole word."""
    fills_slot: Value
    """The strobe, when the word is the last one of its slot."""


class LineBuffer(wiring.Component):
    """A ring of slots, each of ``channels`` x ``tiles`` words of ``lanes`` pixels.

    The slots are filled one after the other; the input stalls while all are filled. An address can read a slot from two cycles after its
    last beat is taken until every reader has released it. Throughput: one beat a cycle.

    A beat may be narrower than a word of the buffer, so there are three ways to write it:

    - whole words: the beat has the buffer's lanes;
    - scattered: the pixels of the beat are written to the lanes that own their columns, with a write enable for each lane. So the pixels
      of an image, beats of a single lane, spread over all lanes;
    - packed: single pixels that come channel by channel, for a buffer of one tile, are collected in a shift register and written as one
      word (``packs_pixels``).

    Columns that no beat brings are zero.

    Two readers have a port of the memory each. Writes share the port of the first one: a word takes two cycles, and that reader is held in
    one of them (``_write_through_reader_port``).

    Parameters
    ----------
    source: layout of the input
    channels_last: whether pixels come in HWC order (``source`` then has one lane), or channel by channel
    channels, tiles, lanes: words in a slot, and their width
    slots: number of slots
    readers: number of engines that read it, 1 or 2
    distributed: whether it lies in distributed RAM, as all buffers of at most MAX_DISTRIBUTED_BUFFER_BITS do
    banked: whether it lies in a ``BankedMemory``, which is best for many words in distributed RAM; only for one reader
    fast: whether its reader takes two words in a cycle; only for one reader

    Members
    -------
    input: ``In(pixel_stream(source.lanes))``
    reader_0, reader_1: ``In(read_port_signature(...))``
    """

    input: stream.Interface
    reader_0: Any

    def __init__(
        self,
        *,
        source: LaneLayout,
        channels_last: bool,
        channels: int,
        tiles: int,
        lanes: int,
        slots: int,
        readers: int = 1,
        distributed: bool = False,
        banked: bool = False,
        fast: bool = False,
    ) -> None:
        if channels_last and source.lanes != 1:
            raise ValueError(f"source must have one lane in channels-last order, not {source.lanes}")
        if source.lanes > 1 and source.tiles % tiles:
            raise ValueError(f"tiles must divide the source's {source.tiles}, not {tiles}")
        if readers not in (1, 2):
            raise ValueError(f"readers must be 1 or 2, not {readers}")
        if banked and readers == 2:
            raise ValueError("readers must be 1 of a buffer in banks, not 2")
        if fast and (banked or readers == 2):
            raise ValueError("a fast reader must be the only one of a buffer that is not in banks")
        self._source = source
        self._channels_last = channels_last
        self._channels = channels
        self._tiles = tiles
        self._lanes = lanes
        self._slots = slots
        self._distributed = distributed
        self._banked = banked
        self._fast = fast
        self._lanes_per_strip = -(-source.tiles // tiles)  # lanes of the buffer that divide the strip of one source lane
        self._depth = slots << (ceil_log2(channels) + ceil_log2(tiles))
        self._packs = packs_pixels(source, channels_last, tiles)
        self._scatters = not self._packs and (self._lanes_per_strip > 1 or source.lanes < lanes)
        port = read_port_signature(channels=channels, tiles=tiles, lanes=lanes, slots=slots, fast=fast)
        super().__init__({"input": In(pixel_stream(source.lanes)), **{f"reader_{number}": In(port) for number in range(readers)}})
        self._readers = readers

    @property
    def readers(self) -> list[Any]:
        """The readers in order."""
        return [getattr(self, f"reader_{number}") for number in range(self._readers)]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        all_filled = Signal()
        slot_filled = Signal()
        write = self._incoming_write(m)
        if self._banked:
            self._connect_banked_memory(m, write, all_filled, slot_filled)
        else:
            self._connect_memory(m, write, all_filled, slot_filled)
        self._count_slots(m, slot_filled, all_filled)
        return m

    def _incoming_write(self, m: Module) -> WordWrite:
        """The write of the present beat. Nested counters follow the order of the stream."""
        source = self._source
        beat_taken = Signal()
        strobe = Signal()
        slot = Signal(range(self._slots))
        channel = Signal(range(self._channels))
        beats = source.width if self._channels_last else source.tiles  # of a row of one channel
        beat = Signal(range(beats))

        # A beat's column in the strip of its source lane, divided by the tiles: the buffer's lane within that strip, and its tile.
        columns = range(beats) if self._channels_last else source.order
        tile = lookup([column % self._tiles for column in columns], beat, ceil_log2(self._tiles)) if self._tiles > 1 else Cat()
        lane_in_strip = lookup([column // self._tiles for column in columns], beat, ceil_log2(self._lanes_per_strip))
        m.d.comb += [
            beat_taken.eq(self.input.valid & self.input.ready),
            strobe.eq(beat_taken & ((beat == beats - 1) if self._packs else 1)),
        ]
        pixels: list[Value] = [self.input.payload[min(lane // self._lanes_per_strip, source.lanes - 1)] for lane in range(self._lanes)]
        if self._packs:
            pixels = self._packed_pixels(m, beat_taken)
        enables = Cat(1)
        if self._scatters:
            used = self._lanes_per_strip * source.lanes
            enables = Cat((lane_in_strip == lane % self._lanes_per_strip) if lane < used else 0 for lane in range(self._lanes))

        channels, row = (channel, self._channels), (beat, beats)
        (inner, inner_count), (outer, outer_count) = (channels, row) if self._channels_last else (row, channels)
        last = (inner == inner_count - 1) & (outer == outer_count - 1)
        with m.If(beat_taken):
            count_up(m, inner, inner_count)
            with m.If(inner == inner_count - 1):
                count_up(m, outer, outer_count)
                with m.If(outer == outer_count - 1):
                    count_up(m, slot, self._slots)
        return WordWrite(strobe, Cat(tile, channel, slot), pixels, enables, beat_taken & last)

    def _packed_pixels(self, m: Module, beat_taken: Signal) -> list[Value]:
        """The pixels of a word when its last one arrives: the earlier ones are in a shift register."""
        beats = self._source.tiles
        previous = [Signal(8, name=f"previous_pixel_{age}", reset_less=True) for age in range(beats - 1)]
        with m.If(beat_taken):
            m.d.sync += [pixel.eq(newer) for pixel, newer in zip(previous, [self.input.payload[0], *previous], strict=False)]
        newest_first = [self.input.payload[0], *previous]
        by_column = {column: newest_first[beats - 1 - beat] for beat, column in enumerate(self._source.order)}
        return [by_column.get(lane, Value.cast(0)) for lane in range(self._lanes)]

    def _connect_banked_memory(self, m: Module, write: WordWrite, all_filled: Signal, slot_filled: Signal) -> None:
        m.submodules.memory = banks = BankedMemory(depth=self._depth, lanes=self._lanes, pixel_enables=self._scatters)
        m.d.comb += [
            *(banks.write_data[lane].eq(pixel) for lane, pixel in enumerate(write.pixels)),
            banks.write_address.eq(write.address),
            banks.enables.eq(Mux(write.strobe, write.enables, 0)),
            banks.read_address.eq(self.reader_0.address),
            self.reader_0.data.eq(banks.output),
            self.input.ready.eq(~all_filled),
            slot_filled.eq(write.fills_slot),
        ]

    def _connect_memory(self, m: Module, write: WordWrite, all_filled: Signal, slot_filled: Signal) -> None:
        distributed = self._distributed or 8 * self._lanes * self._depth <= MAX_DISTRIBUTED_BUFFER_BITS
        style = "distributed" if distributed else "block"
        ram: memory.Memory = memory.Memory(shape=pixel_beat(self._lanes), depth=self._depth, init=[], attrs={"ram_style": style})
        m.submodules.memory = ram
        write_port = ram.write_port(granularity=1 if self._scatters else None)
        if len(self.readers) == 1:
            # The write passes a register and happens a cycle later.
            m.d.comb += [self.input.ready.eq(~all_filled), slot_filled.eq(write.fills_slot)]
            m.d.sync += [write_port.addr.eq(write.address), write_port.en.eq(Mux(write.strobe, write.enables, 0))]
            m.d.sync += [write_port.data[lane].eq(pixel) for lane, pixel in enumerate(write.pixels)]
            if self._fast:
                self._read_fast(m, ram)
                return
            first_address = self.readers[0].address
        else:
            first_address = self._write_through_reader_port(m, write, write_port, all_filled, slot_filled)
        for number, reader in enumerate(self.readers):
            read = ram.read_port()
            read_word = Signal(pixel_beat(self._lanes), name=f"read_word_{number}", reset_less=True)
            m.d.sync += read_word.eq(read.data)
            m.d.comb += [read.addr.eq(reader.address if number else first_address), read.en.eq(1), reader.data.eq(read_word)]

    def _read_fast(self, m: Module, ram: memory.Memory) -> None:
        """Reads two words in a cycle of ``sync``, at twice the clock. The register behind the memory is the block RAM's own."""
        m.submodules.phase = phase = ClockPhase()
        address = Signal(len(self.reader_0.address), name="fast_address", reset_less=True)
        read_word = Signal(pixel_beat(self._lanes), name=FAST_READ_WORD, reset_less=True)
        read = ram.read_port(domain="fast")
        m.d.fast += [address.eq(Mux(phase.late, self.reader_0.next_address, self.reader_0.address)), read_word.eq(read.data)]
        m.d.comb += [read.addr.eq(address), read.en.eq(1), self.reader_0.data.eq(read_word)]

    def _write_through_reader_port(self, m: Module, write: WordWrite, write_port: Any, all_filled: Signal, slot_filled: Signal) -> Value:
        """Writes at the port of the first reader. Returns the address of that port.

        ::

            cycle           0                 1                  2
            input           word taken                           next word taken
            waiting                           1
            reader_0.hold                     1
            writing                                              1
            port_address    the reader's      the reader's       the word's
        """
        waiting = Signal()
        writing = Signal()
        fills_slot = Signal()
        write_address = Signal(len(write.address), reset_less=True)
        write_enables = Signal(len(write.enables), reset_less=True)
        write_pixels = [Signal(8, name=f"write_pixel_{lane}", reset_less=True) for lane in range(self._lanes)]
        port_address = Signal(len(write.address))
        m.d.comb += [
            self.readers[0].hold.eq(waiting),
            # While the last word of a slot is written, the count of filled slots is not up to date: the next word has to wait for it.
            self.input.ready.eq(~all_filled & ~waiting & ~fills_slot),
            slot_filled.eq(writing & fills_slot),
            port_address.eq(Mux(writing, write_address, self.readers[0].address)),
            write_port.addr.eq(port_address),
            write_port.en.eq(Mux(writing, write_enables, 0)),
            *(write_port.data[lane].eq(pixel) for lane, pixel in enumerate(write_pixels)),
        ]
        m.d.sync += [waiting.eq(write.strobe), writing.eq(waiting)]
        with m.If(write.strobe):
            m.d.sync += [
                write_address.eq(write.address),
                write_enables.eq(write.enables),
                fills_slot.eq(write.fills_slot),
                *(register.eq(pixel) for register, pixel in zip(write_pixels, write.pixels, strict=True)),
            ]
        with m.Elif(writing):
            m.d.sync += fills_slot.eq(0)
        return port_address

    def _count_slots(self, m: Module, slot_filled: Signal, all_filled: Signal) -> None:
        """Counts the filled slots that each reader has not released; the slowest reader decides whether all are filled."""
        next_available = [Signal(range(self._slots + 1), name=f"next_available_{number}") for number in range(len(self.readers))]
        for reader, count in zip(self.readers, next_available, strict=True):
            m.d.comb += count.eq(reader.available + slot_filled - reader.release)
            m.d.sync += reader.available.eq(count)
        m.d.sync += all_filled.eq(Cat(count == self._slots for count in next_available).any())
