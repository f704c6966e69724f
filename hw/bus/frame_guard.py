# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Whole frames for the accelerator, whatever packets arrive."""

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..utils import count_up
from .signatures import PACKET_BYTE


class FrameGuard(wiring.Component):
    """Passes the bytes of packets on as frames, and gives a verdict on each frame.

    The accelerator computes while a frame arrives, and always gets whole frames. So a packet with too few bytes is completed with zeros,
    and the excess of one with too many is swallowed; the verdict on either is bad: its scores are to be dropped. A packet without
    bytes is short, too, and makes no frame. The verdict on a frame is known when its packet has ended::

        input    a0 a1 a2 a3 a4|  b0 b1|  .  .  .  c0 c1 c2 c3 c4 c5 c6|      frames of 5 bytes; | ends a packet
        output   a0 a1 a2 a3 a4   b0 b1   0  0  0  c0 c1 c2 c3 c4 .  .
        verdict              good             bad                  bad

    Combinational apart from its counters. Latency: LATENCY cycles. Throughput: one byte a cycle.

    Parameters
    ----------
    frame_bytes: bytes of a frame

    Members
    -------
    input: ``In(stream.Signature(PACKET_BYTE))``
    output: ``Out(stream.Signature(8))``; stays offered until it is taken, unless ``halt`` comes
    verdicts: ``Out(stream.Signature(1))``; 1 for a good frame. It is ready when a frame begins, and so when it ends
    halt: ``In(1)``; forget the frame in progress, and begin no other one. Its packet is swallowed to its end, in this time or later
    abort: ``In(1)``; with ``halt``: forget the packet, too, so that the next byte begins another one
    receiving: ``Out(1)``; a packet has begun and not ended
    begun: ``Out(1)``; the first byte of a frame leaves in this cycle
    short: ``Out(1)``, long: ``Out(1)``; such a packet is noticed in this cycle
    """

    LATENCY = 0

    input: stream.Interface
    output: stream.Interface
    verdicts: stream.Interface
    halt: Signal
    abort: Signal
    receiving: Signal
    begun: Signal
    short: Signal
    long: Signal

    def __init__(self, *, frame_bytes: int) -> None:
        if frame_bytes < 1:
            raise ValueError(f"frame_bytes must be at least 1, not {frame_bytes}")
        self._frame_bytes = frame_bytes
        super().__init__(
            {
                "input": In(stream.Signature(PACKET_BYTE)),
                "output": Out(stream.Signature(unsigned(8))),
                "verdicts": Out(stream.Signature(1)),
                "halt": In(1),
                "abort": In(1),
                "receiving": Out(1),
                "begun": Out(1),
                "short": Out(1),
                "long": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        item = self.input.payload
        offset = Signal(range(max(2, self._frame_bytes)))  # of the next byte in its frame
        started = Signal()  # a frame has begun and its last byte has not left
        padding = Signal()  # zeros complete the frame
        complete = Signal()  # the frame is complete, its packet has not ended
        excess = Signal()  # bytes have come since
        skipping = Signal()  # the rest of a packet is swallowed, which a halt has cut off
        passing = Signal()
        room = Signal()
        final = Signal()  # the next byte is the last of its frame
        sent = Signal()
        taken = Signal()
        ends = Signal()
        too_long = Signal()
        m.d.comb += [
            passing.eq(~(padding | complete | skipping)),
            room.eq(started | self.verdicts.ready),
            final.eq(offset == self._frame_bytes - 1),
            self.output.valid.eq(~self.halt & (padding | (passing & self.input.valid & item.present & room))),
            self.output.payload.eq(Mux(padding, 0, item.byte)),
            self.input.ready.eq(skipping | (~self.halt & (complete | (passing & (~item.present | (room & self.output.ready)))))),
            sent.eq(self.output.valid & self.output.ready),
            taken.eq(self.input.valid & self.input.ready),
            ends.eq(taken & item.last),
            too_long.eq(excess | item.present),
            self.begun.eq(sent & ~started),
            self.short.eq(passing & ends & ~(item.present & final)),
            self.long.eq(complete & ends & too_long),
            self.verdicts.valid.eq((sent & final & (padding | ends)) | (complete & ends)),
            self.verdicts.payload.eq(~padding & ~(complete & too_long)),
        ]
        with m.If(sent):
            m.d.sync += started.eq(~final)
            count_up(m, offset, self._frame_bytes)
            with m.If(final):
                m.d.sync += [padding.eq(0), complete.eq(~padding & ~ends)]
        with m.If(taken):
            m.d.sync += self.receiving.eq(~item.last)
            with m.If(complete):
                m.d.sync += [excess.eq(too_long & ~item.last), complete.eq(~item.last)]
        with m.If(self.short):
            m.d.sync += padding.eq(started | item.present)
        with m.If(skipping & ends):
            m.d.sync += skipping.eq(0)
        with m.If(self.halt):
            m.d.sync += [offset.eq(0), started.eq(0), padding.eq(0), complete.eq(0), excess.eq(0)]
            m.d.sync += skipping.eq(~self.abort & self.receiving & ~ends)
            with m.If(self.abort):
                m.d.sync += self.receiving.eq(0)
        return m
