# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The scores of one frame, kept until the host acknowledges them."""

from amaranth.hdl import Module, Signal
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ...sw.plan.nodes import GlobalSumSpec
from ..engines.global_sum import score_stream
from ..utils import count_up


class ScoreBuffer(wiring.Component):
    """Collects the scores of a frame. While it is full, the accelerator waits.

    Filling it takes a cycle per class, in which a score is read in ``READ_LATENCY`` cycles (a block RAM and a register)::

        cycle  0  1  2  3
        index  0  1  2  ..
        score        s0 s1

    Parameters
    ----------
    global_sum: the accelerator's last node

    Members
    -------
    input: ``In(score_stream(global_sum))``
    stale: ``In(1)``; the scores that arrive belong to no frame of this session; they are discarded
    release: ``In(1)``; the host has acknowledged the scores
    finished: ``Out(1)``; the last score of a frame arrives in this cycle
    full: ``Out(1)``; the scores are complete
    index: ``In(range(classes))``; a class
    score: ``Out(score_bits)``; its score, ``READ_LATENCY`` cycles later
    """

    READ_LATENCY = 2
    """Cycles from ``index`` to ``score``."""

    input: stream.Interface
    stale: Signal
    release: Signal
    finished: Signal
    full: Signal
    index: Signal
    score: Signal

    def __init__(self, *, global_sum: GlobalSumSpec) -> None:
        self._global_sum = global_sum
        super().__init__(
            {
                "input": In(score_stream(global_sum)),
                "stale": In(1),
                "release": In(1),
                "finished": Out(1),
                "full": Out(1),
                "index": In(range(max(2, global_sum.channels))),
                "score": Out(global_sum.score_bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        stored: memory.Memory = memory.Memory(shape=self._global_sum.score_bits, depth=max(2, self._global_sum.channels), init=[])
        m.submodules.scores = stored
        write = stored.write_port()
        read = stored.read_port()
        write_index = Signal.like(self.index)
        taken = Signal()
        m.d.comb += [
            self.input.ready.eq(~self.full),
            taken.eq(self.input.valid & ~self.full),
            self.finished.eq(taken & self.input.payload.last),
            write.en.eq(taken),
            write.addr.eq(write_index),
            write.data.eq(self.input.payload.score),
            read.addr.eq(self.index),
        ]
        m.d.sync += self.score.eq(read.data)
        with m.If(taken):
            count_up(m, write_index, self._global_sum.channels)
        with m.If(self.finished & ~self.stale):
            m.d.sync += self.full.eq(1)
        with m.If(self.release):
            m.d.sync += self.full.eq(0)
        return m
