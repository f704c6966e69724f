# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The credit of the multiply-accumulate lanes, whose pipeline cannot stall."""

from amaranth.hdl import Const

from ....hw.engines import mac_array
from ....sw.plan.lane_layout import LaneLayout
from ....sw.plan.nodes import OUTPUT_FIFO_DEPTH, Arithmetic
from ..bench import Bench, transfer
from ..internals import internals
from ..proof import Engine, Fault, Proof


def credit(bench: Bench) -> None:
    """A finished sum always finds a free slot in the output FIFO, none is lost, and no credit is."""
    m = bench.m
    layout = LaneLayout.natural(lanes=1, tiles=1, width=1)
    dut = mac_array.MacArray(
        output=layout, source_lanes=1, rotations=[0], accumulators=1, centroid_bits=2, arithmetic=Arithmetic((0,), 12, 0)
    )
    inside = internals(dut)
    output_fifo = inside["output_fifo"]
    level = internals(output_fifo)["sync_fifo"].level
    m.submodules.dut = dut

    # As the engines issue: a last product is strobed only in the cycle after credit was seen.
    next_last = bench.free(1, "next_last")
    last = bench.past(next_last, "last")
    strobe = bench.past(bench.free(1, "next_strobe") & (~next_last | dut.credit), "strobe")
    m.d.comb += [dut.strobe.eq(strobe), dut.control.last.eq(last), dut.control.first.eq(1)]
    m.d.comb += dut.output.ready.eq(bench.free(1, "output_ready"))
    issued = strobe & last
    in_flight = bench.count(issued, transfer(dut.output), OUTPUT_FIFO_DEPTH, "in_flight")
    bench.ensure(~output_fifo.input.valid | output_fifo.input.ready, "a finished sum finds a free slot")

    # The invariants: where the sums in flight are, and that every slot is free, promised or filled.
    on_the_way = [inside[f"strobe_{stage}"] & inside[f"control_{stage}"].last for stage in range(1, 5)]
    on_the_way += [inside[name] for name in ("sum_complete", "result_valid", "output_valid")]
    total = sum(on_the_way, Const(0, 5))
    bench.ensure(in_flight == total + level, "a sum in flight is in the pipeline or in the FIFO")
    free_slots, beat_taken = inside["free_slots"], inside["beat_taken"]
    bench.ensure(free_slots + beat_taken + level + total == OUTPUT_FIFO_DEPTH, "each slot is free, promised or filled")
    bench.ensure(~issued | (free_slots != 0), "a sum was issued with credit")
    bench.ensure(dut.output.valid == (level != 0), "the FIFO offers what it holds")
    bench.reaches(level == OUTPUT_FIFO_DEPTH, transfer(dut.output))


PROOFS = (
    Proof(
        "mac_array_credit",
        credit,
        (
            Fault(mac_array, "self.credit.eq(free_slots > 1)", "self.credit.eq(free_slots > 0)"),
            Fault(mac_array, "beat_taken.eq(self.output.valid & self.output.ready)", "beat_taken.eq(self.output.valid)"),
            Fault(mac_array, "- (self.strobe & self.control.last)", "- self.control.last"),
        ),
        f"{OUTPUT_FIFO_DEPTH} slots, 1 lane",
        Engine.INDUCTION,
        depth=2,
        counterexample_depth=30,
    ),
)
