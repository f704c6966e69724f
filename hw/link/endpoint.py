# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The link: bytes from and to the host on one side, the accelerator's streams on the other."""

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...sw.link.identity import DeviceDescriptor
from ...sw.link.packets import BAUD_DIVISORS, BUFFER_BYTES, COUNTER_NAMES, PacketKind
from ...sw.plan.nodes import GlobalSumSpec
from ..engines.global_sum import score_stream
from .counters import Counters
from .frame_feeder import FrameFeeder
from .packet_buffer import PacketBuffer
from .packet_receiver import PacketReceiver
from .packet_transmitter import PacketTransmitter
from .score_buffer import ScoreBuffer


class LinkEndpoint(wiring.Component):
    """The device's side of the protocol, for any carrier of bytes.

    It has no clock of its own to watch: every repair is asked for by the host. Whatever comes, it takes a byte in every cycle, frames
    reach the accelerator whole and in order, and scores are sent under the number of their frame.

    Parameters
    ----------
    average: the accelerator's last node
    identity: what the device says of itself
    divisor: clock cycles that a bit of a serial line takes at first
    swappable: as that of ``PacketTransmitter``

    Members
    -------
    received: ``In(stream.Signature(8, always_ready=True))``; from the host
    sent: ``Out(stream.Signature(8))``; to the host
    frames: ``Out(stream.Signature(8))``; to the accelerator
    scores: ``In(scores(average))``; from it
    busy: ``In(1)``; an engine begins a multiplication in this cycle
    slow: ``In(1)``; the host speaks at the first rate of a serial line
    divisor: ``Out(...)``; clock cycles that a bit of the serial line takes
    """

    received: stream.Interface
    sent: stream.Interface
    frames: stream.Interface
    scores: stream.Interface
    busy: Signal
    slow: Signal
    divisor: Signal

    def __init__(self, *, average: GlobalSumSpec, identity: DeviceDescriptor, divisor: int, swappable: bool = False) -> None:
        if divisor not in BAUD_DIVISORS:
            raise ValueError(f"divisor must be {BAUD_DIVISORS.start} to {BAUD_DIVISORS.stop - 1} cycles a bit, not {divisor}")
        self._average = average
        self._identity = identity
        self._divisor = divisor
        self._swappable = swappable
        byte = unsigned(8)
        super().__init__(
            {
                "received": In(stream.Signature(byte, always_ready=True)),
                "sent": Out(stream.Signature(byte)),
                "frames": Out(stream.Signature(byte)),
                "scores": In(score_stream(average)),
                "busy": In(1),
                "slow": In(1),
                "divisor": Out(range(BAUD_DIVISORS.stop)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.receiver = receiver = PacketReceiver()
        m.submodules.buffer = buffer = PacketBuffer(depth=BUFFER_BYTES)
        m.submodules.feeder = feeder = FrameFeeder(frame_bytes=self._identity.frame_bytes)
        m.submodules.results = results = ScoreBuffer(average=self._average)
        transmitter = PacketTransmitter(average=self._average, identity=self._identity.encode(), swappable=self._swappable)
        m.submodules.transmitter = transmitter
        m.submodules.counters = counters = Counters()
        wiring.connect(m, wiring.flipped(self.received), receiver.input)
        wiring.connect(m, buffer.output, feeder.input)
        wiring.connect(m, feeder.output, wiring.flipped(self.frames))
        wiring.connect(m, wiring.flipped(self.scores), results.input)
        wiring.connect(m, transmitter.output, wiring.flipped(self.sent))

        rate = Signal(range(BAUD_DIVISORS.stop), init=self._divisor)
        m.d.comb += self.divisor.eq(rate)

        # A packet is judged in the cycle in which it ends; its header, and what that is compared with, have stood for some cycles then.
        session, expected, result = Signal(16), Signal(16), Signal(16)
        header, asked = receiver.header, Signal()
        ours, in_turn, behind, has_result, wants_next = (Signal() for _ in range(5))
        accept, repeat, gap, drop, opened, freed, again = (Signal() for _ in range(7))
        ahead = Signal(16)
        missing = Signal()  # a gap was reported, and what is missing has not come yet
        due = {
            kind: Signal(name="due_again" if kind == PacketKind.NAK else f"due_{kind.name.lower()}")
            for kind in PacketKind
            if kind >= PacketKind.STATUS
        }
        m.d.comb += [
            asked.eq(receiver.sound & receiver.bare),
            ahead.eq(header.number - expected),
            drop.eq(receiver.sound),
        ]
        m.d.sync += [
            ours.eq(header.session == session),
            in_turn.eq(ahead == 0),
            behind.eq(ahead[-1]),
            has_result.eq(results.full & (header.number == result)),
            wants_next.eq(results.full & (header.number == Cat(result + 1)[:16])),
        ]
        with m.If(receiver.sound & ~receiver.bare & ours & (header.kind == PacketKind.DATA)):
            m.d.comb += [
                accept.eq(in_turn & ~buffer.overflow),
                gap.eq(~in_turn & ~behind),
                repeat.eq(behind | buffer.overflow),
                drop.eq(~accept),
            ]
        with m.If(asked), m.Switch(header.kind):
            with m.Case(PacketKind.OPEN):
                m.d.comb += [opened.eq(~ours), repeat.eq(1), drop.eq(0)]
            with m.Case(PacketKind.POLL), m.If(ours):
                m.d.comb += [repeat.eq(1), drop.eq(0), freed.eq(wants_next), again.eq(has_result)]
            with m.Case(PacketKind.IDENTIFY):
                m.d.sync += due[PacketKind.IDENTITY].eq(1)
                m.d.comb += drop.eq(0)
            with m.Case(PacketKind.COUNT):
                m.d.sync += due[PacketKind.COUNTERS].eq(1)
                m.d.comb += drop.eq(0)
            with m.Case(PacketKind.RATE), m.If(ours & (header.number >= BAUD_DIVISORS.start) & (header.number < BAUD_DIVISORS.stop)):
                m.d.comb += [repeat.eq(1), drop.eq(0)]
                m.d.sync += rate.eq(header.number)
        with m.If(self.slow):
            m.d.sync += rate.eq(self._divisor)

        m.d.comb += [
            buffer.byte.eq(receiver.byte),
            buffer.write.eq(receiver.write & (header.kind == PacketKind.DATA)),
            buffer.keep.eq(accept),
            buffer.drop.eq(receiver.end & ~accept),
            buffer.clear.eq(opened),
            feeder.restart.eq(opened),
            feeder.finished.eq(results.finished),
            results.stale.eq(feeder.stale),
            results.free.eq(freed | opened),
        ]
        with m.If(accept):
            m.d.sync += [expected.eq(expected + 1), missing.eq(0)]
        with m.If(gap):
            m.d.sync += missing.eq(1)
        with m.If(freed):
            m.d.sync += result.eq(result + 1)
        with m.If(opened):
            m.d.sync += [session.eq(header.session), expected.eq(0), result.eq(0), missing.eq(0)]

        # What is due is sent, most urgent first.
        due_scores = due[PacketKind.SCORES]
        m.d.comb += [
            transmitter.session.eq(session),
            transmitter.abort.eq(opened | freed | again),
            transmitter.room.eq(buffer.room),
            results.index.eq(transmitter.index),
            transmitter.score.eq(results.score),
            counters.index.eq(transmitter.place),
            transmitter.counter.eq(counters.byte),
            counters.hold.eq(due[PacketKind.COUNTERS] | transmitter.hold),
        ]
        chosen = transmitter.kind
        for kind in (PacketKind.SCORES, PacketKind.COUNTERS, PacketKind.IDENTITY, PacketKind.STATUS, PacketKind.NAK):
            with m.If(due[kind] & (counters.settled if kind == PacketKind.COUNTERS else 1)):
                m.d.comb += [transmitter.request.eq(1), chosen.eq(kind)]
        m.d.comb += transmitter.number.eq(Mux(chosen == PacketKind.SCORES, result, expected))
        with m.If(transmitter.taken):
            for kind in (PacketKind.NAK, PacketKind.STATUS, PacketKind.IDENTITY, PacketKind.COUNTERS):
                with m.If(chosen == kind):
                    m.d.sync += due[kind].eq(0)
            with m.If(chosen == PacketKind.NAK):
                m.d.sync += due[PacketKind.STATUS].eq(0)
        with m.If(transmitter.complete):
            m.d.sync += due_scores.eq(0)
        with m.If(repeat | buffer.drained):
            m.d.sync += due[PacketKind.STATUS].eq(1)
        with m.If((gap & ~missing) | (receiver.end & ~receiver.sound)):
            m.d.sync += due[PacketKind.NAK].eq(1)
        with m.If((results.finished & ~feeder.stale) | again):
            m.d.sync += due_scores.eq(1)
        with m.If(freed | opened):
            m.d.sync += due_scores.eq(0)

        events = {
            "frames": results.finished & ~feeder.stale,
            "damaged": receiver.end & ~receiver.sound,
            "dropped": drop,
            "cycles": 1,
            "busy": self.busy,
            "starved": self.frames.ready & ~self.frames.valid,
            "stalled": self.scores.valid & ~self.scores.ready,
        }
        m.d.comb += counters.events.eq(Cat(events[name] for name in COUNTER_NAMES))
        return m
