# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The packet buffer: bytes wait in it until their packet is known to be valid."""

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ...sw.link.packets import CRC


class PacketBuffer(wiring.Component):
    """A ring buffer whose writer can discard the bytes since the last packet that was kept.

    Its pointers::

              tail            kept              head
        ------|---------------|-----------------|------    addresses, modulo depth
        free  | valid, unread | packet arriving | free

        drop  head = kept              the packet was damaged, or not the expected one
        keep  kept = head - 4          the packet is valid; its CRC is cut off

    The bytes of a packet are read one per cycle, from ``LATENCY`` cycles after the packet was kept::

        cycle    0  1  2  3  4
        keep     1
        fetch       1  1  1          tail != kept
        output         b0 b1 b2

    Parameters
    ----------
    depth: bytes, a power of two

    Members
    -------
    byte: ``In(8)``, write: ``In(1)``; a byte of the packet that is arriving; its last 4 are the CRC, which is never read
    keep: ``In(1)``; the packet is valid, and ``overflow`` is 0
    drop: ``In(1)``; discard the packet
    clear: ``In(1)``; discard all bytes, also the one that is offered
    overflow: ``Out(1)``; the packet that is arriving does not fit
    free_space: ``Out(range(depth))``; payload bytes that fit beside those kept
    drained: ``Out(1)``; the last byte of a kept packet was read; where several were kept since ``drained`` was 1, the last of them counts
    output: ``Out(stream.Signature(8))``
    """

    LATENCY = 2
    """Cycles from ``keep`` to the first byte on the output."""

    byte: Signal
    write: Signal
    keep: Signal
    drop: Signal
    clear: Signal
    overflow: Signal
    free_space: Signal
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
                "free_space": Out(range(depth)),
                "drained": Out(1),
                "output": Out(stream.Signature(unsigned(8))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        ring: memory.Memory = memory.Memory(shape=8, depth=self._depth, init=[])
        m.submodules.ring = ring
        write = ring.write_port()
        read = ring.read_port()
        head = Signal(range(self._depth))
        kept = Signal(range(self._depth))
        tail = Signal(range(self._depth))
        next_head = Signal(range(self._depth))
        mark = Signal(range(self._depth))  # the end of the packets whose draining is reported next
        payload_end = Signal(range(self._depth))
        marked = Signal()
        fetch = Signal()
        m.d.comb += [
            next_head.eq(head + 1),
            payload_end.eq(head - CRC.size),
            write.en.eq(self.write & ~self.overflow & (next_head != tail)),
            write.addr.eq(head),
            write.data.eq(self.byte),
            fetch.eq((tail != kept) & (~self.output.valid | self.output.ready)),
            read.en.eq(fetch),
            read.addr.eq(tail),
            self.output.payload.eq(read.data),
            self.free_space.eq(tail - kept - 1 - CRC.size),
            self.drained.eq(marked & (tail == mark)),
        ]
        # The writer.
        with m.If(self.keep):
            m.d.sync += head.eq(payload_end)
        with m.Elif(self.drop | self.clear):
            m.d.sync += head.eq(kept)
        with m.Elif(write.en):
            m.d.sync += head.eq(next_head)
        with m.If(self.write & (next_head == tail)):
            m.d.sync += self.overflow.eq(1)
        with m.If(self.keep | self.drop | self.clear):
            m.d.sync += self.overflow.eq(0)
        with m.If(self.keep):
            m.d.sync += kept.eq(payload_end)
        # The reader.
        with m.If(self.clear):
            m.d.sync += [tail.eq(kept), self.output.valid.eq(0)]
        with m.Elif(fetch):
            m.d.sync += [tail.eq(tail + 1), self.output.valid.eq(1)]
        with m.Elif(self.output.ready):
            m.d.sync += self.output.valid.eq(0)
        # The mark follows the packets that were kept, one step at a time.
        with m.If(self.clear):
            m.d.sync += marked.eq(0)
        with m.Elif(~marked | self.drained):
            m.d.sync += [mark.eq(kept), marked.eq(tail != kept)]
        return m
