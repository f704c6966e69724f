# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The raster of a screen: which pixel comes next."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from ...sw.display.video_mode import VGA, VideoMode


class VideoTiming(wiring.Component):
    """Counts the pixels of lines and the lines of frames, blanking included, in the domain ``pixel``. All outputs belong to one pixel.

    Parameters
    ----------
    mode: the video mode

    Members
    -------
    x: ``Out(...)``; the pixel of the line; from ``mode.line.active`` on it is blanked
    y: ``Out(...)``; the line of the frame, likewise
    active: ``Out(1)``; it is visible
    horizontal_sync, vertical_sync: ``Out(1)``; the levels of the pulses, which are low
    finished: ``Out(1)``; the first pixel behind the last visible line
    """

    x: Signal
    y: Signal
    active: Signal
    horizontal_sync: Signal
    vertical_sync: Signal
    finished: Signal

    def __init__(self, *, mode: VideoMode = VGA) -> None:
        self._mode = mode
        super().__init__(
            {
                "x": Out(range(mode.line.total)),
                "y": Out(range(mode.frame.total)),
                "active": Out(1),
                "horizontal_sync": Out(1),
                "vertical_sync": Out(1),
                "finished": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        line, frame = self._mode.line, self._mode.frame
        m.d.pixel += self.x.eq(self.x + 1)
        with m.If(self.x == line.total - 1):
            m.d.pixel += [self.x.eq(0), self.y.eq(self.y + 1)]
            with m.If(self.y == frame.total - 1):
                m.d.pixel += self.y.eq(0)
        m.d.comb += [
            self.active.eq((self.x < line.active) & (self.y < frame.active)),
            self.horizontal_sync.eq((self.x < line.pulse.start) | (self.x >= line.pulse.stop)),
            self.vertical_sync.eq((self.y < frame.pulse.start) | (self.y >= frame.pulse.stop)),
            self.finished.eq((self.x == 0) & (self.y == frame.active)),
        ]
        return m
