# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The middle of each frame of a sensor, and whether the frame is whole."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...sw.camera.picture import LUMINANCE_WEIGHTS, Picture
from .dvp_capture import ITEM, Kind


class FrameCutter(wiring.Component):
    """Cuts the picture out of a frame, and decides what becomes of the frame.

    A frame begins with FRAME. All lines up to the last one of the picture must have as many bytes as the sensor's lines have; then the
    frame ends good. A longer or shorter line, FRAME or LOST before that, or no item for ``timeout`` cycles, and the frame is torn. If the
    network is not idle when the picture begins, the frame is dropped, and if it falls behind afterwards, too.

    Each frame whose picture begins gives pixels and one end, unless it is dropped at once. Items are taken in each cycle. Latency: LATENCY
    cycles from the second byte of a pixel to the pixel.

    Parameters
    ----------
    picture: what to cut out; averaging is not done here
    timeout: cycles without an item, within a frame

    Members
    -------
    input: ``In(stream.Signature(ITEM, always_ready=True))``
    enable: ``In(1)``; frames that begin otherwise are ignored
    idle: ``In(1)``; the network could take a frame
    behind: ``In(1)``; a pixel has been lost since the network is too slow
    start: ``Out(1)``; the picture begins: its first pixel leaves in this cycle or later
    pixel: ``Out(8 * channels)``, valid: ``Out(1)``; R in the lowest bits
    ends: ``Out(1)``, good: ``Out(1)``; the frame ends, and it is whole
    frame: ``Out(1)``; a frame begins
    dropped: ``Out(1)``, torn: ``Out(1)``; such a frame is noticed in this cycle
    """

    LATENCY = 2

    input: stream.Interface
    enable: Signal
    idle: Signal
    behind: Signal
    start: Signal
    pixel: Signal
    valid: Signal
    ends: Signal
    good: Signal
    frame: Signal
    dropped: Signal
    torn: Signal

    def __init__(self, *, picture: Picture, timeout: int) -> None:
        if timeout < 1:
            raise ValueError(f"timeout must be at least 1, not {timeout}")
        self._picture, self._timeout = picture, timeout
        super().__init__(
            {
                "input": In(stream.Signature(ITEM, always_ready=True)),
                "enable": In(1),
                "idle": In(1),
                "behind": In(1),
                "start": Out(1),
                "pixel": Out(8 * picture.channels),
                "valid": Out(1),
                "ends": Out(1),
                "good": Out(1),
                "frame": Out(1),
                "dropped": Out(1),
                "torn": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        picture = self._picture
        valid = Signal()
        item: Any = Signal(ITEM)  # both in registers, so that what decides about frames is short
        m.d.sync += [valid.eq(self.input.valid), item.eq(self.input.payload)]
        line_bytes = 2 * picture.sensor_columns
        bottom, right = picture.top + picture.factor * picture.height, picture.left + picture.factor * picture.width
        offset = Signal(range(line_bytes + 1))  # of the next byte in its line
        row = Signal(range(picture.sensor_rows + 1))
        silence = Signal(range(self._timeout + 1))
        sending = Signal()  # the picture has begun
        first = Signal(8)  # byte of a pixel
        is_byte = valid & (item.kind == Kind.BYTE)
        is_line = valid & (item.kind == Kind.LINE)
        is_lost = valid & (item.kind == Kind.LOST)
        # What is asked about offset and row, in registers that change with them.
        full = Signal()
        in_columns = Signal()
        in_rows = Signal()
        in_last_row = Signal()
        armed = Signal()  # a frame has begun, and no byte of it has come
        started = Signal()  # a byte has
        running = Signal()
        silent = Signal()
        bad = Signal()
        inside = Signal()  # the second byte of a pixel of the picture
        begins = Signal()
        m.d.comb += [
            running.eq(started | (armed & is_byte)),
            self.frame.eq(valid & (item.kind == Kind.FRAME)),
            silent.eq((silence == self._timeout) & ~valid),
            bad.eq(running & (self.frame | is_lost | (is_line & ~full) | (is_byte & full) | silent)),
            inside.eq(running & is_byte & ~full & offset[0] & in_rows & in_columns),
            begins.eq(inside & ~sending),
            self.start.eq(begins & self.idle),
            self.dropped.eq((begins & ~self.idle) | (sending & self.behind & ~self.good)),
            self.torn.eq(bad & ~self.dropped),
            self.good.eq(running & is_line & full & in_last_row),
            self.ends.eq(self.good | (sending & (self.torn | self.dropped))),
        ]
        m.d.sync += silence.eq(silence + 1)
        with m.If(valid):
            m.d.sync += silence.eq(0)

        def move(offset_then: Value | int, row_then: Value | int | None = None) -> list[Any]:
            """Go to a byte of the line, and to a row; their comparisons go along, so that no path has a comparator."""
            columns = (offset_then >= 2 * picture.left) & (offset_then < 2 * right)
            moves = [offset.eq(offset_then), full.eq(offset_then == line_bytes), in_columns.eq(columns)]
            if row_then is not None:
                moves += [row.eq(row_then), in_rows.eq(row_then >= picture.top), in_last_row.eq(row_then == bottom - 1)]
            return moves

        with m.If(is_byte):
            m.d.sync += [*move(offset + 1), first.eq(item.byte)]
        with m.If(is_line & running):
            m.d.sync += move(0, row + 1)
        with m.If(self.start):
            m.d.sync += sending.eq(1)
        with m.If(self.ends):
            m.d.sync += sending.eq(0)
        with m.If(armed & is_byte):
            m.d.sync += [armed.eq(0), started.eq(1)]
        with m.If(is_lost):
            m.d.sync += armed.eq(0)
        with m.If(self.good | self.torn | self.dropped):
            m.d.sync += started.eq(0)
        with m.If(self.frame):
            m.d.sync += [armed.eq(self.enable), started.eq(0), *move(0, 0)]
        m.d.sync += [self.valid.eq(inside & (sending | self.idle) & ~bad), self.pixel.eq(self._colours(m, first, item.byte))]
        return m

    def _colours(self, m: Module, first: Value, second: Value) -> Value:
        """The colours of a pixel in RGB565, as ``Picture`` defines them."""
        red, green, blue = first[3:], Cat(second[5:], first[:3]), second[:5]
        colours = (Cat(red[-3:], red), Cat(green[-2:], green), Cat(blue[-3:], blue))
        if self._picture.channels == 3:
            return Cat(colours)
        luminance = Signal(16)
        # Shifted and added: synthesis would take multipliers.
        terms = [colour << bit for weight, colour in zip(LUMINANCE_WEIGHTS, colours, strict=True) for bit in range(8) if weight >> bit & 1]
        m.d.comb += luminance.eq(sum(terms, start=Const(128)))
        return luminance[8:]
