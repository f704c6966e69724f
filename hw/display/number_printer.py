# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Numbers as decimal digits."""

from collections.abc import Mapping
from dataclasses import dataclass

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...sw.display.layout import COLUMNS

VALUE_BITS = 20
DIGITS = 6
"""Digits of the largest number."""


@dataclass(frozen=True)
class NumberFormat:
    """How a number is printed, right-aligned."""

    end: int
    """The column of its last digit."""
    digits: int
    """How many there are at most."""
    shown: int
    """How many are shown in any case; zeros before them are blank."""
    point: bool = False
    """A decimal point precedes the last digit."""


class NumberPrinter(wiring.Component):
    """Converts a number to decimal and prints its characters from right to left, in the domain ``pixel``.

    The conversion adds 3 to each digit above 4 before every shift ("double dabble"). It takes a cycle a bit, then each character a cycle.

    Parameters
    ----------
    formats: the formats
    numbers: the number of each character in the font

    Members
    -------
    start: ``In(1)``; for a cycle
    value: ``In(VALUE_BITS)``, format: ``In(...)``; the number and which format it has, then
    column: ``Out(...)``, character: ``Out(...)``, write: ``Out(1)``; a character that is printed in this cycle
    finished: ``Out(1)``; it is the last one
    """

    start: Signal
    value: Signal
    format: Signal
    column: Signal
    character: Signal
    write: Signal
    finished: Signal

    def __init__(self, *, formats: tuple[NumberFormat, ...], numbers: Mapping[str, int]) -> None:
        self._formats = formats
        self._numbers = numbers
        super().__init__(
            {
                "start": In(1),
                "value": In(VALUE_BITS),
                "format": In(range(len(formats))),
                "column": Out(range(COLUMNS)),
                "character": Out(range(len(numbers))),
                "write": Out(1),
                "finished": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        character = len(self.character)
        binary = Signal(VALUE_BITS)
        decimal = Signal(4 * DIGITS)
        steps = Signal(range(VALUE_BITS))  # bits that follow this one
        left = Signal(range(DIGITS + 1))  # digits that follow this one
        shown = Signal(range(DIGITS + 1))  # of these and this one, how many are shown in any case
        point = Signal()  # it comes next
        has_point = Signal()
        corrected = [Mux(digit > 4, digit + 3, digit)[:4] for digit in (decimal[4 * n : 4 * n + 4] for n in range(DIGITS))]
        digit = Array(Const(self._numbers[str(n)] if n < 10 else 0, character) for n in range(16))[decimal[:4]]
        with m.FSM(domain="pixel"):
            with m.State("IDLE"), m.If(self.start):
                m.d.pixel += [binary.eq(self.value), decimal.eq(0), steps.eq(VALUE_BITS - 1), point.eq(0)]
                with m.Switch(self.format):
                    for number, form in enumerate(self._formats):
                        with m.Case(number):
                            m.d.pixel += [
                                self.column.eq(form.end),
                                left.eq(form.digits - 1),
                                shown.eq(form.shown),
                                has_point.eq(form.point),
                            ]
                m.next = "CONVERT"
            with m.State("CONVERT"):
                m.d.pixel += [decimal.eq(Cat(binary[-1], *corrected)), binary.eq(binary << 1), steps.eq(steps - 1)]
                with m.If(steps == 0):
                    m.next = "PRINT"
            with m.State("PRINT"):
                m.d.comb += self.write.eq(1)
                m.d.pixel += self.column.eq(self.column - 1)
                with m.If(point):
                    m.d.comb += self.character.eq(self._numbers["."])
                    m.d.pixel += point.eq(0)
                with m.Else():
                    m.d.comb += self.character.eq(Mux((decimal == 0) & (shown == 0), self._numbers[" "], digit))
                    m.d.pixel += [decimal.eq(decimal >> 4), left.eq(left - 1), point.eq(has_point), has_point.eq(0)]
                    m.d.pixel += shown.eq(Mux(shown == 0, 0, shown - 1))
                    with m.If(left == 0):
                        m.d.comb += self.finished.eq(1)
                        m.next = "IDLE"
        return m
