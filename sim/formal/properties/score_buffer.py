# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The score buffer: it keeps the scores of one frame, whole and unchanged, until they are released."""

from collections.abc import Callable

from amaranth.hdl import Mux, Signal

from ....hw.link import score_buffer
from ....sw.plan.lane_layout import LaneLayout
from ....sw.plan.nodes import GlobalSumSpec
from ..bench import Bench, transfer
from ..internals import internals
from ..proof import Engine, Fault, Proof
from .streams import drive


def score_buffer_of(classes: int, height: int) -> Callable[[Bench], None]:
    """The proof for a number of classes, and the scores of an input of ``height`` rows."""

    def build(bench: Bench) -> None:
        """ScoreBuffer: the score read for any class is the one that arrived for it, until it is released; stale frames never fill it."""
        m = bench.m
        spec = GlobalSumSpec("average", LaneLayout.natural(lanes=1, tiles=1, width=1), classes, height)
        dut = score_buffer.ScoreBuffer(global_sum=spec)
        inside = internals(dut)
        stored = inside["stored"].read_port(domain="comb")
        m.submodules.dut = dut
        drive(bench, dut.input, "scores")
        taken = transfer(dut.input)
        place = Signal(range(max(2, classes)))  # the class of the score that comes next
        with m.If(taken):
            m.d.sync += place.eq(Mux(place == classes - 1, 0, place + 1))
        bench.assume(dut.input.payload.last == (place == classes - 1), "the last score of a frame is marked")
        m.d.comb += [
            dut.stale.eq(bench.free(1, "stale")),
            dut.release.eq(bench.free(1, "release")),
            dut.index.eq(bench.free(len(dut.index), "index")),
        ]

        # The promise, for any one class.
        watched = bench.constant(range(max(2, classes)), "watched")
        bench.assume(watched < classes, "the class is one of them")
        arrived = Signal(spec.score_bits)
        known = Signal()  # its score has arrived
        with m.If(taken & (place == watched)):
            m.d.sync += [arrived.eq(dut.input.payload.score), known.eq(1)]
        asked = bench.past(dut.full & (dut.index == watched), "asked")
        asked_before = bench.past(asked, "asked_before")
        score_then = bench.past(bench.past(arrived, "arrived_before"), "arrived_then")
        with m.If(asked_before):
            bench.ensure(dut.score == score_then, "the score that is read is the one that arrived")
        bench.ensure(~(dut.full & taken), "no score is taken while it is full")
        bench.ensure(dut.finished == (taken & dut.input.payload.last), "a frame finishes with its last score")
        filled = bench.past(dut.finished & ~dut.stale & ~dut.release, "filled")
        kept = bench.past(dut.full & ~dut.release, "kept")
        bench.ensure(dut.full == (filled | kept), "it is full from the end of a frame that is not stale until it is released")
        bench.reaches(taken & (place == watched) & (watched != 0))
        if classes <= SMALL:
            bench.reaches(asked_before & (score_then != 0), dut.finished & dut.stale)

        # The invariants: the memory, the register behind it, and the place in the frame.
        m.d.comb += stored.addr.eq(watched)
        bench.ensure((place < classes) & (inside["write_index"] == place), "scores are stored in order")
        bench.ensure(~dut.full | (place == 0), "it is full only between frames")
        bench.ensure((place <= watched) | known, "scores that arrived are known")
        bench.ensure(~dut.full | known, "all scores of a full buffer are known")
        bench.ensure(~known | (stored.data == arrived), "the memory holds what arrived")
        with m.If(asked):
            bench.ensure(inside["read"].data == bench.past(arrived, "arrived_last"), "the memory was read before another score arrived")

    return build


FAULTS = (
    Fault(score_buffer, "self.input.ready.eq(~self.full)", "self.input.ready.eq(1)"),
    Fault(score_buffer, "with m.If(self.finished & ~self.stale):", "with m.If(self.finished):"),
    Fault(score_buffer, "write.addr.eq(write_index)", "write.addr.eq(0)"),
    Fault(score_buffer, "m.d.sync += self.score.eq(read.data)", "m.d.comb += self.score.eq(read.data)"),
)
SMALL = 3
"""Classes of a frame that is finished within the cycles that are searched for counterexamples."""
PROOFS = tuple(
    Proof(
        name,
        score_buffer_of(classes, height),
        faults,
        size=f"{classes} classes, scores of {(255 * height).bit_length()} bits",
        engine=Engine.INDUCTION,
        depth=2,
        counterexample_depth=12,
        quick=quick,
    )
    for name, classes, height, faults, quick in (
        ("score_buffer", SMALL, 1, FAULTS, True),
        ("score_buffer_1000", 1000, 13, FAULTS[2:3], False),
    )
)
