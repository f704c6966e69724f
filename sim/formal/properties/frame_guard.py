# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The frame guard: the accelerator gets whole frames whatever packets arrive, and each verdict is that of its packet."""

from amaranth.hdl import Mux, Signal

from ....hw.bus import frame_guard
from ..bench import Bench, bits, transfer
from ..internals import internals
from ..proof import Engine, Fault, Proof


def guard(frame_bytes: int) -> Proof:
    """The proof for frames of a size."""

    def build(bench: Bench) -> None:
        """Each byte of a packet goes to its own place in its frame, once; zeros complete a short one; excess is swallowed.

        A frame has one verdict, before the next one begins: good if its packet had the bytes of a frame. A halt forgets frame and packet.
        """
        m = bench.m
        m.submodules.dut = dut = frame_guard.FrameGuard(frame_bytes=frame_bytes)
        inside = internals(dut)
        item = dut.input.payload
        halt, abort = bench.free(1, "halt"), bench.free(1, "abort")
        m.d.comb += [
            dut.input.valid.eq(bench.free(1, "input_valid")),
            bits(dut.input).eq(bench.free(len(bits(dut.input)), "input_payload")),
            dut.output.ready.eq(bench.free(1, "output_ready")),
            dut.halt.eq(halt),
            dut.abort.eq(abort),
        ]

        # The packet: how many of its bytes were taken, whether a halt has cut it off; and the frame: where its next byte goes.
        seen = Signal(range(frame_bytes + 2))  # no more than one too many are told apart
        in_packet = Signal()
        cut = Signal()
        place = Signal(range(max(2, frame_bytes)))
        completing = Signal()  # the packet was short and its frame is not complete
        owed = Signal()  # a complete frame has no verdict
        taken, sent = transfer(dut.input), transfer(dut.output)
        byte = taken & item.present
        total = Signal.like(seen)
        ends = Signal()
        final = place == frame_bytes - 1
        m.d.comb += [total.eq(Mux(byte & (seen != frame_bytes + 1), seen + 1, seen)), ends.eq(taken & item.last & ~cut)]
        short, long, exact = ends & (total < frame_bytes), ends & (total > frame_bytes), ends & (total == frame_bytes)
        with m.If(taken):
            m.d.sync += [in_packet.eq(~item.last), seen.eq(Mux(item.last, 0, total))]
            with m.If(item.last):
                m.d.sync += cut.eq(0)
        with m.If(sent):
            m.d.sync += place.eq(Mux(final, 0, place + 1))
        with m.If(short & (total != 0)):
            m.d.sync += completing.eq(1)
        with m.If(completing & sent & final):
            m.d.sync += completing.eq(0)
        m.d.sync += owed.eq((owed | (sent & final)) & ~transfer(dut.verdicts))
        with m.If(halt):
            m.d.sync += [place.eq(0), completing.eq(0), owed.eq(0)]
            m.d.sync += [cut.eq(~abort & in_packet & ~(taken & item.last)), in_packet.eq(~abort & in_packet & ~(taken & item.last))]
            with m.If(abort):
                m.d.sync += seen.eq(0)

        # A FIFO of verdicts has room until its writer uses it.
        room = bench.free(1, "room")
        m.d.comb += dut.verdicts.ready.eq(room)
        had_room, used = bench.past(room, "had_room"), bench.past(transfer(dut.verdicts), "room_used")
        bench.assume(room | ~had_room | used, "room for a verdict stays")
        bench.ensure(room | ((place == 0) & ~owed), "a frame in progress has room for its verdict")

        with m.If(byte & ~cut & (seen < frame_bytes)):
            bench.ensure(sent & (place == seen) & (bits(dut.output) == item.byte), "a byte goes to its own place, unchanged")
        with m.Elif(sent):
            bench.ensure(completing & (bits(dut.output) == 0), "what is no byte of a packet is a zero that completes a frame")
        bench.ensure(~(completing & taken), "a frame is completed before another one begins")
        bench.ensure(~(sent & owed), "a frame has its verdict before the next one begins")
        bench.ensure(~halt | ~sent, "no byte leaves during a halt")
        bench.ensure(dut.short == short, "short packets are noticed")
        bench.ensure(dut.long == long, "long packets are noticed")
        bench.ensure((dut.verdicts.valid & dut.verdicts.payload) == exact, "a frame is good if its packet has the right number of bytes")
        bench.ensure((dut.verdicts.valid & ~dut.verdicts.payload) == (long | (completing & sent & final)), "and else bad")
        bench.ensure(~dut.verdicts.valid | owed | (sent & final), "a verdict belongs to a complete frame")
        bench.ensure(~dut.verdicts.valid | room, "there is room for a verdict")
        bench.ensure(dut.begun == (sent & (place == 0)), "the beginning of a frame is noticed")
        waited = bench.past(dut.output.valid & ~dut.output.ready, "output_waits")
        offered = bench.past(dut.input.valid & ~dut.input.ready, "input_waits")
        same = bits(dut.input) == bench.past(bits(dut.input), "input_before")
        forgotten = halt & abort  # which resets the unpacker in front of the guard
        since = bench.past(forgotten, "forgotten")
        bench.assume(~offered | (dut.input.valid & same) | forgotten | since, "the input stays offered")
        with m.If(waited & ~halt & ~bench.past(halt, "halted")):
            bench.ensure(dut.output.valid, "the output stays offered")

        # The invariants: what the guard's registers have to do with all that.
        bench.ensure((place < frame_bytes) & (inside["offset"] == place) & (seen <= frame_bytes + 1), "the place is within the frame")
        bench.ensure(inside["started"] == (place != 0), "a frame has started")
        bench.ensure(inside["padding"] == completing, "zeros are sent")
        bench.ensure(inside["skipping"] == cut, "a packet is swallowed")
        bench.ensure(dut.receiving == in_packet, "a packet is being received")
        bench.ensure(inside["complete"] == (~cut & (seen >= frame_bytes)), "the frame is complete and its packet is not")
        bench.ensure(inside["excess"] == (~cut & (seen > frame_bytes)), "there were too many bytes")
        bench.ensure(owed == inside["complete"], "a verdict is owed")
        bench.ensure(in_packet | (~cut & (seen == 0)), "between packets nothing was seen")
        bench.ensure(~completing | (~in_packet & (place != 0)), "a frame is completed between packets")
        with m.If(~completing):
            bench.ensure(place == Mux(cut | (seen >= frame_bytes), 0, seen), "the frame has the bytes of the packet")
        bench.reaches(cut, sent & (bits(dut.output) != 0), byte & cut)
        if few:
            bench.reaches(long, exact)
        if few and frame_bytes > 1:
            bench.reaches(completing & sent & final)

    few = frame_bytes < 4  # a frame of real size takes more cycles than a counterexample can be looked for
    faults = [
        Fault(frame_guard, "skipping.eq(~self.abort & self.receiving & ~ends)", "skipping.eq(self.receiving & ~ends)"),
        Fault(frame_guard, "room.eq(started | self.verdicts.ready)", "room.eq(1)"),
    ]
    if few:
        faults.append(Fault(frame_guard, "complete.eq(~padding & ~ends)", "complete.eq(~padding)"))
        faults.append(Fault(frame_guard, "too_long.eq(excess | item.present)", "too_long.eq(excess)"))
    if frame_bytes > 1:
        faults.append(Fault(frame_guard, "padding.eq(started | item.present)", "padding.eq(started)"))
    size = f"frames of {frame_bytes:,} byte{'s' * (frame_bytes > 1)}"
    return Proof(f"frame_guard_{frame_bytes}", build, tuple(faults), size, Engine.INDUCTION, depth=2)


PROOFS = (guard(1), guard(3), guard(3 * 227 * 227))
