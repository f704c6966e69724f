# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The packet buffer: the bytes of kept packets come out, and no others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Mux, Signal

from ....hw.link import packet_buffer
from ....sw.link.packets import BUFFER_BYTES, CRC
from ..bench import Bench, bits, transfer
from ..internals import internals
from ..proof import Engine, Fault, Proof


@dataclass
class Packets:
    """A packet buffer driven as the endpoint drives it, and what is known of the packets from outside."""

    dut: packet_buffer.PacketBuffer
    byte: Signal
    write: Signal
    end: Signal
    """The packet ends: it is kept or dropped."""
    keep: Signal
    clear: Signal
    good: Signal
    """The packet that ends is valid; it is kept if it also fits."""
    arriving: Signal
    """Bytes of the packet that is arriving, its CRC included; the counter stops at its end."""
    held: Signal
    """Payload bytes of kept packets that have not been read."""
    unread: Signal
    written: Signal
    """Bytes in the ring: those of kept packets, and those of the packet that is arriving."""


def packets(bench: Bench, depth: int, width: int) -> Packets:
    """A packet buffer with free inputs; the counters have ``width`` bits."""
    m = bench.m
    dut = packet_buffer.PacketBuffer(depth=depth)
    byte, write, end = bench.free(8, "byte"), bench.free(1, "write"), bench.free(1, "end")
    good, clear = bench.free(1, "good"), bench.free(1, "clear")
    bench.assume(~(write & end), "no byte arrives when the packet ends")
    bench.assume(~clear | (end & ~good), "the buffer is cleared by a packet without payload")
    m.d.comb += dut.output.ready.eq(bench.free(1, "output_ready"))
    arriving, held, keep = Signal(width), Signal(width), Signal()
    with m.If(end):
        m.d.sync += arriving.eq(0)
    with m.Elif(write):
        m.d.sync += arriving.eq(Mux(arriving.all(), arriving, arriving + 1))
    m.d.comb += [
        keep.eq(end & good & ~dut.overflow & (arriving > CRC.size)),
        dut.byte.eq(byte),
        dut.write.eq(write),
        dut.keep.eq(keep),
        dut.drop.eq(end & ~keep),
        dut.clear.eq(clear),
    ]
    m.d.sync += held.eq(Mux(clear, 0, held + Mux(keep, arriving - CRC.size, 0) - transfer(dut.output)))
    return Packets(dut, byte, write, end, keep, clear, good, arriving, held, Signal(range(depth)), Signal(range(depth)))


def packet_buffer_of(depth: int, part: str = "") -> Callable[[Bench], None]:
    """The proof of a buffer of ``depth`` bytes, or a part of it: "space", "draining" or "bytes".

    Each part takes for granted what those before it prove.
    """
    parts = ("space", "draining", "bytes")

    def build(bench: Bench) -> None:
        width = depth.bit_length() + 1
        p = packets(bench, depth, width)
        inside = internals(p.dut)
        inside["watched"] = inside["ring"].read_port(domain="comb")
        bench.m.submodules.dut = p.dut
        if not part:
            for state in (_space, _draining, _bytes):
                state(bench, p, inside)
            return
        for name, state in zip(parts, (_space, _draining, _bytes), strict=True):
            if name == part:
                state(bench, p, inside)
                return
            with bench.taken_for_granted():
                state(bench, p, inside)

    build.__doc__ = " ".join(SENTENCES[name] for name in parts if part in ("", name))
    return build


SENTENCES = {
    "space": "The free space is exact, a packet that fits it does not overflow, and no unread byte is overwritten.",
    "draining": "`drained` tells that all kept bytes have been read, once, and never without cause.",
    "bytes": "Every byte of a kept packet, and no other one, is read once, unchanged and in order.",
}


def _space(bench: Bench, p: Packets, inside: dict[str, Any]) -> None:
    m, dut, arriving, held, depth = bench.m, p.dut, p.arriving, p.held, 1 << len(inside["head"])
    head, kept, tail = (inside[name] for name in ("head", "kept", "tail"))
    m.d.comb += [p.unread.eq(kept - tail), p.written.eq(head - kept)]
    largest = depth - 1 - CRC.size
    bench.ensure((dut.free_space + held == largest + dut.output.valid) & (dut.free_space <= largest), "the free space is exact")
    bench.ensure(~dut.output.valid | (held != 0), "only kept bytes are offered")
    told = Signal(len(arriving))  # to the packet that is arriving, when it began
    with m.If(p.write & (arriving == 0)):
        m.d.sync += told.eq(dut.free_space)
    with m.If(p.end & p.good & (arriving > CRC.size) & (arriving - CRC.size <= told)):
        bench.ensure(~dut.overflow, "a packet that fits the free space told does not overflow")
    with m.If(inside["write"].en):
        bench.ensure(p.written + p.unread + 1 <= depth - 1, "no unread byte is overwritten")
    # The invariants of the pointers.
    bench.ensure(p.unread + dut.output.valid == held, "what is held is unread or offered")
    bench.ensure((p.unread <= largest) & (p.written + p.unread <= depth - 1), "the pointers do not pass each other")
    bench.ensure(p.written <= arriving, "no more bytes are in the ring than have arrived")
    with m.If(dut.overflow):
        bench.ensure((arriving > told + CRC.size) & (p.written < arriving), "only a packet that was too long overflows")
    with m.Else():
        bench.ensure(p.written == arriving, "all bytes of a packet that fits are in the ring")
    bench.ensure((arriving == 0) | (told + CRC.size + p.unread <= depth - 1), "the space told to the packet remains")
    bench.reaches(dut.free_space != largest, p.clear & dut.output.valid)


def _draining(bench: Bench, p: Packets, inside: dict[str, Any]) -> None:
    m, dut = bench.m, p.dut
    mark, marked, kept, tail = (inside[name] for name in ("mark", "marked", "kept", "tail"))
    owed = Signal()  # bytes were kept since draining was told
    with m.If(p.clear):
        m.d.sync += owed.eq(0)
    with m.Elif(p.keep):
        m.d.sync += owed.eq(1)
    with m.Elif(dut.drained & (mark == kept)):
        m.d.sync += owed.eq(0)
    to_mark = Signal(len(mark))
    m.d.comb += to_mark.eq(mark - tail)
    bench.ensure(~marked | (owed & (to_mark <= p.unread)), "the mark is the end of kept bytes, not read before")
    bench.ensure(~owed | (p.unread != 0) | (marked & (mark == kept)), "the end of all kept bytes gets its mark")
    bench.ensure((p.unread == 0) | owed, "unread bytes are owed")
    bench.ensure(~dut.drained | owed, "draining is never told without cause")
    empty = Signal(2)  # cycles without a byte, up to 3
    with m.If(p.keep | (p.held != 0)):
        m.d.sync += empty.eq(0)
    with m.Elif(empty != 3):
        m.d.sync += empty.eq(empty + 1)
    bench.ensure((empty == 0) | (p.held == 0), "no byte is held while it is empty")
    bench.ensure((empty != 1) | ~owed | (marked & (mark == kept)), "the mark is reached next")
    bench.ensure((empty < 2) | ~owed, "draining is told once the last byte has been read")
    bench.reaches(dut.drained)


def _bytes(bench: Bench, p: Packets, inside: dict[str, Any]) -> None:
    """Any byte is watched from when it arrives to when it is read."""
    m, dut, watched = bench.m, p.dut, inside["watched"]
    head, kept, tail = (inside[name] for name in ("head", "kept", "tail"))
    waiting = bench.past(dut.output.valid & ~dut.output.ready & ~p.clear, "output_waits")
    offered_before = bench.past(bits(dut.output), "output_before")
    bench.ensure(~waiting | (dut.output.valid & (bits(dut.output) == offered_before)), "a byte stays offered until it is read")
    none, arrives, waits, offered = range(4)
    state = Signal(2)
    address, value = Signal(len(head)), Signal(8)
    place = Signal(len(p.arriving))  # in its packet
    ahead = Signal(len(p.arriving))  # bytes that must be read before it
    distance = Signal(len(head))
    m.d.comb += [watched.addr.eq(address), distance.eq(address - tail)]
    with m.Switch(state):
        with m.Case(none), m.If(inside["write"].en & bench.free(1, "watch_it")):
            m.d.sync += [state.eq(arrives), address.eq(head), value.eq(p.byte), place.eq(p.arriving)]
        with m.Case(arrives):
            bench.ensure(watched.data == value, "the byte is in the ring")
            bench.ensure(((address - kept)[: len(head)] == place) & (place < p.written), "it is in its packet's place")
            with m.If(p.keep & (place + CRC.size < p.arriving)):
                m.d.sync += [state.eq(waits), ahead.eq(p.held + place - transfer(dut.output))]
            with m.Elif(p.end):
                m.d.sync += state.eq(none)
        with m.Case(waits):
            bench.ensure(watched.data == value, "the byte is in the ring")
            bench.ensure((distance < p.unread) & (ahead == distance + dut.output.valid), "those before it are those ahead of it")
            with m.If(transfer(dut.output)):
                m.d.sync += ahead.eq(ahead - 1)
            with m.If(p.clear):
                m.d.sync += state.eq(none)
            with m.Elif(inside["fetch"] & (tail == address)):
                m.d.sync += state.eq(offered)
        with m.Case(offered):
            bench.ensure(dut.output.valid & (dut.output.payload == value) & (ahead == 0), "it is read in its turn, unchanged")
            with m.If(p.clear | transfer(dut.output)):
                m.d.sync += state.eq(none)
    bench.reaches((state == offered) & (value == 255) & transfer(dut.output))


FAULTS = {
    "space": (
        Fault(packet_buffer, "payload_end.eq(head - CRC.size)", "payload_end.eq(head)"),
        Fault(packet_buffer, "self.free_space.eq(tail - kept - 1 - CRC.size)", "self.free_space.eq(tail - kept - CRC.size)"),
        Fault(packet_buffer, "m.d.sync += [tail.eq(kept), self.output.valid.eq(0)]", "m.d.sync += self.output.valid.eq(0)"),
        Fault(packet_buffer, "fetch.eq((tail != kept) & (~self.output.valid | self.output.ready))", "fetch.eq(tail != kept)"),
    ),
    "draining": (Fault(packet_buffer, "with m.Elif(~marked | self.drained):", "with m.Elif(self.drained):"),),
    "bytes": (
        Fault(packet_buffer, "write.addr.eq(head)", "write.addr.eq(kept)"),
        Fault(packet_buffer, "self.output.payload.eq(read.data)", "self.output.payload.eq(self.byte)"),
    ),
}
"""Those that show in the first packet. A fault belongs to the first part that it breaks: later parts take that one for granted."""
FULL = Fault(packet_buffer, "write.en.eq(self.write & ~self.overflow & (next_head != tail))", "write.en.eq(self.write & ~self.overflow)")
"""Shows when the ring is full: only in a small one."""


def _part(depth: int, part: str) -> Proof:
    build = packet_buffer_of(depth, part)
    return Proof(f"packet_buffer_{depth}_{part}", build, FAULTS[part], f"{depth:,} bytes", Engine.INDUCTION, depth=1, quick=False)


PROOFS = (
    Proof("packet_buffer_16", packet_buffer_of(16), (*sum(FAULTS.values(), ()), FULL), "16 bytes", Engine.INDUCTION, depth=2),
    *(_part(BUFFER_BYTES, part) for part in FAULTS),
)
