# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The scores of one frame, kept until the host has them."""

from amaranth.hdl import Module, Signal
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ...sw.plan.nodes import GlobalSumSpec
from ..engines.global_sum import score_stream
from ..utils import count_up


class ScoreBuffer(wiring.Component):
    """Collects the scores of a frame; while it is full the accelerator waits.

    Parameters
    ----------
    average: the accelerator's last node

    Members
    -------
    input: ``In(scores(average))``
    stale: ``In(1)``; the scores that come are nobody's
    free: ``In(1)``; the host has the scores
    finished: ``Out(1)``; a frame's last score is taken in this cycle
    full: ``Out(1)``; the scores are complete
    index: ``In(range(classes))``; a class, whose score is ``score`` two cycles later
    score: ``Out(average.score_bits)``
    """

    input: stream.Interface
    stale: Signal
    free: Signal
    finished: Signal
    full: Signal
    index: Signal
    score: Signal

    def __init__(self, *, average: GlobalSumSpec) -> None:
        self._average = average
        super().__init__(
            {
                "input": In(score_stream(average)),
                "stale": In(1),
                "free": In(1),
                "finished": Out(1),
                "full": Out(1),
                "index": In(range(max(2, average.channels))),
                "score": Out(average.score_bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        kept: memory.Memory = memory.Memory(shape=self._average.score_bits, depth=max(2, self._average.channels), init=[])
        m.submodules.kept = kept
        write, read = kept.write_port(), kept.read_port()
        place, taken = Signal.like(self.index), Signal()
        m.d.comb += [
            self.input.ready.eq(~self.full),
            taken.eq(self.input.valid & ~self.full),
            self.finished.eq(taken & self.input.payload.last),
            write.en.eq(taken),
            write.addr.eq(place),
            write.data.eq(self.input.payload.score),
            read.addr.eq(self.index),
        ]
        m.d.sync += self.score.eq(read.data)
        with m.If(taken):
            count_up(m, place, self._average.channels)
        with m.If(self.finished & ~self.stale):
            m.d.sync += self.full.eq(1)
        with m.If(self.free):
            m.d.sync += self.full.eq(0)
        return m
