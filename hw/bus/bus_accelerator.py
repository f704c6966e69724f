# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The accelerator between the streams of a bus: packets in, packets out, and registers. All of it in the accelerator's clock."""

from typing import Any

from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...sw.link.register_map import CoreDescriptor
from ...sw.plan.nodes import GlobalSumSpec
from ..stream.fifo import Fifo
from .beat_unpacker import BeatUnpacker
from .frame_guard import FrameGuard
from .registers import Registers
from .score_gate import ScoreGate
from .score_packer import ScorePacker
from .signatures import TARGET, beat_stream
from .soft_reset import SoftReset

MAX_IN_FLIGHT = 32
"""Frames that may be in the accelerator at a time: more than are needed to keep it busy."""


class BusAccelerator(wiring.Component):
    """Packets of frames in, packets of scores out.

    ::

        frames -> unpacker -> guard -> accelerator -> gate -> packer -> scores
                                | verdicts             ^
                                +-------> FIFO --------+
        requests -> registers -> responses

    Latency: that of the accelerator and LATENCY cycles. Throughput: that of the accelerator, at most a byte a cycle in either direction.

    Parameters
    ----------
    accelerator: ``Accelerator``, or a component with its members ``input`` and ``output``
    global_sum: its last node
    descriptor: what the registers say of it
    stream_bytes: bytes of TDATA

    Members
    -------
    frames: ``In(beat_stream(stream_bytes))``
    scores: ``Out(beat_stream(stream_bytes))``
    requests: ``In(stream.Signature(REQUEST))``
    responses: ``Out(stream.Signature(RESPONSE))``
    irq: ``Out(1)``; a register
    """

    LATENCY = BeatUnpacker.LATENCY + FrameGuard.LATENCY + ScoreGate.LATENCY
    """Cycles in front of and behind the accelerator, besides ``ScorePacker.latency``."""

    frames: stream.Interface
    scores: stream.Interface
    requests: stream.Interface
    responses: stream.Interface
    irq: Signal

    def __init__(self, *, accelerator: Any, global_sum: GlobalSumSpec, descriptor: CoreDescriptor, stream_bytes: int) -> None:
        self._accelerator = accelerator
        self._descriptor = descriptor
        self._stream_bytes = stream_bytes
        self._packer = ScorePacker(global_sum=global_sum, score_bytes=descriptor.score_bytes, stream_bytes=stream_bytes)
        self._gate = ScoreGate(global_sum=global_sum)
        super().__init__(
            {
                "frames": In(beat_stream(stream_bytes)),
                "scores": Out(beat_stream(stream_bytes)),
                **TARGET,
                "irq": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.soft_reset = soft_reset = SoftReset()
        m.submodules.guard = guard = FrameGuard(frame_bytes=self._descriptor.frame_bytes)
        m.submodules.gate = gate = self._gate
        m.submodules.packer = packer = self._packer
        m.submodules.registers = registers = Registers(constants=self._descriptor.words(self._stream_bytes))
        aborted, cleared = ResetInserter(soft_reset.clear & soft_reset.abort), ResetInserter(soft_reset.clear)
        unpacker = BeatUnpacker(stream_bytes=self._stream_bytes)  # takes beats while it is reset, and forgets them
        verdicts = Fifo(shape=1, depth=MAX_IN_FLIGHT)
        m.submodules.unpacker = aborted(unpacker)
        m.submodules.verdicts = cleared(verdicts)
        m.submodules.accelerator = cleared(self._accelerator)

        wiring.connect(m, wiring.flipped(self.frames), unpacker.input)
        wiring.connect(m, unpacker.output, guard.input)
        wiring.connect(m, guard.output, self._accelerator.input)
        wiring.connect(m, guard.verdicts, verdicts.input)
        wiring.connect(m, verdicts.output, gate.verdicts)
        wiring.connect(m, self._accelerator.output, gate.input)
        wiring.connect(m, gate.output, packer.input)
        wiring.connect(m, packer.output, wiring.flipped(self.scores))
        wiring.connect(m, wiring.flipped(self.requests), registers.requests)
        wiring.connect(m, registers.responses, wiring.flipped(self.responses))

        in_flight = Signal(range(MAX_IN_FLIGHT + 1))
        m.d.sync += in_flight.eq(in_flight + guard.begun - gate.finished)
        with m.If(soft_reset.clear):
            m.d.sync += in_flight.eq(0)
        m.d.comb += [
            soft_reset.request.eq(registers.reset),
            soft_reset.abort_request.eq(registers.abort),
            soft_reset.sending.eq(gate.sending),
            guard.halt.eq(soft_reset.halt),
            guard.abort.eq(soft_reset.abort),
            gate.hold.eq(soft_reset.halt),
            registers.resetting.eq(soft_reset.halt),
            registers.received.eq(guard.verdicts.valid & guard.verdicts.payload),
            registers.events.done.eq(self.scores.valid & self.scores.ready & self.scores.payload.last),
            registers.events.short.eq(guard.short),
            registers.events.long.eq(guard.long),
            registers.events.reset_done.eq(soft_reset.done),
            registers.status.receiving.eq(guard.receiving),
            registers.status.sending.eq(gate.sending | packer.busy),
            registers.status.in_flight.eq(in_flight),
            self.irq.eq(registers.irq),
        ]
        return m
