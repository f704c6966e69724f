# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What the ports of a bus must keep to: AXI4-Stream's packets of scores, AXI4-Lite's accesses."""

from amaranth.hdl import Mux, Signal

from ....hw.bus import axi_lite, score_packer
from ....sw.plan.lane_layout import LaneLayout
from ....sw.plan.nodes import GlobalSumSpec
from ..bench import Bench, transfer
from ..proof import Fault, Proof
from .streams import accept, drive

SCORE_BYTES = 2
STREAM_BYTES = 4
CLASSES = 3


def packets(bench: Bench) -> None:
    """A beat stays offered, unchanged, until it is taken; its bytes are its lowest, and all but the last of a packet; packets are whole."""
    m = bench.m
    spec = GlobalSumSpec("pool", LaneLayout.natural(lanes=1, tiles=1, width=1), channels=CLASSES, height=2)
    dut = score_packer.ScorePacker(global_sum=spec, score_bytes=SCORE_BYTES, stream_bytes=STREAM_BYTES)
    m.submodules.dut = dut
    drive(bench, dut.input, "input")
    accept(bench, dut.output, "output")
    index = Signal(range(CLASSES))
    with m.If(transfer(dut.input)):
        m.d.sync += index.eq(Mux(index == CLASSES - 1, 0, index + 1))
    bench.assume(~dut.input.valid | (dut.input.payload.last == (index == CLASSES - 1)), "a frame has as many scores as classes")
    beat = dut.output.payload
    size = SCORE_BYTES * CLASSES
    sent = Signal(range(size + STREAM_BYTES))
    total = sent + sum(beat.keep[lane] for lane in range(STREAM_BYTES))
    with m.If(transfer(dut.output)):
        m.d.sync += sent.eq(Mux(beat.last, 0, total))
    with m.If(dut.output.valid):
        bench.ensure((beat.keep & (beat.keep + 1)) == 0, "the bytes of a beat are its lowest")
        bench.ensure(beat.keep[0], "a beat is not empty")
        bench.ensure(beat.last | beat.keep.all(), "all beats but the last are full")
        bench.ensure(beat.last == (total == size), "a packet has the bytes of all scores")
    bench.reaches(transfer(dut.output) & beat.last)


def accesses(bench: Bench) -> None:
    """A response stays until it is taken; each access makes one request and gets one response, and none comes without cause."""
    m = bench.m
    m.submodules.dut = dut = axi_lite.AxiLiteAdapter()
    for name in ("awvalid", "wvalid", "bready", "arvalid", "rready", "enable"):
        m.d.comb += getattr(dut, name).eq(bench.free(1, name))
    m.d.comb += [
        dut.awaddr[2].eq(bench.free(1, "awaddr")),
        dut.wdata[0].eq(bench.free(1, "wdata")),
        dut.araddr[2].eq(bench.free(1, "araddr")),
    ]
    accept(bench, dut.requests, "requests")
    drive(bench, dut.responses, "responses")
    asked = bench.count(transfer(dut.requests), transfer(dut.responses), 1, "asked")
    bench.assume(~dut.responses.valid | (asked != 0), "a response answers a request")
    writes = {
        channel: bench.count(
            getattr(dut, f"{channel}valid") & getattr(dut, f"{channel}ready"), dut.bvalid & dut.bready, 2, f"{channel}_writes"
        )
        for channel in ("aw", "w")
    }
    reads = bench.count(dut.arvalid & dut.arready, dut.rvalid & dut.rready, 2, "reads")
    for channel, payload in (("b", dut.bresp), ("r", dut.rdata)):
        valid, ready = getattr(dut, f"{channel}valid"), getattr(dut, f"{channel}ready")
        with m.If(bench.past(valid & ~ready, f"{channel}_waits")):
            bench.ensure(valid & (payload == bench.past(payload, f"{channel}_before")), "a response stays as it is until it is taken")
    with m.If(dut.bvalid):
        bench.ensure((writes["aw"] != 0) & (writes["w"] != 0), "a response to a write comes after its address and its data")
    with m.If(dut.rvalid):
        bench.ensure(reads != 0, "data come after their address")
    with m.If(dut.requests.valid & dut.requests.payload.write):
        bench.ensure((writes["aw"] != 0) & (writes["w"] != 0), "a request to write has an address and data")
    bench.reaches(dut.bvalid & dut.bready, dut.rvalid & dut.rready)


PROOFS = (
    Proof(
        "score_packer",
        packets,
        (
            Fault(score_packer, "with m.If(last_byte):", "with m.If(last_score):"),
            Fault(score_packer, "packed.eq(advance & (left != 0))", "packed.eq(left != 0)"),
            Fault(score_packer, "[beat.data.eq(0), beat.keep.eq(0)]", "[beat.data.eq(0)]"),
        ),
        f"{CLASSES} scores of {SCORE_BYTES} bytes, beats of {STREAM_BYTES}",
    ),
    Proof(
        "axi_lite",
        accesses,
        (
            Fault(axi_lite, "self.wready.eq(self.enable & ~has_write_data & ~reading)", "self.wready.eq(self.enable & ~has_write_data)"),
            Fault(axi_lite, "has_write.eq(has_write_address & has_write_data)", "has_write.eq(has_write_address)"),
            Fault(axi_lite, 'with m.State("respond"), m.If((self.bvalid & self.bready)', 'with m.State("respond"), m.If(self.bvalid'),
        ),
        "addresses and data of 1 bit",
    ),
)
