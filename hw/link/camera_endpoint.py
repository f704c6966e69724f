# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The device's end of the link where a camera feeds the accelerator, too."""

from typing import Any, ClassVar

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib.wiring import Out

from ...sw.link.identity import DeviceDescriptor
from ...sw.link.packets import SESSION_PACKETS, PacketKind
from ...sw.plan.nodes import GlobalSumSpec
from .camera_port import MAX_PACE, CameraPort, CameraSide
from .endpoint import Blocks, LinkEndpoint, Registers, Verdict
from .packet_transmitter import PacketTransmitter

SILENCE_SECONDS = 4
"""Seconds of silence after which a host that holds the accelerator loses its session: far longer than a host waits before it asks again."""


class CameraLinkEndpoint(LinkEndpoint):
    """``LinkEndpoint`` that also answers CAMERA, CAPTURE and PACE.

    The accelerator is not the host's alone, so one that has gone may not keep it: when the session holds it (half a frame has arrived, a
    result was not taken, a capture is under way) and no valid packet comes for a while, the session is used up, as if all of its numbers
    were: its frames end, and a host that is still there begins a new session.

    Parameters
    ----------
    silence: cycles of that while; None for ``SILENCE_SECONDS``
    others: as in ``LinkEndpoint``

    Members
    -------
    camera: ``Out(CameraSide())``; to the frames of the camera
    others: as in ``LinkEndpoint``
    """

    camera: Any

    _replies: ClassVar[tuple[PacketKind, ...]] = (*LinkEndpoint._replies[:2], PacketKind.CAMERA_REPORT, *LinkEndpoint._replies[2:])
    _more_members: ClassVar[dict[str, Any]] = {"camera": Out(CameraSide())}

    def __init__(
        self,
        *,
        global_sum: GlobalSumSpec,
        descriptor: DeviceDescriptor,
        divisor: int,
        reloadable: bool = False,
        silence: int | None = None,
    ) -> None:
        super().__init__(global_sum=global_sum, descriptor=descriptor, divisor=divisor, reloadable=reloadable)
        self._silence = silence or SILENCE_SECONDS * descriptor.clock

    def _make_transmitter(self) -> PacketTransmitter:
        descriptor = self._descriptor.encode()
        return PacketTransmitter(global_sum=self._global_sum, descriptor=descriptor, reloadable=self._reloadable, camera=True)

    def _result_done(self, blocks: Blocks) -> Value:
        return blocks.score_buffer.finished & ~blocks.score_buffer.stale

    def elaborate(self, platform: object) -> Module:
        self._port = CameraPort()
        self._ended = Signal(name="ended")  # the session is used up in this cycle: its host has gone
        m = super().elaborate(platform)
        m.submodules.camera_port = self._port
        return m

    def _judge(self, m: Module, blocks: Blocks, registers: Registers) -> Verdict:
        """Decide about the kinds that concern the camera."""
        verdict = super()._judge(m, blocks, registers)
        header, full, port = blocks.receiver.header, blocks.score_buffer.full, self._port
        host_busy = Signal()
        awaited = Signal()  # the result that comes next is named
        names_result = Signal()
        names_next_result = Signal()
        result = registers.result
        m.d.sync += [
            host_busy.eq(self.camera.host_busy | blocks.buffer.output.valid | self.frames.valid),
            awaited.eq((header.sequence == result + full) & (header.sequence != SESSION_PACKETS) & (registers.expected != SESSION_PACKETS)),
            names_result.eq(full & (header.sequence == result)),
            names_next_result.eq(full & (header.sequence == result + 1)),
        ]
        m.d.comb += port.new_pace.eq(header.sequence)
        with m.If(verdict.valid_request), m.Switch(header.kind):
            with m.Case(PacketKind.CAMERA):
                m.d.sync += registers.due[PacketKind.CAMERA_REPORT].eq(1)
                m.d.comb += verdict.dropped.eq(0)
            with m.Case(PacketKind.CAPTURE), m.If(verdict.same_session):
                m.d.comb += [verdict.acknowledge.eq(1), verdict.dropped.eq(0)]
                m.d.comb += [verdict.released.eq(names_next_result), verdict.resend.eq(names_result)]
                m.d.comb += port.request.eq(awaited & ~host_busy)
            with m.Case(PacketKind.PACE), m.If(verdict.same_session & (header.sequence <= MAX_PACE)):
                m.d.comb += [verdict.acknowledge.eq(1), verdict.dropped.eq(0), port.set_pace.eq(1)]
        return verdict

    def _apply(self, m: Module, blocks: Blocks, registers: Registers, verdict: Verdict) -> None:
        """What belongs to captured frames does not count as the host's; and what is left when the session ends is forgotten."""
        super()._apply(m, blocks, registers, verdict)
        side, port, buffer, feeder, score_buffer = self.camera, self._port, blocks.buffer, blocks.feeder, blocks.score_buffer
        forget = verdict.opened | self._ended
        self._watch_host(m, blocks, verdict)
        m.d.comb += [
            port.state.eq(side.state),
            port.reset.eq(forget),
            port.begun.eq(side.begun),
            port.byte.eq(side.byte),
            port.byte_taken.eq(side.byte_taken),
            port.picture_end.eq(side.picture_end),
            port.finished.eq(side.captured & score_buffer.finished),
            port.good.eq(side.good),
            side.armed.eq(port.armed),
            side.pace.eq(port.pace),
            side.hold_host.eq(~port.idle & ~port.stale),
            buffer.clear.eq(forget),
            feeder.restart.eq(forget),
            feeder.finished.eq(score_buffer.finished & ~side.captured),
            score_buffer.stale.eq(Mux(side.captured, port.stale | ~side.good, feeder.stale) | forget),
            score_buffer.release.eq(verdict.released | forget),
        ]
        with m.If(self._ended):
            m.d.sync += registers.expected.eq(SESSION_PACKETS)

    def _watch_host(self, m: Module, blocks: Blocks, verdict: Verdict) -> None:
        """Count the cycles in which the session holds the accelerator and the host is silent."""
        quiet = Signal(range(self._silence + 1))
        holds = self.camera.host_busy | blocks.score_buffer.full | (~self._port.idle & ~self._port.stale) | (self._port.pace != 0)
        m.d.comb += self._ended.eq(quiet == self._silence)
        m.d.sync += quiet.eq(quiet + 1)
        with m.If(~holds | (blocks.receiver.valid & verdict.same_session) | self._ended):
            m.d.sync += quiet.eq(0)

    def _reply(self, m: Module, blocks: Blocks, registers: Registers, verdict: Verdict) -> None:
        """Send the packets of a picture in front of the scores of its frame."""
        super()._reply(m, blocks, registers, verdict)
        transmitter, port, due = blocks.transmitter, self._port, registers.due
        urgent = Cat(due[kind] for kind in due if kind != PacketKind.SCORES).any()
        # A resend would cut off the packet of a picture that is being composed; the scores behind it are due in any case.
        m.d.comb += transmitter.abort.eq(verdict.opened | self._ended | verdict.released | (verdict.resend & ~port.pending))
        m.d.comb += [
            port.index.eq(transmitter.offset),
            port.snapshot.eq(transmitter.taken & (transmitter.kind == PacketKind.CAMERA_REPORT)),
            port.pop.eq(transmitter.pop),
            transmitter.report_byte.eq(port.report_byte),
            transmitter.picture_byte.eq(port.picture_byte),
            transmitter.picture_last.eq(port.picture_last),
        ]
        with m.If(~urgent & port.pending):
            m.d.comb += transmitter.request.eq(port.packet_due)
            m.d.comb += [transmitter.kind.eq(PacketKind.PICTURE), transmitter.sequence.eq(port.number)]
        with m.If(self._ended):
            m.d.sync += due[PacketKind.SCORES].eq(0)
