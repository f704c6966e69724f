# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The device's side of go-back-N: packets are accepted once and in order, and what is acknowledged was accepted.

The link may lose, repeat, delay and damage packets in any way: any packets end at any time. The endpoint's other blocks are replaced by
signals with any values; they have proofs of their own.
"""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from ....hw.link import endpoint
from ....sw.link.identity import DeviceDescriptor
from ....sw.link.packets import BAUD_DIVISORS, SESSION_PACKETS, PacketKind
from ....sw.plan.lane_layout import LaneLayout
from ....sw.plan.nodes import GlobalSumSpec
from ..bench import Bench
from ..internals import internals
from ..proof import Engine, Fault, Proof
from .streams import drive

REPLACED = ("PacketReceiver", "PacketBuffer", "FrameFeeder", "PacketTransmitter", "Counters")
DESCRIPTOR = DeviceDescriptor(1, 1, 1, 2, 1, 1_000_000, 1, 100, bytes(16), "some")


def any_packets(session_packets: int) -> Callable[[Bench], None]:
    """The proof for a number of packets that a session may have."""

    def build(bench: Bench) -> None:
        """LinkEndpoint: a session's n-th accepted packet is number n, whatever is lost, repeated or late; acknowledged is accepted.

        A result is released only by a request that names the next one. Neither number wraps around at the end of a session.
        """
        m = bench.m
        spec = GlobalSumSpec("average", LaneLayout.natural(lanes=1, tiles=1, width=1), 2, 1)
        dut = endpoint.LinkEndpoint(global_sum=spec, descriptor=DESCRIPTOR, divisor=BAUD_DIVISORS.start)
        replaced = {name: _replace(getattr(endpoint, name), bench) for name in REPLACED}
        with patch.multiple(endpoint, **replaced, SESSION_PACKETS=session_packets):
            inside = internals(dut)
        m.submodules.dut = dut
        blocks, verdict, registers = inside["blocks"], inside["verdict"], inside["registers"]
        receiver, transmitter = blocks.receiver, blocks.transmitter
        header = receiver.header
        drive(bench, dut.scores, "scores")
        m.d.comb += dut.baud_reset.eq(bench.free(1, "baud_reset"))
        bench.assume(
            ~receiver.end | (bench.past(Value.cast(header), "header_before") == Value.cast(header)), "the CRC comes after the header"
        )
        bench.assume(~receiver.valid | receiver.end, "a packet is valid when it ends")
        bench.assume(~(receiver.end & bench.past(receiver.end, "ended")), "a packet has several bytes")
        bench.assume(~transmitter.taken | transmitter.request, "the transmitter takes what is requested")

        accepted, released = Signal(17), Signal(17)  # of this session
        opened = Signal()
        session = Signal(16)
        opens = receiver.valid & receiver.empty & (header.kind == PacketKind.OPEN) & (header.session != session)
        m.d.comb += opened.eq(opens)
        with m.If(opened):
            m.d.sync += [session.eq(header.session), accepted.eq(0), released.eq(0)]
        with m.Else():
            m.d.sync += [accepted.eq(accepted + blocks.buffer.keep), released.eq(released + verdict.released)]

        keep, full = blocks.buffer.keep, blocks.score_buffer.full
        with m.If(keep):
            bench.ensure(receiver.valid & ~receiver.empty & (header.kind == PacketKind.DATA), "only valid DATA packets are kept")
            bench.ensure((header.session == session) & (header.sequence == accepted), "they are of this session, and next in order")
            bench.ensure(~blocks.buffer.overflow, "they are kept whole")
        bench.ensure(~receiver.end | keep | blocks.buffer.drop, "the bytes of all others are dropped")
        data = receiver.valid & ~receiver.empty & (header.kind == PacketKind.DATA) & (header.session == session)
        due_now = data & (header.sequence == accepted) & (accepted < session_packets) & ~blocks.buffer.overflow
        bench.ensure(~due_now | keep, "the next packet is kept")
        bench.ensure(blocks.buffer.clear == opened, "all bytes are discarded where a session begins, and only there")
        told = transmitter.taken & ((transmitter.kind == PacketKind.STATUS) | (transmitter.kind == PacketKind.NAK))
        with m.If(told):
            bench.ensure(transmitter.sequence == accepted, "what is acknowledged was accepted")
            bench.ensure(transmitter.session == session, "in this session")
        with m.If(transmitter.taken & (transmitter.kind == PacketKind.SCORES)):
            bench.ensure(full, "only complete results are sent")
            bench.ensure(transmitter.sequence == released, "under their own number")
        with m.If(verdict.released):
            names_next = (header.kind == PacketKind.POLL) & (header.session == session) & (header.sequence == released + 1)
            bench.ensure(receiver.valid & names_next & full, "a result is released by a request for the next one")
        bench.ensure((accepted <= session_packets) & (released <= SESSION_PACKETS), "no number wraps around")
        again = bench.past(bench.past(keep, "kept") & ~opened, "kept_before")
        bench.reaches(again, data & ~keep & (header.sequence != accepted), verdict.released, told)

        # The invariants.
        bench.ensure((registers.expected == accepted) & (registers.result == released), "the registers count")
        bench.ensure(registers.session == session, "and know the session")
        bench.ensure(~registers.due[PacketKind.SCORES] | full, "scores are due only while they are there")

    return build


def _replace(replaced: Any, bench: Bench) -> Any:
    """A class that takes the place of a block: its outputs have any values in any cycle."""

    def make(**parameters: Any) -> wiring.Component:
        component = replaced(**parameters)
        component.elaborate = lambda _platform: Module()
        for name, member in component.signature.members.items():
            if not member.is_signature and member.flow is Out:
                value = Value.cast(getattr(component, name))
                bench.m.d.comb += value.eq(bench.free(len(value), f"{replaced.__name__}_{name}"))
        return component  # type: ignore[no-any-return]

    return make


FAULTS: tuple[Fault, ...] = (
    Fault(endpoint, "(header.sequence == expected) & (expected != SESSION_PACKETS)", "header.sequence == expected"),
    Fault(endpoint, "verdict.accept.eq(in_sequence & ~buffer.overflow)", "verdict.accept.eq(in_sequence)"),
    Fault(endpoint, "verdict.accept.eq(in_sequence & ~buffer.overflow)", "verdict.accept.eq(~duplicate & ~buffer.overflow)"),
    Fault(endpoint, "registers.expected.eq(0)]", "registers.gap_reported.eq(0)]"),
)
SHORT = 2
"""Packets of a session that is short enough to see its end in a few cycles."""
PROOFS = tuple(
    Proof(name, any_packets(packets), faults, f"{packets:,} packets a session", Engine.INDUCTION, depth=2, counterexample_depth=12)
    for name, packets, faults in (("endpoint_short_session", SHORT, FAULTS), ("endpoint", SESSION_PACKETS, FAULTS[1:]))
)
