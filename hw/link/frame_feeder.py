# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Whole frames for the accelerator, even where a session ends in the middle of one."""

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..utils import count_up

MAX_IN_FLIGHT = 255
"""Frames that may be in the accelerator at a time: more than fit into any."""


class FrameFeeder(wiring.Component):
    """Passes the bytes of frames on. When a new session begins in the middle of a frame, zeros complete that frame.

    The accelerator always gets whole frames, so that its results remain in step with the frames. The feeder counts those that are in
    flight; at a restart all of them become stale, and their results are not for the host::

        input    a0 a1 a2 .  .  .  b0 b1 ..
        restart  .  .  .  1  .  .  .  .
        output   .  a0 a1 a2 0  0  b0 b1 ..      frames of 5 bytes: frame a is completed with two zeros, and is stale

    A register: latency ``LATENCY`` cycles, throughput one byte per cycle.

    Parameters
    ----------
    frame_bytes: bytes of a frame

    Members
    -------
    input: ``In(stream.Signature(8))``
    output: ``Out(stream.Signature(8))``
    restart: ``In(1)``; a session begins: all frames in flight are stale
    finished: ``In(1)``; the accelerator transfers the last score of a frame
    stale: ``Out(1)``; the scores that it transfers belong to an earlier session
    """

    LATENCY = 1
    """Cycles from input to output."""

    input: stream.Interface
    output: stream.Interface
    restart: Signal
    finished: Signal
    stale: Signal

    def __init__(self, *, frame_bytes: int) -> None:
        self._frame_bytes = frame_bytes
        byte = stream.Signature(unsigned(8))
        super().__init__({"input": In(byte), "output": Out(byte), "restart": In(1), "finished": In(1), "stale": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        offset = Signal(range(max(2, self._frame_bytes)))  # of the next byte in its frame
        in_flight = Signal(range(MAX_IN_FLIGHT + 1))  # frames that began and have not finished
        stale_frames = Signal(range(MAX_IN_FLIGHT + 1))  # those of an earlier session among them
        padding = Signal()  # zeros complete the frame
        allowed = Signal()
        advance = Signal()
        begin = Signal()
        load = Signal()
        m.d.comb += [
            allowed.eq(((offset != 0) | (in_flight != MAX_IN_FLIGHT)) & ~self.restart),
            advance.eq((~self.output.valid | self.output.ready) & allowed),
            self.input.ready.eq(advance & ~padding),
            load.eq(advance & (padding | self.input.valid)),
            begin.eq(load & (offset == 0)),
            self.stale.eq(stale_frames != 0),
        ]
        with m.If(load):
            m.d.sync += [self.output.valid.eq(1), self.output.payload.eq(Mux(padding, 0, self.input.payload))]
            count_up(m, offset, self._frame_bytes)
            with m.If(offset == self._frame_bytes - 1):
                m.d.sync += padding.eq(0)
        with m.Elif(self.output.ready):
            m.d.sync += self.output.valid.eq(0)
        m.d.sync += in_flight.eq(in_flight + begin - self.finished)
        with m.If(self.restart):
            m.d.sync += [stale_frames.eq(in_flight - self.finished), padding.eq(offset != 0)]
        with m.Elif(self.finished & self.stale):
            m.d.sync += stale_frames.eq(stale_frames - 1)
        return m
