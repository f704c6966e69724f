# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The device's end of the link: bytes from and to the host on one side, the accelerator's streams on the other."""

from dataclasses import dataclass
from typing import Any, ClassVar

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...sw.link.identity import DeviceDescriptor
from ...sw.link.packets import BAUD_DIVISORS, BUFFER_BYTES, COUNTER_NAMES, SESSION_PACKETS, PacketKind
from ...sw.plan.nodes import GlobalSumSpec
from ..engines.global_sum import score_stream
from .counters import Counters
from .frame_feeder import FrameFeeder
from .packet_buffer import PacketBuffer
from .packet_receiver import PacketReceiver
from .packet_transmitter import PacketTransmitter
from .score_buffer import ScoreBuffer


@dataclass(frozen=True)
class Blocks:
    """The submodules."""

    receiver: PacketReceiver
    buffer: PacketBuffer
    feeder: FrameFeeder
    score_buffer: ScoreBuffer
    transmitter: PacketTransmitter
    counters: Counters


@dataclass(frozen=True)
class Registers:
    """What the endpoint remembers of a session."""

    divisor: Signal
    """Clock cycles per bit of the serial line."""
    session: Signal
    expected: Signal
    """Sequence number of the DATA packet that comes next; ``SESSION_PACKETS`` when no more may come."""
    result: Signal
    """Sequence number of the result that is in the score buffer, or comes into it next."""
    gap_reported: Signal
    """A NAK has reported a gap, and the missing packet has not arrived."""
    due: dict[PacketKind, Signal]
    """The packets that must be sent."""


@dataclass(frozen=True)
class Verdict:
    """The decisions on the packet that ends in this cycle."""

    accept: Signal
    """A DATA packet is taken."""
    acknowledge: Signal
    """It must be answered by STATUS."""
    gap: Signal
    """A DATA packet before this one is missing, or the session has no number left for this one."""
    dropped: Signal
    """A valid packet is ignored."""
    opened: Signal
    """A session begins."""
    released: Signal
    """The host has the result in the score buffer."""
    resend: Signal
    """The host asks for the result in the score buffer."""
    valid_request: Signal
    """The packet is valid and has no payload: any kind but DATA."""
    same_session: Signal
    """It belongs to the session."""


class LinkEndpoint(wiring.Component):
    """The device's side of the protocol, for any transport of bytes.

    Its blocks::

        received -> receiver -> buffer -> feeder -> frames         packets; valid bytes; whole frames
                       | header
                     judge --> registers, due replies
                                  |
        sent <- transmitter <-----+--- score buffer <- scores

    It has no timers: the host detects every loss. Whatever arrives, the endpoint takes a byte in each cycle, frames reach the accelerator
    whole and in order, and scores are sent under the sequence number of their frame. Sequence numbers do not wrap around: after
    ``SESSION_PACKETS`` packets or results the endpoint takes no more of them, so that it cannot mistake an old packet for a new one.

    Parameters
    ----------
    global_sum: the accelerator's last node
    descriptor: the device descriptor for the host
    divisor: clock cycles per bit of a serial line at the default rate
    reloadable: as in ``PacketTransmitter``

    Members
    -------
    received: ``In(stream.Signature(8, always_ready=True))``; from the host
    sent: ``Out(stream.Signature(8))``; to the host
    frames: ``Out(stream.Signature(8))``; to the accelerator
    scores: ``In(score_stream(global_sum))``; from the accelerator
    busy: ``In(1)``; an engine begins a multiplication in this cycle
    baud_reset: ``In(1)``; reset the baud rate to the default
    divisor: ``Out(...)``; clock cycles per bit of the serial line
    """

    received: stream.Interface
    sent: stream.Interface
    frames: stream.Interface
    scores: stream.Interface
    busy: Signal
    baud_reset: Signal
    divisor: Signal

    _replies: ClassVar[tuple[PacketKind, ...]] = (
        PacketKind.SCORES,
        PacketKind.COUNTERS,
        PacketKind.IDENTITY,
        PacketKind.STATUS,
        PacketKind.NAK,
    )
    """The packets to the host, the most urgent last."""
    _more_members: ClassVar[dict[str, Any]] = {}
    """Members that a derived endpoint has besides."""

    def __init__(self, *, global_sum: GlobalSumSpec, descriptor: DeviceDescriptor, divisor: int, reloadable: bool = False) -> None:
        if divisor not in BAUD_DIVISORS:
            raise ValueError(f"divisor must be {BAUD_DIVISORS.start} to {BAUD_DIVISORS.stop - 1} cycles a bit, not {divisor}")
        self._global_sum = global_sum
        self._descriptor = descriptor
        self._divisor = divisor
        self._reloadable = reloadable
        byte = unsigned(8)
        super().__init__(
            {
                "received": In(stream.Signature(byte, always_ready=True)),
                "sent": Out(stream.Signature(byte)),
                "frames": Out(stream.Signature(byte)),
                "scores": In(score_stream(global_sum)),
                "busy": In(1),
                "baud_reset": In(1),
                "divisor": Out(range(BAUD_DIVISORS.stop)),
                **self._more_members,
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        blocks = self._add_blocks(m)
        baud_divisor = Signal(range(BAUD_DIVISORS.stop), init=self._divisor)
        session = Signal(16)
        expected = Signal(16)
        result = Signal(16)
        gap_reported = Signal()
        due = {kind: Signal(name=f"due_{kind.name.lower()}") for kind in sorted(self._replies)}
        registers = Registers(divisor=baud_divisor, session=session, expected=expected, result=result, gap_reported=gap_reported, due=due)
        m.d.comb += self.divisor.eq(baud_divisor)
        verdict = self._judge(m, blocks, registers)
        self._apply(m, blocks, registers, verdict)
        self._reply(m, blocks, registers, verdict)
        self._count(m, blocks, verdict)
        return m

    def _add_blocks(self, m: Module) -> Blocks:
        m.submodules.receiver = receiver = PacketReceiver()
        m.submodules.buffer = buffer = PacketBuffer(depth=BUFFER_BYTES)
        m.submodules.feeder = feeder = FrameFeeder(frame_bytes=self._descriptor.frame_bytes)
        m.submodules.score_buffer = score_buffer = ScoreBuffer(global_sum=self._global_sum)
        m.submodules.transmitter = transmitter = self._make_transmitter()
        m.submodules.counters = counters = Counters()
        wiring.connect(m, wiring.flipped(self.received), receiver.input)
        wiring.connect(m, buffer.output, feeder.input)
        wiring.connect(m, feeder.output, wiring.flipped(self.frames))
        wiring.connect(m, wiring.flipped(self.scores), score_buffer.input)
        wiring.connect(m, transmitter.output, wiring.flipped(self.sent))
        return Blocks(receiver, buffer, feeder, score_buffer, transmitter, counters)

    def _make_transmitter(self) -> PacketTransmitter:
        return PacketTransmitter(global_sum=self._global_sum, descriptor=self._descriptor.encode(), reloadable=self._reloadable)

    def _result_done(self, blocks: Blocks) -> Value:
        """A result for the host of this session is complete in this cycle."""
        return blocks.score_buffer.finished & ~blocks.feeder.stale

    def _judge(self, m: Module, blocks: Blocks, registers: Registers) -> Verdict:
        """Decide about a packet in the cycle in which it ends.

        The header is complete some cycles earlier, so the comparisons with it are registers: they keep the decision short.
        """
        receiver, buffer, full = blocks.receiver, blocks.buffer, blocks.score_buffer.full
        header, expected, result = receiver.header, registers.expected, registers.result
        valid_request = Signal()  # a valid packet without payload: any kind but DATA
        same_session = Signal()
        in_sequence = Signal()
        duplicate = Signal()
        names_result = Signal()
        names_next_result = Signal()
        verdict = Verdict(
            accept=Signal(name="accept"),
            acknowledge=Signal(name="acknowledge"),
            gap=Signal(name="gap"),
            dropped=Signal(name="dropped"),
            opened=Signal(name="opened"),
            released=Signal(name="released"),
            resend=Signal(name="resend"),
            valid_request=valid_request,
            same_session=same_session,
        )
        sequence_offset = Signal(signed(17))  # from the expected sequence number; duplicates have a lower one
        m.d.comb += [
            valid_request.eq(receiver.valid & receiver.empty),
            sequence_offset.eq(header.sequence - expected),
            verdict.dropped.eq(receiver.valid),
        ]
        m.d.sync += [
            same_session.eq(header.session == registers.session),
            in_sequence.eq((header.sequence == expected) & (expected != SESSION_PACKETS)),
            duplicate.eq(sequence_offset < 0),
            names_result.eq(full & (header.sequence == result)),
            names_next_result.eq(full & (header.sequence == result + 1)),  # never where result + 1 needs 17 bits
        ]
        lowest, beyond = BAUD_DIVISORS.start, BAUD_DIVISORS.stop
        with m.If(receiver.valid & ~receiver.empty & same_session & (header.kind == PacketKind.DATA)):
            m.d.comb += [
                verdict.accept.eq(in_sequence & ~buffer.overflow),
                verdict.gap.eq(~in_sequence & ~duplicate),
                verdict.acknowledge.eq(duplicate | buffer.overflow),
                verdict.dropped.eq(~verdict.accept),
            ]
        with m.If(valid_request), m.Switch(header.kind):
            with m.Case(PacketKind.OPEN):
                m.d.comb += [verdict.opened.eq(~same_session), verdict.acknowledge.eq(1), verdict.dropped.eq(0)]
            with m.Case(PacketKind.POLL), m.If(same_session):
                m.d.comb += [verdict.acknowledge.eq(1), verdict.dropped.eq(0)]
                m.d.comb += [verdict.released.eq(names_next_result), verdict.resend.eq(names_result)]
            with m.Case(PacketKind.IDENTIFY):
                m.d.sync += registers.due[PacketKind.IDENTITY].eq(1)
                m.d.comb += verdict.dropped.eq(0)
            with m.Case(PacketKind.COUNT):
                m.d.sync += registers.due[PacketKind.COUNTERS].eq(1)
                m.d.comb += verdict.dropped.eq(0)
            with m.Case(PacketKind.RATE), m.If(same_session & (header.sequence >= lowest) & (header.sequence < beyond)):
                m.d.comb += [verdict.acknowledge.eq(1), verdict.dropped.eq(0)]
                m.d.sync += registers.divisor.eq(header.sequence)
        with m.If(self.baud_reset):
            m.d.sync += registers.divisor.eq(self._divisor)
        return verdict

    def _apply(self, m: Module, blocks: Blocks, registers: Registers, verdict: Verdict) -> None:
        """Keep or drop the packet's bytes, and step the sequence numbers."""
        receiver, buffer, feeder, score_buffer = blocks.receiver, blocks.buffer, blocks.feeder, blocks.score_buffer
        accept, opened, released = verdict.accept, verdict.opened, verdict.released
        m.d.comb += [
            buffer.byte.eq(receiver.byte),
            buffer.write.eq(receiver.write & (receiver.header.kind == PacketKind.DATA)),
            buffer.keep.eq(accept),
            buffer.drop.eq(receiver.end & ~accept),
            buffer.clear.eq(opened),
            feeder.restart.eq(opened),
            feeder.finished.eq(score_buffer.finished),
            score_buffer.stale.eq(feeder.stale),
            score_buffer.release.eq(released | opened),
        ]
        with m.If(accept):
            m.d.sync += [registers.expected.eq(registers.expected + 1), registers.gap_reported.eq(0)]
        with m.If(verdict.gap):
            m.d.sync += registers.gap_reported.eq(1)
        with m.If(released):
            m.d.sync += registers.result.eq(registers.result + 1)
        with m.If(opened):
            m.d.sync += [registers.session.eq(receiver.header.session), registers.expected.eq(0)]
            m.d.sync += [registers.result.eq(0), registers.gap_reported.eq(0)]

    def _reply(self, m: Module, blocks: Blocks, registers: Registers, verdict: Verdict) -> None:
        """Send the packets that are due, the most urgent first, and note which become due."""
        receiver, transmitter, counters, due = blocks.receiver, blocks.transmitter, blocks.counters, registers.due
        result_done = self._result_done(blocks)
        m.d.comb += [
            transmitter.session.eq(registers.session),
            transmitter.abort.eq(verdict.opened | verdict.released | verdict.resend),
            transmitter.free_space.eq(blocks.buffer.free_space),
            blocks.score_buffer.index.eq(transmitter.index),
            transmitter.score.eq(blocks.score_buffer.score),
            counters.index.eq(transmitter.offset),
            transmitter.counter.eq(counters.byte),
            counters.hold.eq(due[PacketKind.COUNTERS] | transmitter.hold),
        ]
        # Of several assignments the last one counts: NAK is the most urgent.
        kind = transmitter.kind
        for candidate in self._replies:
            with m.If(due[candidate] & (counters.settled if candidate == PacketKind.COUNTERS else 1)):
                m.d.comb += [transmitter.request.eq(1), kind.eq(candidate)]
        m.d.comb += transmitter.sequence.eq(Mux(kind == PacketKind.SCORES, registers.result, registers.expected))

        # What was sent is due no longer. Below, what becomes due in the same cycle wins.
        with m.If(transmitter.taken):
            for sent_kind in (kind for kind in reversed(self._replies) if kind != PacketKind.SCORES):
                with m.If(kind == sent_kind):
                    m.d.sync += due[sent_kind].eq(0)
            with m.If(kind == PacketKind.NAK):  # which says all that a STATUS says
                m.d.sync += due[PacketKind.STATUS].eq(0)
        with m.If(transmitter.complete):
            m.d.sync += due[PacketKind.SCORES].eq(0)

        with m.If(verdict.acknowledge | blocks.buffer.drained):
            m.d.sync += due[PacketKind.STATUS].eq(1)
        with m.If((verdict.gap & ~registers.gap_reported) | (receiver.end & ~receiver.valid)):
            m.d.sync += due[PacketKind.NAK].eq(1)
        with m.If(result_done | verdict.resend):
            m.d.sync += due[PacketKind.SCORES].eq(1)
        with m.If(verdict.released | verdict.opened):
            m.d.sync += due[PacketKind.SCORES].eq(0)

    def _count(self, m: Module, blocks: Blocks, verdict: Verdict) -> None:
        """Count the events; ``packets.COUNTER_NAMES`` explains each."""
        events = {
            "frames": self._result_done(blocks),
            "damaged": blocks.receiver.end & ~blocks.receiver.valid,
            "dropped": verdict.dropped,
            "cycles": 1,
            "busy": self.busy,
            "starved": self.frames.ready & ~self.frames.valid,
            "stalled": self.scores.valid & ~self.scores.ready,
        }
        m.d.comb += blocks.counters.events.eq(Cat(events[name] for name in COUNTER_NAMES))
