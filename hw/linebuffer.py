# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The memory that an engine reads its pixels from: a ring of rows (or, for squeeze engines, of channels)."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ..sw.resources import SMALL_BITS
from ..sw.strips import Strips
from .words import bits_for, count_up, lookup, word, words

READ_LATENCY = 2
"""Cycles from an address to its word: the memory's, and the register behind it."""


class LineBuffer(wiring.Component):
    """A ring of slots, each of ``channels`` x ``tiles`` words of ``lanes`` pixels.

    Words may be narrower than the buffer's: then each is written to the lanes that own its columns, and so a picture's pixels,
    words of a single lane, are spread over the lanes. A slot can be read from the cycle after its last word is written until
    it is released. One word is taken a cycle while a slot is free.

    Parameters
    ----------
    source: layout of the incoming words
    raster: pixels come with their channels together (``source`` then has one lane), not channel by channel
    channels, tiles, lanes: words in a slot, and their width
    slots: how many slots

    Members
    -------
    input: ``In(words(source.lanes))``
    address: ``In``; slot, channel and tile, the last in the low bits, each in as many bits as it needs
    data: ``Out(ArrayLayout(8, lanes))``; the word at the address of READ_LATENCY cycles before
    available: ``Out``; slots that are filled and not released
    release: ``In(1)``; gives up the oldest slot
    """

    input: stream.Interface
    address: Signal
    data: data.View
    available: Signal
    release: Signal

    def __init__(self, *, source: Strips, raster: bool, channels: int, tiles: int, lanes: int, slots: int) -> None:
        if raster and source.lanes != 1:
            raise ValueError(f"source must have one lane in raster order, not {source.lanes}")
        if lanes % source.lanes:
            raise ValueError(f"lanes must be a multiple of the source's {source.lanes}, not {lanes}")
        self._source = source
        self._raster = raster
        self._channels = channels
        self._tiles = tiles
        self._lanes = lanes
        self._slots = slots
        self._ratio = lanes // source.lanes
        super().__init__(
            {
                "input": In(words(source.lanes)),
                "address": In(bits_for(slots) + bits_for(channels) + bits_for(tiles)),
                "data": Out(word(lanes)),
                "available": Out(range(slots + 1)),
                "release": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        depth = self._slots << (bits_for(self._channels) + bits_for(self._tiles))
        style = "distributed" if depth * 8 * self._lanes <= SMALL_BITS else "block"
        ram: memory.Memory = memory.Memory(shape=word(self._lanes), depth=depth, init=[], attrs={"ram_style": style})
        m.submodules.memory = ram
        write = ram.write_port(granularity=1 if self._ratio > 1 else None)
        read = ram.read_port()

        # Writing: nested counters follow the order of the stream.
        taken, filled = Signal(), Signal()
        slot, channel = Signal(range(self._slots)), Signal(range(self._channels))
        count = self._source.width if self._raster else self._source.tiles
        place = Signal(range(count))
        order = range(count) if self._raster else self._source.order
        tile = lookup([column % self._tiles for column in order], place, bits_for(self._tiles)) if self._tiles > 1 else Cat()
        group = lookup([column // self._tiles for column in order], place, bits_for(self._ratio)) if self._ratio > 1 else None
        m.d.comb += [
            self.input.ready.eq(self.available != self._slots),
            taken.eq(self.input.valid & self.input.ready),
            write.addr.eq(Cat(tile, channel, slot)),
        ]
        for lane in range(self._lanes):
            m.d.comb += write.data[lane].eq(self.input.payload[lane // self._ratio])
            if group is not None:
                m.d.comb += write.en[lane].eq(taken & (group == lane % self._ratio))
        if group is None:
            m.d.comb += write.en.eq(taken)

        inner, outer = ((channel, self._channels), (place, count)) if self._raster else ((place, count), (channel, self._channels))
        with m.If(taken):
            count_up(m, *inner)
            with m.If(inner[0] == inner[1] - 1):
                count_up(m, *outer)
                with m.If(outer[0] == outer[1] - 1):
                    count_up(m, slot, self._slots)
                    m.d.comb += filled.eq(1)
        m.d.sync += self.available.eq(self.available + filled - self.release)

        # Reading.
        register = Signal(word(self._lanes), reset_less=True)
        m.d.sync += register.eq(read.data)
        m.d.comb += [read.addr.eq(self.address), read.en.eq(1), self.data.eq(register)]
        return m
