# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The colour of each pixel: text out of its memory, bars, background."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ...sw.display.font import GLYPH_COLUMNS, GLYPH_ROWS, glyphs
from ...sw.display.layout import (
    BAR_MARGIN,
    CELL_COLUMNS,
    CELL_ROWS,
    COLUMNS,
    DOT,
    LEFT,
    LINES,
    PALETTE,
    ROWS,
    STATE_COLUMN,
    STATE_LINE,
    TOP,
    WIDTH,
    Colour,
    bar_class,
    bar_length,
    text_line,
)
from ...sw.display.name_code import END, NameCode
from ...sw.display.probabilities import SHOWN_CLASSES, WHOLE
from ...sw.display.text import fixed_cells
from ...sw.display.video_mode import VGA, VideoMode
from ..module_names import LUT_ROM_PREFIX
from ..utils import lookup
from .lut_rom import LutRom

COLUMN_BITS = 5
"""Bits of a column in an address of the text memory; the line comes above them."""


class Painter(wiring.Component):
    """Paints the screen as its raster goes, in the domain ``pixel`` (`sw/display/render.py`). Latency: LATENCY cycles.

    Parameters
    ----------
    code: the numbers of the characters, and the cells that never change
    mode: the video mode

    Members
    -------
    x, y: ``In(...)``; the pixel, as `VideoTiming` counts
    address, character, write: ``In(...)``; writes a character, as `Formatter` does
    bar_ends: ``In(5 x ...)``; the pixel of the line behind each bar
    red, green, blue: ``Out(8)``; its colour
    """

    LATENCY = 2

    x: Signal
    y: Signal
    address: Signal
    character: Signal
    write: Signal
    bar_ends: Any
    red: Signal
    green: Signal
    blue: Signal

    def __init__(self, *, code: NameCode, mode: VideoMode = VGA) -> None:
        self._code = code
        super().__init__(
            {
                "x": In(range(mode.line.total)),
                "y": In(range(mode.frame.total)),
                "address": In(range(LINES << COLUMN_BITS)),
                "character": In(range(len(code.symbols))),
                "write": In(1),
                "bar_ends": In(data.ArrayLayout(range(WIDTH), SHOWN_CLASSES)),
                "red": Out(8),
                "green": Out(8),
                "blue": Out(8),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # Where the pixel is in the grid: cell, dot of the cell, pixel of the dot.
        cell_x, dot_x, inside_x = self._count(m, "x", CELL_COLUMNS, COLUMNS, self.x == LEFT - 1, 1)
        cell_y, dot_y, inside_y = self._count(m, "y", CELL_ROWS, ROWS, (self.x == 0) & (self.y == TOP), self.x == 0)
        line, has_text = self._rows(m, cell_y, [text_line(row) for row in range(ROWS)], "line")
        place, has_bar = self._rows(m, cell_y, [bar_class(row) for row in range(ROWS)], "bar")
        margins = DOT * CELL_ROWS - BAR_MARGIN
        bar_row = Signal()  # not a margin: those are whole dots
        m.d.comb += bar_row.eq(has_bar & inside_y & (dot_y >= BAR_MARGIN // DOT) & (dot_y < margins // DOT))

        # 1. The character, and whether the pixel is one of a bar.
        stage_1: Any = Signal(
            data.StructLayout(
                {
                    "character": self.character.shape(),
                    "text": 1,
                    "dot_x": 3,
                    "dot_y": 3,
                    "colour": range(len(Colour)),
                    "fill": range(len(Colour)),
                },
            )
        )
        m.d.pixel += [
            stage_1.character.eq(self._text(m, Cat(cell_x, line))),
            stage_1.text.eq(has_text & inside_x & inside_y),
            stage_1.dot_x.eq(dot_x),
            stage_1.dot_y.eq(dot_y),
            stage_1.colour.eq(
                Mux(line == 0, Colour.TITLE, Mux((line == STATE_LINE) & (cell_x >= STATE_COLUMN), Colour.STATE, Colour.TEXT))
            ),
            stage_1.fill.eq(Colour.BACKGROUND),
        ]
        with m.If(bar_row & (self.x >= LEFT) & (self.x < LEFT + bar_length(WHOLE))):
            m.d.pixel += stage_1.fill.eq(Mux(self.x < self.bar_ends[place], Colour.BAR, Colour.TROUGH))

        # 2. The dot of its glyph. 3. The colour, through logic alone: it is encoded in the same cycle.
        colour = Signal.like(stage_1.colour)
        m.d.pixel += colour.eq(Mux(stage_1.text & self._glyph(m, stage_1).bit_select(stage_1.dot_x, 1), stage_1.colour, stage_1.fill))
        for channel, output in enumerate((self.red, self.green, self.blue)):
            m.d.comb += output.eq(lookup([entry[channel] for entry in PALETTE], colour, 8))
        return m

    def _count(self, m: Module, name: str, dots: int, cells: int, begin: Value, step: Value | int) -> tuple[Signal, Signal, Signal]:
        """Counts cells and their dots along an axis: the cell, the dot, and whether there is one."""
        cell = Signal(range(cells), name=f"cell_{name}")
        dot = Signal(range(dots), name=f"dot_{name}")
        pixel = Signal(range(DOT), name=f"pixel_{name}")
        inside = Signal(name=f"inside_{name}")
        with m.If(step):
            m.d.pixel += pixel.eq(pixel + 1)
            with m.If(pixel == DOT - 1):
                m.d.pixel += [pixel.eq(0), dot.eq(dot + 1)]
                with m.If(dot == dots - 1):
                    m.d.pixel += [dot.eq(0), cell.eq(cell + 1)]
                    with m.If(cell == cells - 1):
                        m.d.pixel += inside.eq(0)
        with m.If(begin):
            m.d.pixel += [cell.eq(0), dot.eq(0), pixel.eq(0), inside.eq(1)]
        return cell, dot, inside

    def _rows(self, m: Module, row: Signal, values: list[int | None], name: str) -> tuple[Signal, Signal]:
        """A number that some rows of the grid have, and whether a row has one."""
        number = Signal(range(LINES), name=name)
        there = Signal(name=f"has_{name}")
        m.d.comb += [
            number.eq(lookup([value or 0 for value in values], row, len(number))),
            there.eq(lookup([value is not None for value in values], row, 1)),
        ]
        return number, there

    def _text(self, m: Module, address: Value) -> Value:
        """The character at an address of the text memory."""
        numbers = self._code.numbers
        init = [numbers[" "]] * (LINES << COLUMN_BITS)
        for (line, column), character in fixed_cells(self._code.settings).items():
            init[line << COLUMN_BITS | column] = numbers[character]
        text: memory.Memory = memory.Memory(shape=len(self.character), depth=len(init), init=init, attrs={"ram_style": "distributed"})
        m.submodules.text = text
        write, read = text.write_port(domain="pixel"), text.read_port(domain="comb")
        m.d.comb += [write.addr.eq(self.address), write.data.eq(self.character), write.en.eq(self.write), read.addr.eq(address)]
        return Value.cast(read.data)

    def _glyph(self, m: Module, stage: Any) -> Value:
        """The row of dots of a character's glyph; a dot behind its last one is not set."""
        rows = [row for symbol in self._code.symbols for row in (glyphs()[symbol] if symbol != END else (0,) * GLYPH_ROWS)]
        font = LutRom(words=rows, width=GLYPH_COLUMNS)
        m.submodules[f"{LUT_ROM_PREFIX}font"] = font
        m.d.comb += font.address.eq(Cat(stage.dot_y, stage.character))
        return Cat(font.word, Const(0, 1))
