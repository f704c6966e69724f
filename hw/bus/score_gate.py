# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Passes the scores of good frames on and drops those of bad ones."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...sw.plan.nodes import GlobalSumSpec
from ..engines.global_sum import score_stream


class ScoreGate(wiring.Component):
    """Lets the scores of a frame pass when its verdict is good, and drops all of them when it is bad.

    Without a verdict the scores wait: the packet of their frame has not ended. Combinational. Latency: LATENCY cycles. Throughput: one
    score a cycle.

    Parameters
    ----------
    global_sum: the accelerator's last node

    Members
    -------
    input: ``In(score_stream(global_sum))``
    verdicts: ``In(stream.Signature(1))``; one for each frame: 1 if it is good
    output: ``Out(score_stream(global_sum))``
    hold: ``In(1)``; begin no other frame
    sending: ``Out(1)``; the scores of a good frame have been offered and have not all been taken
    finished: ``Out(1)``; the last score of a frame, good or bad, is taken in this cycle
    """

    LATENCY = 0

    input: stream.Interface
    verdicts: stream.Interface
    output: stream.Interface
    hold: Signal
    sending: Signal
    finished: Signal

    def __init__(self, *, global_sum: GlobalSumSpec) -> None:
        scores = score_stream(global_sum)
        super().__init__(
            {
                "input": In(scores),
                "verdicts": In(stream.Signature(1)),
                "output": Out(scores),
                "hold": In(1),
                "sending": Out(1),
                "finished": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        good = Signal()
        bad = Signal()
        m.d.comb += [
            good.eq(self.verdicts.valid & self.verdicts.payload & (self.sending | ~self.hold)),
            bad.eq(self.verdicts.valid & ~self.verdicts.payload),
            self.output.valid.eq(self.input.valid & good),
            self.output.payload.eq(self.input.payload),
            self.input.ready.eq(bad | (good & self.output.ready)),
            self.finished.eq(self.input.valid & self.input.ready & self.input.payload.last),
            self.verdicts.ready.eq(self.finished),
        ]
        with m.If(self.finished):
            m.d.sync += self.sending.eq(0)
        with m.Elif(self.output.valid):
            m.d.sync += self.sending.eq(1)
        return m
