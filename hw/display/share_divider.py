# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The probability of a class from its power and the sum of all powers."""

from amaranth.hdl import Module, Mux, Shape, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...sw.display.probabilities import GUARD_BITS, WHOLE
from .score_power import MANTISSA_BITS


class ShareDivider(wiring.Component):
    """Divides by addition, in the domain ``pixel``: of WHOLE additions of a power, as many pass the sum of all as the share has tenths.

    It begins with half of the sum, so that the result is rounded to nearest (`IntegerSoftmax.shares`). It takes at most CYCLES cycles.

    Parameters
    ----------
    exponent: the shape of exponents
    total_bits: width of the sum

    Members
    -------
    start: ``In(1)``; for a cycle; the other inputs are constant from then to ``finished``
    exponent, mantissa: ``In(...)``; the power
    largest, total: ``In(...)``; the exponent of the sum, and the sum
    tenths: ``Out(...)``; the share in tenths of a percent
    finished: ``Out(1)``; for a cycle; ``tenths`` is right from the next one on
    """

    CYCLES = 1 + MANTISSA_BITS + GUARD_BITS + 1 + WHOLE

    start: Signal
    exponent: Signal
    mantissa: Signal
    largest: Signal
    total: Signal
    tenths: Signal
    finished: Signal

    def __init__(self, *, exponent: Shape, total_bits: int) -> None:
        super().__init__(
            {
                "start": In(1),
                "exponent": In(exponent),
                "mantissa": In(MANTISSA_BITS),
                "largest": In(exponent),
                "total": In(total_bits),
                "tenths": Out(range(WHOLE + 1)),
                "finished": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bits = MANTISSA_BITS + GUARD_BITS
        power = Signal(bits)
        shifts = Signal(range(bits + 1))
        turn = Signal(range(WHOLE))
        remainder = Signal(len(self.total))
        added = Signal(len(self.total) + 1)
        behind = self.largest - self.exponent
        m.d.comb += added.eq(remainder + power)
        with m.FSM(domain="pixel"):
            with m.State("IDLE"), m.If(self.start):
                m.d.pixel += [
                    power.eq(self.mantissa << GUARD_BITS),
                    shifts.eq(Mux(behind > bits, bits, behind)),
                    remainder.eq(self.total >> 1),
                    self.tenths.eq(0),
                    turn.eq(WHOLE - 1),
                ]
                m.next = "SHIFT"
            with m.State("SHIFT"):
                m.d.pixel += [power.eq(power >> 1), shifts.eq(shifts - 1)]
                with m.If(shifts == 0):
                    m.d.pixel += power.eq(power)
                    m.next = "ADD"
            with m.State("ADD"):
                m.d.pixel += [remainder.eq(added), turn.eq(turn - 1)]
                with m.If(added >= self.total):
                    m.d.pixel += [remainder.eq(added - self.total), self.tenths.eq(self.tenths + 1)]
                with m.If(turn == 0):
                    m.d.comb += self.finished.eq(1)
                    m.next = "IDLE"
        return m
