# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Whole frames for the accelerator, whatever becomes of the host."""

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..utils import count_up

MAX_IN_FLIGHT = 255
"""Frames that may be in the accelerator at a time: more than fit into any."""


class FrameFeeder(wiring.Component):
    """Passes the bytes of frames on. When a new session begins in the middle of a frame, zeros complete it.

    Latency 1 cycle, throughput one byte a cycle.

    Parameters
    ----------
    frame_bytes: of a frame

    Members
    -------
    input: ``In(stream.Signature(8))``
    output: ``Out(stream.Signature(8))``
    restart: ``In(1)``; a session begins: all frames before are stale
    finished: ``In(1)``; the accelerator gives the last score of a frame
    stale: ``Out(1)``; the scores that it gives belong to an earlier session
    """

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
        place = Signal(range(max(2, self._frame_bytes)))
        flight, old = Signal(range(MAX_IN_FLIGHT + 1)), Signal(range(MAX_IN_FLIGHT + 1))
        padding, allowed, advance, begin, load = (Signal() for _ in range(5))
        m.d.comb += [
            allowed.eq(((place != 0) | (flight != MAX_IN_FLIGHT)) & ~self.restart),
            advance.eq((~self.output.valid | self.output.ready) & allowed),
            self.input.ready.eq(advance & ~padding),
            load.eq(advance & (padding | self.input.valid)),
            begin.eq(load & (place == 0)),
            self.stale.eq(old != 0),
        ]
        with m.If(load):
            m.d.sync += [self.output.valid.eq(1), self.output.payload.eq(Mux(padding, 0, self.input.payload))]
            count_up(m, place, self._frame_bytes)
            with m.If(place == self._frame_bytes - 1):
                m.d.sync += padding.eq(0)
        with m.Elif(self.output.ready):
            m.d.sync += self.output.valid.eq(0)
        m.d.sync += flight.eq(flight + begin - self.finished)
        with m.If(self.restart):
            m.d.sync += [old.eq(flight - self.finished), padding.eq(place != 0)]
        with m.Elif(self.finished & self.stale):
            m.d.sync += old.eq(old - 1)
        return m
