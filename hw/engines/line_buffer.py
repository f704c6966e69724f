# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The memory that an engine reads its pixels from: a ring of rows (or, for squeeze engines, of channels)."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ...sw.plan.lane_layout import LaneLayout
from ...sw.plan.memory_mapping import MAX_DISTRIBUTED_BUFFER_BITS
from ...sw.plan.nodes import packs_pixels
from ..stream.signatures import pixel_beat, pixel_stream
from ..utils import count_up, lookup
from .banked_memory import BankedMemory

READ_LATENCY = 2
"""Cycles from an address to its word: the memory's, and the register behind it."""


def read_port_signature(*, channels: int, tiles: int, lanes: int, slots: int) -> wiring.Signature:
    """How an engine reads a line buffer; directions are the engine's.

    address: slot, channel and tile, the last in the low bits, each in as many bits as it needs
    data: the word at the address of READ_LATENCY cycles before
    available: slots that are filled and not released
    release: gives up the oldest slot
    hold: the address of the next cycle will not be looked at
    """
    return wiring.Signature(
        {
            "address": Out(ceil_log2(slots) + ceil_log2(channels) + ceil_log2(tiles)),
            "data": In(pixel_beat(lanes)),
            "available": In(range(slots + 1)),
            "release": Out(1),
            "hold": In(1),
        }
    )


class LineBuffer(wiring.Component):
    """A ring of slots, each of ``channels`` x ``tiles`` words of ``lanes`` pixels.

    Words may be narrower than the buffer's: then each is written to the lanes that own its columns, and so a picture's pixels,
    words of a single lane, are spread over the lanes; where they make up whole words, these are put together first. Columns that no
    word brings are zero. A slot can be read, at the earliest by an address two cycles after its last word came, until it is released by
    every reader. One word is taken a cycle while a slot is free.

    Two readers have a port of the memory each. Words are then written at the first one's, in two cycles, in the second of which that
    reader is held.

    Parameters
    ----------
    source: layout of the incoming words
    raster: pixels come with their channels together (``source`` then has one lane), not channel by channel
    channels, tiles, lanes: words in a slot, and their width
    slots: how many slots
    readers: engines that read it, 1 or 2
    distributed: it lies in distributed RAM, as all of at most MAX_DISTRIBUTED_BUFFER_BITS do
    banked: it lies in distributed RAM, in a ``BankedMemory``, as is best for many words; for one reader

    Members
    -------
    input: ``In(words(source.lanes))``
    reader_0, reader_1: ``In(reading(...))``
    """

    input: stream.Interface
    reader_0: Any

    def __init__(
        self,
        *,
        source: LaneLayout,
        raster: bool,
        channels: int,
        tiles: int,
        lanes: int,
        slots: int,
        readers: int = 1,
        distributed: bool = False,
        banked: bool = False,
    ) -> None:
        if raster and source.lanes != 1:
            raise ValueError(f"source must have one lane in raster order, not {source.lanes}")
        if source.lanes > 1 and source.tiles % tiles:
            raise ValueError(f"tiles must divide the source's {source.tiles}, not {tiles}")
        if readers not in (1, 2):
            raise ValueError(f"readers must be 1 or 2, not {readers}")
        if banked and readers == 2:
            raise ValueError("readers must be 1 of a buffer in banks, not 2")
        self._source = source
        self._raster = raster
        self._channels = channels
        self._tiles = tiles
        self._lanes = lanes
        self._slots = slots
        self._distributed = distributed
        self._banked = banked
        self._strip = -(-source.tiles // tiles)  # lanes that share out the strip of one of the source's
        port = read_port_signature(channels=channels, tiles=tiles, lanes=lanes, slots=slots)
        super().__init__({"input": In(pixel_stream(source.lanes)), **{f"reader_{number}": In(port) for number in range(readers)}})
        self._readers = readers

    @property
    def readers(self) -> list[Any]:
        """The readers in order."""
        return [getattr(self, f"reader_{number}") for number in range(self._readers)]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        whole = packs_pixels(self._source, self._raster, self._tiles)
        spread = not whole and (self._strip > 1 or self._source.lanes < self._lanes)
        depth = self._slots << (ceil_log2(self._channels) + ceil_log2(self._tiles))

        # Where the word that comes belongs: nested counters follow the order of the stream.
        taken, wanted = Signal(), Signal()
        slot, channel = Signal(range(self._slots)), Signal(range(self._channels))
        count = self._source.width if self._raster else self._source.tiles
        place = Signal(range(count))
        order = range(count) if self._raster else self._source.order
        tile = lookup([column % self._tiles for column in order], place, ceil_log2(self._tiles)) if self._tiles > 1 else Cat()
        lane_in_strip = lookup([column // self._tiles for column in order], place, ceil_log2(self._strip))
        full = Signal()
        m.d.comb += [taken.eq(self.input.valid & self.input.ready), wanted.eq(taken & ((place == count - 1) if whole else 1))]
        address = Cat(tile, channel, slot)
        pixels: list[Value] = [self.input.payload[min(lane // self._strip, self._source.lanes - 1)] for lane in range(self._lanes)]
        if whole:
            pixels = self._gathered(m, taken)
        if spread:
            enables = Cat(
                (lane_in_strip == lane % self._strip) if lane < self._strip * self._source.lanes else 0 for lane in range(self._lanes)
            )
        else:
            enables = Cat(1)

        inner, outer = ((channel, self._channels), (place, count)) if self._raster else ((place, count), (channel, self._channels))
        filled = Signal()
        last = (inner[0] == inner[1] - 1) & (outer[0] == outer[1] - 1)
        with m.If(taken):
            count_up(m, *inner)
            with m.If(inner[0] == inner[1] - 1):
                count_up(m, *outer)
                with m.If(outer[0] == outer[1] - 1):
                    count_up(m, slot, self._slots)

        if self._banked:
            m.submodules.memory = banks = BankedMemory(depth=depth, lanes=self._lanes, spread=spread)
            m.d.comb += [
                *(banks.write_data[lane].eq(pixel) for lane, pixel in enumerate(pixels)),
                banks.write_address.eq(address),
                banks.enables.eq(Mux(wanted, enables, 0)),
                banks.read_address.eq(self.reader_0.address),
                self.reader_0.data.eq(banks.output),
                self.input.ready.eq(~full),
                filled.eq(taken & last),
            ]
        else:
            style = "distributed" if self._distributed or 8 * self._lanes * depth <= MAX_DISTRIBUTED_BUFFER_BITS else "block"
            ram: memory.Memory = memory.Memory(shape=pixel_beat(self._lanes), depth=depth, init=[], attrs={"ram_style": style})
            m.submodules.memory = ram
            write = ram.write_port(granularity=1 if spread else None)
            if len(self.readers) == 1:  # what comes is written a cycle later
                m.d.comb += [self.input.ready.eq(~full), filled.eq(taken & last)]
                m.d.sync += [write.addr.eq(address), write.en.eq(Mux(wanted, enables, 0))]
                m.d.sync += [write.data[lane].eq(pixel) for lane, pixel in enumerate(pixels)]
                first = self.readers[0].address
            else:
                first = self._write_at_reader(m, full, wanted, taken & last, filled, write, address, pixels, enables)
            for number, reader in enumerate(self.readers):
                read = ram.read_port()
                register = Signal(pixel_beat(self._lanes), name=f"register_{number}", reset_less=True)
                m.d.sync += register.eq(read.data)
                m.d.comb += [read.addr.eq(reader.address if number else first), read.en.eq(1), reader.data.eq(register)]

        # Which slots are filled.
        available = [Signal(range(self._slots + 1), name=f"available_{number}") for number in range(len(self.readers))]
        for reader, left in zip(self.readers, available, strict=True):
            m.d.comb += left.eq(reader.available + filled - reader.release)
            m.d.sync += reader.available.eq(left)
        m.d.sync += full.eq(Cat(left == self._slots for left in available).any())
        return m

    def _gathered(self, m: Module, taken: Signal) -> list[Value]:
        """The pixels of a word of which the last one comes, those before it in a shift register."""
        tokens = self._source.tiles
        before = [Signal(8, name=f"before_{age}", reset_less=True) for age in range(tokens - 1)]
        with m.If(taken):
            m.d.sync += [one.eq(newer) for one, newer in zip(before, [self.input.payload[0], *before], strict=False)]
        came = {column: tokens - 2 - place for place, column in enumerate(self._source.order)}
        zero = Value.cast(0)
        return [(self.input.payload[0] if came[lane] < 0 else before[came[lane]]) if lane in came else zero for lane in range(self._lanes)]

    def _write_at_reader(
        self,
        m: Module,
        full: Value,
        wanted: Value,
        ends: Value,
        filled: Signal,
        write: Any,
        address: Value,
        pixels: list[Value],
        enables: Value,
    ) -> Value:
        """Writes at the first reader's port: in one cycle a word waits and the reader is held, in the next it is written.

        Returns the address of the port.
        """
        waits, writes, fills = Signal(), Signal(), Signal()
        held_address = Signal(len(address), reset_less=True)
        held_enables = Signal(len(enables), reset_less=True)
        held = [Signal(8, name=f"held_{lane}", reset_less=True) for lane in range(self._lanes)]
        port = Signal(len(address))
        m.d.comb += [
            self.input.ready.eq(~full & ~waits & ~fills),
            self.readers[0].hold.eq(waits),
            filled.eq(writes & fills),
            port.eq(Mux(writes, held_address, self.readers[0].address)),
            write.addr.eq(port),
            write.en.eq(Mux(writes, held_enables, 0)),
            *(write.data[lane].eq(pixel) for lane, pixel in enumerate(held)),
        ]
        m.d.sync += [waits.eq(wanted), writes.eq(waits)]
        with m.If(wanted):
            m.d.sync += [
                held_address.eq(address),
                held_enables.eq(enables),
                fills.eq(ends),
                *(one.eq(pixel) for one, pixel in zip(held, pixels, strict=True)),
            ]
        with m.Elif(writes):
            m.d.sync += fills.eq(0)
        return port
