# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The scores of each frame to whom the frame belongs."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...sw.plan.nodes import GlobalSumSpec
from ..engines.global_sum import score_layout, score_stream
from .frame_arbiter import FrameOwner


class ScoreRouter(wiring.Component):
    """Gives the scores of host frames to the link, those of camera frames to whoever listens, and those of captured frames to both.

    The accelerator keeps frames in order, so the owner at the head of the queue is that of the scores that come out. The verdict on a
    camera frame is known when its last byte has entered the accelerator, so its scores wait for it a few cycles at most. Who listens
    cannot make them wait. Combinational. Latency: LATENCY cycles. Throughput: one score a cycle.

    Parameters
    ----------
    global_sum: the accelerator's last node

    Members
    -------
    input: ``In(score_stream(global_sum))``
    owners: ``In(stream.Signature(FrameOwner))``; one for each frame
    verdicts: ``In(stream.Signature(1))``; one for each frame of the camera: 1 if it is whole
    host: ``Out(score_stream(global_sum))``; of host frames and of captured ones
    captured: ``Out(1)``; what is offered to the host is of a captured frame
    good: ``Out(1)``; the camera frame whose scores come out is whole
    score: ``Out(score_layout(global_sum))``, score_taken: ``Out(1)``; a score of a camera frame passes in this cycle
    """

    LATENCY = 0

    input: stream.Interface
    owners: stream.Interface
    verdicts: stream.Interface
    host: stream.Interface
    captured: Signal
    good: Signal
    score: Any
    score_taken: Signal

    def __init__(self, *, global_sum: GlobalSumSpec) -> None:
        super().__init__(
            {
                "input": In(score_stream(global_sum)),
                "owners": In(stream.Signature(FrameOwner)),
                "verdicts": In(stream.Signature(1)),
                "host": Out(score_stream(global_sum)),
                "score": Out(score_layout(global_sum)),
                **{name: Out(1) for name in ("captured", "good", "score_taken")},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        taken = Signal()
        ends = Signal()
        with m.If(self.owners.valid), m.Switch(self.owners.payload):
            with m.Case(FrameOwner.HOST):
                m.d.comb += [self.host.valid.eq(self.input.valid), self.input.ready.eq(self.host.ready)]
            with m.Case(FrameOwner.CAPTURED):
                m.d.comb += [
                    self.captured.eq(1),
                    self.host.valid.eq(self.input.valid & self.verdicts.valid),
                    self.input.ready.eq(self.host.ready & self.verdicts.valid),
                    self.score_taken.eq(taken),
                    self.verdicts.ready.eq(ends),
                ]
            with m.Case(FrameOwner.CAMERA):
                m.d.comb += [self.input.ready.eq(self.verdicts.valid), self.score_taken.eq(taken), self.verdicts.ready.eq(ends)]
        m.d.comb += [
            taken.eq(self.input.valid & self.input.ready),
            ends.eq(taken & self.input.payload.last),
            self.owners.ready.eq(ends),
            self.host.payload.eq(self.input.payload),
            self.good.eq(self.verdicts.payload),
            self.score.eq(self.input.payload),
        ]
        return m
