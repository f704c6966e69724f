# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The packet buffer: bytes wait in it until their packet is known to be right."""

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ...sw.link.packets import CRC


class PacketBuffer(wiring.Component):
    """A ring whose writer takes back what it wrote since the last packet that was kept.

    Bytes are read at one a cycle, 2 cycles after their packet was kept.

    Parameters
    ----------
    depth: bytes, a power of two

    Members
    -------
    byte: ``In(8)``, write: ``In(1)``; a byte of the packet that is coming; the last 4 of a packet are its checksum and are never read
    keep: ``In(1)``; the packet is right, and ``overflow`` is 0
    drop: ``In(1)``; it is not
    clear: ``In(1)``; forget all bytes, also the one that is offered
    overflow: ``Out(1)``; the packet that is coming had no room
    room: ``Out(range(depth))``; payload bytes that there is room for beside those kept
    drained: ``Out(1)``; in this cycle the last byte of a kept packet was read (of packets kept since the last time, of the last)
    output: ``Out(stream.Signature(8))``
    """

    byte: Signal
    write: Signal
    keep: Signal
    drop: Signal
    clear: Signal
    overflow: Signal
    room: Signal
    drained: Signal
    output: stream.Interface

    def __init__(self, *, depth: int) -> None:
        if depth < 16 or depth & (depth - 1):
            raise ValueError(f"depth must be a power of two, at least 16, not {depth}")
        self._depth = depth
        super().__init__(
            {
                "byte": In(8),
                "write": In(1),
                "keep": In(1),
                "drop": In(1),
                "clear": In(1),
                "overflow": Out(1),
                "room": Out(range(depth)),
                "drained": Out(1),
                "output": Out(stream.Signature(unsigned(8))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        ring: memory.Memory = memory.Memory(shape=8, depth=self._depth, init=[])
        m.submodules.ring = ring
        write, read = ring.write_port(), ring.read_port()
        head, kept, tail, after, mark, end = (Signal(range(self._depth)) for _ in range(6))
        marked, fetch = Signal(), Signal()
        m.d.comb += [
            after.eq(head + 1),
            end.eq(head - CRC.size),
            write.en.eq(self.write & ~self.overflow & (after != tail)),
            write.addr.eq(head),
            write.data.eq(self.byte),
            fetch.eq((tail != kept) & (~self.output.valid | self.output.ready)),
            read.en.eq(fetch),
            read.addr.eq(tail),
            self.output.payload.eq(read.data),
            self.room.eq(tail - kept - 1 - CRC.size),
            self.drained.eq(marked & (tail == mark)),
        ]
        with m.If(self.keep):
            m.d.sync += head.eq(end)
        with m.Elif(self.drop | self.clear):
            m.d.sync += head.eq(kept)
        with m.Elif(write.en):
            m.d.sync += head.eq(after)
        with m.If(self.write & (after == tail)):
            m.d.sync += self.overflow.eq(1)
        with m.If(self.keep | self.drop | self.clear):
            m.d.sync += self.overflow.eq(0)
        with m.If(self.keep):
            m.d.sync += kept.eq(end)
        with m.If(self.clear):
            m.d.sync += [tail.eq(kept), self.output.valid.eq(0)]
        with m.Elif(fetch):
            m.d.sync += [tail.eq(tail + 1), self.output.valid.eq(1)]
        with m.Elif(self.output.ready):
            m.d.sync += self.output.valid.eq(0)
        with m.If(self.clear):
            m.d.sync += marked.eq(0)
        with m.Elif(~marked | self.drained):
            m.d.sync += [mark.eq(kept), marked.eq(tail != kept)]
        return m
