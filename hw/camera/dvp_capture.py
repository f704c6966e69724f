# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What comes over a sensor's parallel port (DVP), as items: bytes, ends of lines, beginnings of frames."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out


class Kind(enum.Enum, shape=2):
    """What an item is."""

    BYTE = 0
    LINE = 1
    """The end of a line."""
    FRAME = 2
    """VSYNC has become active."""
    LOST = 3
    """Items before this one, or in its place, are missing."""


ITEM = data.StructLayout({"byte": 8, "kind": Kind})
"""A byte has the kind BYTE; with any other kind it has no meaning."""


class DvpCapture(wiring.Component):
    r"""Samples VSYNC, HREF and data at each rising edge of the pixel clock, all in the domain ``camera``, which needs no reset.

    ::

        PCLK    \_/`\_/`\_/`\_/`\_/`\_/`\_/`\_/`\_
        HREF    ____/```````````````\___________
        D       ----< b0 X b1 X b2 X b3 >---------
        items                 b0  b1  b2  b3  LINE        LATENCY cycles later

    A level of HREF counts once it is sampled twice, and an active VSYNC once it is sampled VSYNC_CYCLES times: what is shorter is a glitch.
    The sensor does not wait. If the receiver is not ready, items are lost, and LOST takes the place of the first one after that.

    Parameters
    ----------
    vsync_high, href_high: the level when active

    Members
    -------
    vsync: ``In(1)``, href: ``In(1)``, data: ``In(8)``; the pins
    output: ``Out(stream.Signature(ITEM))``
    """

    LATENCY = 2
    """Cycles from a byte at the pins to its item."""
    VSYNC_CYCLES = 8
    """Far fewer than a line has, far more than a glitch."""

    vsync: Signal
    href: Signal
    data: Signal
    output: stream.Interface

    def __init__(self, *, vsync_high: bool = True, href_high: bool = True) -> None:
        self._vsync_high, self._href_high = vsync_high, href_high
        super().__init__({"vsync": In(1), "href": In(1), "data": In(8), "output": Out(stream.Signature(ITEM))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        vsync = Signal()
        href = Signal()
        byte = Signal(8)
        m.d.camera += [vsync.eq(self.vsync ^ (not self._vsync_high)), href.eq(self.href ^ (not self._href_high)), byte.eq(self.data)]

        href_before = Signal()
        byte_before = Signal(8)
        level = Signal()  # HREF without glitches, in step with byte_before
        level_before = Signal()
        m.d.comb += level.eq(Mux(href == href_before, href, level_before))
        m.d.camera += [href_before.eq(href), byte_before.eq(byte), level_before.eq(level)]

        vsync_cycles = Signal(range(self.VSYNC_CYCLES + 1))  # stops at VSYNC_CYCLES, so that a frame begins once
        frame = Signal()
        m.d.comb += frame.eq(vsync & (vsync_cycles == self.VSYNC_CYCLES - 1))
        with m.If(~vsync):
            m.d.camera += vsync_cycles.eq(0)
        with m.Elif(vsync_cycles != self.VSYNC_CYCLES):
            m.d.camera += vsync_cycles.eq(vsync_cycles + 1)

        found = Signal()
        lost = Signal()
        line = level_before & ~level
        m.d.comb += [
            found.eq(frame | line | level),
            self.output.valid.eq(found | lost),
            self.output.payload.byte.eq(byte_before),
            self.output.payload.kind.eq(Mux(lost, Kind.LOST, Mux(frame, Kind.FRAME, Mux(line, Kind.LINE, Kind.BYTE)))),
        ]
        m.d.camera += lost.eq((found | lost) & ~self.output.ready)
        return m
