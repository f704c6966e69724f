# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Frames per second, and the time that a frame takes."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...sw.display.state import FRAMES_PER_SECOND_MAX, TENTHS_MS_MAX
from ..utils import count_up

IN_FLIGHT_MAX = 15
"""Frames that may be in the accelerator at a time."""


class FrameRate(wiring.Component):
    """Counts the frames of each second, and times one frame after the other from its first byte to its last score.

    A frame that starts while another is timed is not timed itself. When the timing starts, the frames before it that are still in the
    accelerator are known, so that their results are not taken for its own.

    Parameters
    ----------
    frequency: of the domain ``sync``, in Hz

    Members
    -------
    started: ``In(1)``; the first byte of a frame
    finished: ``In(1)``; the last score of a frame
    good: ``In(1)``; with ``finished``: the frame counts
    frames_per_second: ``Out(...)``; the good frames of the last full second
    tenths_ms: ``Out(...)``; the time of the newest timed frame, in tenths of a millisecond, rounded down
    stalled: ``Out(1)``; there was no good frame in the last full second, nor has been one since
    """

    started: Signal
    finished: Signal
    good: Signal
    frames_per_second: Signal
    tenths_ms: Signal
    stalled: Signal

    def __init__(self, *, frequency: float) -> None:
        self._second = round(frequency)
        self._tenth = max(1, round(frequency / 10_000))
        super().__init__(
            {
                "started": In(1),
                "finished": In(1),
                "good": In(1),
                "frames_per_second": Out(range(FRAMES_PER_SECOND_MAX + 1)),
                "tenths_ms": Out(range(TENTHS_MS_MAX + 1)),
                "stalled": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # frames of a second
        clock = Signal(range(self._second))
        second = Signal()
        count = Signal.like(self.frames_per_second)
        counted = Signal()
        m.d.comb += [counted.eq(self.finished & self.good), second.eq(clock == self._second - 1)]
        count_up(m, clock, self._second)
        with m.If(second):
            m.d.sync += [self.frames_per_second.eq(count), count.eq(counted)]
        with m.Elif(counted & (count != FRAMES_PER_SECOND_MAX)):
            m.d.sync += count.eq(count + 1)
        m.d.sync += self.stalled.eq((self.frames_per_second == 0) & (count == 0))

        # time of a frame
        in_flight = Signal(range(IN_FLIGHT_MAX + 1))
        before = Signal.like(in_flight)  # frames whose scores come before those of the timed one
        timing = Signal()
        fraction = Signal(range(self._tenth))
        elapsed = Signal.like(self.tenths_ms)
        leaves = Signal()
        m.d.comb += leaves.eq(self.finished & (in_flight != 0))
        m.d.sync += in_flight.eq(in_flight + (self.started & (in_flight != IN_FLIGHT_MAX)) - leaves)
        with m.If(timing):
            count_up(m, fraction, self._tenth)
            with m.If((fraction == self._tenth - 1) & (elapsed != TENTHS_MS_MAX)):
                m.d.sync += elapsed.eq(elapsed + 1)
            with m.If(self.finished):
                m.d.sync += before.eq(before - 1)
                with m.If(before == 0):
                    m.d.sync += [timing.eq(0), self.tenths_ms.eq(elapsed)]
        with m.Elif(self.started):
            m.d.sync += [timing.eq(1), fraction.eq(0), elapsed.eq(0), before.eq(Mux(leaves, in_flight - 1, in_flight))]
        return m
