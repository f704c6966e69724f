# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Writes what a screen shows into its text memory, between two screens."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ...sw.display.layout import (
    CLASS_LINE,
    COLUMNS,
    DROPPED_END,
    LEFT,
    LINES,
    MS_END,
    NAME_COLUMNS,
    PERCENT_END,
    RATE_END,
    RATE_LINE,
    STATE_COLUMN,
    STATE_LINE,
    WIDTH,
)
from ...sw.display.name_code import NameCode
from ...sw.display.probabilities import SHOWN_CLASSES
from ...sw.display.state import STATUS_TEXT
from ...sw.display.text import CLASS, PERCENT_LABEL, number_digits
from ..utils import lookup
from .name_decoder import NameDecoder
from .number_printer import NumberFormat, NumberPrinter
from .share_divider import ShareDivider

RATE_FORMAT, MS_FORMAT, DROPPED_FORMAT, PERCENT_FORMAT, INDEX_FORMAT = range(5)
"""The numbers of a screen; the first three are printed one after the other."""


class Formatter(wiring.Component):
    """Formats a record as text and bars, in the domain ``pixel``, a character a cycle.

    For each class its name, or its number, and its probability; then the other numbers and the state. It takes at most CYCLES_MAX cycles
    and a cycle for each bit of the names (at most `name_code.CYCLES_MAX`), together less than there are between two screens.

    Parameters
    ----------
    code: the names
    layout: ``screen_layout(...)`` of `FrameSummary`

    Members
    -------
    start: ``In(1)``; for a cycle
    screen: ``In(layout)``; constant until ``busy`` ends
    busy: ``Out(1)``
    address: ``Out(...)``, character: ``Out(...)``, write: ``Out(1)``; writes a character: its line and, in the lower five bits, column
    bar_ends: ``Out(5 x ...)``; the pixel of the line behind each bar
    """

    CYCLES_MAX = 6_000

    start: Signal
    screen: Any
    busy: Signal
    address: Signal
    character: Signal
    write: Signal
    bar_ends: Any

    def __init__(self, *, code: NameCode, layout: data.StructLayout) -> None:
        self._code = code
        super().__init__(
            {
                "start": In(1),
                "screen": In(layout),
                "busy": Out(1),
                "address": Out(range(LINES * 32)),
                "character": Out(range(len(code.symbols))),
                "write": Out(1),
                "bar_ends": Out(data.ArrayLayout(range(WIDTH), SHOWN_CLASSES)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        code, screen, numbers = self._code, self.screen, self._code.numbers
        classes = len(code.names)
        places = min(SHOWN_CLASSES, classes)
        m.submodules.names = names = NameDecoder(code=code)
        m.submodules.printer = printer = NumberPrinter(formats=_formats(classes), numbers=numbers)

        place = Signal(range(SHOWN_CLASSES))
        column = Signal(range(COLUMNS + 1))
        line = Signal(range(LINES))
        shown: Any = Signal.like(screen.places[0])
        initial_ends: Any = [LEFT] * SHOWN_CLASSES
        bar_ends: Any = Signal(self.bar_ends.shape(), init=initial_ends)
        unnamed = Signal()  # the class has no name
        item = Signal(range(RATE_FORMAT, INDEX_FORMAT + 1))
        blank = numbers[" "]
        m.d.comb += [
            self.address.eq(Cat(column[:5], line)),
            shown.eq(screen.places[place]),
            line.eq(CLASS_LINE + place),
            names.index.eq(shown.index),
            self.bar_ends.eq(bar_ends),
            printer.format.eq(item),
        ]
        m.submodules.divider = divider = ShareDivider(exponent=shown.exponent.shape(), total_bits=len(screen.total))
        m.d.comb += [
            divider.exponent.eq(shown.exponent),
            divider.mantissa.eq(shown.mantissa),
            divider.largest.eq(screen.largest),
            divider.total.eq(screen.total),
        ]
        tenths = divider.tenths
        width = len(self.character)
        class_text = [numbers[character] for character in CLASS]
        status_width = max(map(len, STATUS_TEXT))
        status_text = [numbers[character] for text in STATUS_TEXT for character in text.ljust(16)]

        with m.Switch(item):
            for number, value in (
                (RATE_FORMAT, screen.frames_per_second),
                (MS_FORMAT, screen.tenths_ms),
                (DROPPED_FORMAT, screen.dropped),
                (PERCENT_FORMAT, tenths),
                (INDEX_FORMAT, shown.index),
            ):
                with m.Case(number):
                    m.d.comb += printer.value.eq(value)

        m.d.comb += self.busy.eq(1)
        with m.FSM(domain="pixel"):
            with m.State("IDLE"):
                m.d.comb += self.busy.eq(0)
                with m.If(self.start):
                    m.d.pixel += [place.eq(0), item.eq(RATE_FORMAT)]
                    m.next = "FIND"
                    with m.If(~screen.valid):
                        m.next = "NUMBER"
            with m.State("FIND"):
                m.d.comb += names.start.eq(1)
                m.d.pixel += column.eq(0)
                m.next = "NAME"
            with m.State("NAME"):
                m.d.comb += [self.write.eq(names.symbol_valid & ~names.finished), self.character.eq(names.symbol)]
                m.d.pixel += column.eq(column + self.write)
                with m.If(names.finished):
                    m.d.pixel += unnamed.eq(column == 0)
                    m.next = "PAD"
            with m.State("PAD"):  # the cells behind the name
                m.d.comb += [self.write.eq(column < NAME_COLUMNS), self.character.eq(blank)]
                with m.If(unnamed & (column < len(CLASS))):
                    m.d.comb += self.character.eq(lookup(class_text, column, width))
                m.d.pixel += column.eq(column + 1)
                with m.If(column >= NAME_COLUMNS - 1):
                    m.d.pixel += item.eq(Mux(unnamed, INDEX_FORMAT, PERCENT_FORMAT))
                    m.next = "DIVIDE"
                    with m.If(unnamed):
                        m.next = "NUMBER"
            with m.State("DIVIDE"):
                m.d.comb += divider.start.eq(1)
                m.next = "DIVIDING"
            with m.State("DIVIDING"), m.If(divider.finished):
                m.next = "BAR"
            with m.State("BAR"):
                with m.Switch(place):
                    for number in range(places):
                        with m.Case(number):
                            m.d.pixel += bar_ends[number].eq(LEFT + (tenths >> 1) + (tenths >> 4))
                m.d.pixel += column.eq(PERCENT_END + 1)
                m.next = "SIGN"
            with m.State("SIGN"):
                m.d.comb += [self.write.eq(1), self.character.eq(numbers[PERCENT_LABEL])]
                m.next = "NUMBER"
            with m.State("NUMBER"):
                m.d.comb += printer.start.eq(1)
                m.next = "PRINT"
            with m.State("PRINT"):
                m.d.comb += [
                    self.write.eq(printer.write),
                    self.character.eq(printer.character),
                    self.address[:5].eq(printer.column),
                ]
                with m.If(item == DROPPED_FORMAT):
                    m.d.comb += line.eq(STATE_LINE)
                with m.Elif(item < DROPPED_FORMAT):
                    m.d.comb += line.eq(RATE_LINE)
                with m.If(printer.finished), m.Switch(item):
                    with m.Case(INDEX_FORMAT):
                        m.d.pixel += item.eq(PERCENT_FORMAT)
                        m.next = "DIVIDE"
                    with m.Case(PERCENT_FORMAT):
                        m.d.pixel += place.eq(place + 1)
                        m.next = "FIND"
                        with m.If(place == places - 1):
                            m.d.pixel += item.eq(RATE_FORMAT)
                            m.next = "NUMBER"
                    with m.Case(DROPPED_FORMAT):
                        m.d.pixel += column.eq(STATE_COLUMN)
                        m.next = "STATUS"
                    with m.Default():
                        m.d.pixel += item.eq(item + 1)
                        m.next = "NUMBER"
            with m.State("STATUS"):
                text = lookup(status_text, Cat(column[:4], screen.status), width)
                m.d.comb += [line.eq(STATE_LINE), self.write.eq(1), self.character.eq(text)]
                m.d.pixel += column.eq(column + 1)
                with m.If(column == STATE_COLUMN + status_width - 1):
                    m.next = "IDLE"
        return m


def _formats(classes: int) -> tuple[NumberFormat, ...]:
    digits = number_digits(classes)
    return (
        NumberFormat(RATE_END, 3, 1),
        NumberFormat(MS_END, 5, 2, point=True),
        NumberFormat(DROPPED_END, 6, 1),
        NumberFormat(PERCENT_END, 4, 2, point=True),
        NumberFormat(len(CLASS) + digits - 1, digits, digits),
    )
