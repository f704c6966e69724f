# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The frame feeder: the accelerator always gets whole frames, and stale results are told from others."""

from unittest.mock import patch

from amaranth.hdl import Mux, Signal

from ....hw.link import frame_feeder
from ..bench import Bench, bits, transfer
from ..internals import internals
from ..proof import Engine, Fault, Proof
from .streams import accept

BITS = 2
"""Bits of a byte that are not zero: the feeder looks at none."""


def feeder(frame_bytes: int, most: int) -> Proof:
    """The proof for frames of a size, with at most so many in flight."""

    def build(bench: Bench) -> None:
        """Frames are whole: a session's bytes begin a frame, each follows once, unchanged; zeros complete the frame of an ended session.

        Results are stale exactly while frames from before the last restart are in flight.
        """
        m = bench.m
        m.submodules.dut = dut = frame_feeder.FrameFeeder(frame_bytes=frame_bytes)
        with patch.object(frame_feeder, "MAX_IN_FLIGHT", most):
            inside = internals(dut)
        # The packet buffer is cleared by a restart, so that the source may take back what it offered.
        m.d.comb += [dut.input.valid.eq(bench.free(1, "input_valid")), dut.input.payload.eq(bench.free(BITS, "input_payload"))]
        accept(bench, dut.output, "output")
        restart, finished = bench.free(1, "restart"), bench.free(1, "finished")
        m.d.comb += [dut.restart.eq(restart), dut.finished.eq(finished)]

        # Where in their frames the bytes are that leave, are loaded into the output register, and are taken in this session.
        leaving = Signal(range(max(2, frame_bytes)))
        loading = Signal.like(leaving)
        taking = Signal.like(leaving)
        taken = transfer(dut.input)
        following = Mux(leaving == frame_bytes - 1, 0, leaving + 1)
        m.d.comb += loading.eq(Mux(dut.output.valid, following, leaving))
        with m.If(transfer(dut.output)):
            m.d.sync += leaving.eq(following)
        with m.If(restart):
            m.d.sync += taking.eq(0)
            bench.ensure(~taken, "a restart takes no byte")
        with m.Elif(taken):
            m.d.sync += taking.eq(Mux(taking == frame_bytes - 1, 0, taking + 1))
        with m.If(taken):
            bench.ensure(loading == taking, "a byte goes to its own place in the frame")

        # What leaves is what was taken, and otherwise zero.
        loaded_input, input_before = bench.past(taken, "loaded_input"), bench.past(bits(dut.input), "input_before")
        waiting = bench.past(dut.output.valid & ~dut.output.ready, "output_waits")
        with m.If(loaded_input):
            bench.ensure(dut.output.valid & (bits(dut.output) == input_before), "what was taken leaves next, unchanged")
        with m.Elif(dut.output.valid & ~waiting):
            bench.ensure(bits(dut.output) == 0, "what was not taken is padding")

        # Frames are in flight from their first byte in the output register until they are finished, which they are once they have left.
        complete = Signal(range(most + 2))
        m.d.sync += complete.eq(complete + (transfer(dut.output) & (leaving == frame_bytes - 1)) - finished)
        bench.assume(~finished | (complete != 0), "a frame finishes after its last byte has left")
        begun = Signal(range(most + 2))
        in_flight = Signal(range(most + 2))
        stale = Signal(range(most + 2))
        m.d.comb += in_flight.eq(begun + (dut.output.valid & ~waiting & (leaving == 0)))
        m.d.sync += begun.eq(in_flight - finished)
        bench.ensure(in_flight <= most, "never more frames are in flight than can be counted")
        with m.If(restart):
            m.d.sync += stale.eq(in_flight - finished)
        with m.Elif(finished & (stale != 0)):
            m.d.sync += stale.eq(stale - 1)
        bench.ensure(dut.stale == (stale != 0), "results are stale while frames from before the restart are in flight")

        # The invariants: what the feeder's registers have to do with all that.
        bench.ensure(inside["offset"] == loading, "the offset is that of the next byte")
        with m.If(inside["padding"]):
            bench.ensure((taking == 0) & (loading != 0), "padding completes a frame")
        with m.Else():
            bench.ensure(taking == loading, "without padding the session's bytes are those of the frame")
        bench.ensure((leaving < frame_bytes) & (taking < frame_bytes), "places are within a frame")
        bench.ensure(inside["in_flight"] == in_flight, "the feeder counts the frames in flight")
        bench.ensure(in_flight == complete + (dut.output.valid | (leaving != 0)), "one frame at most has begun and not left")
        bench.ensure((inside["stale_frames"] == stale) & (stale <= in_flight), "the feeder counts the stale frames")
        bench.reaches(dut.stale, transfer(dut.output) & (bits(dut.output) != 0))
        if frame_bytes > 1:
            bench.reaches(dut.output.valid & ~waiting & ~loaded_input)
        if short:
            bench.reaches(in_flight == most, finished & dut.stale)

    # A frame of real size takes more cycles than a counterexample can be looked for; what only its end shows is left to short ones.
    short = frame_bytes < 4
    faults = [Fault(frame_feeder, "(in_flight != MAX_IN_FLIGHT)) & ~self.restart)", "(in_flight != MAX_IN_FLIGHT)))")]
    if frame_bytes > 1:
        faults.append(Fault(frame_feeder, "padding.eq(offset != 0)", "padding.eq(0)"))
    if short:
        faults.append(Fault(frame_feeder, "stale_frames.eq(in_flight - self.finished)", "stale_frames.eq(in_flight)"))
        faults.append(Fault(frame_feeder, "with m.Elif(self.finished & self.stale):", "with m.Elif(self.finished):"))
        faults.append(Fault(frame_feeder, "in_flight != MAX_IN_FLIGHT", "in_flight <= MAX_IN_FLIGHT"))
    size = f"frames of {frame_bytes:,} byte{'s' * (frame_bytes > 1)}, at most {most} in flight"
    return Proof(f"frame_feeder_{frame_bytes}", build, tuple(faults), size, Engine.INDUCTION, depth=2)


PROOFS = (feeder(1, 3), feeder(3, 3), feeder(3 * 227 * 227, frame_feeder.MAX_IN_FLIGHT))
