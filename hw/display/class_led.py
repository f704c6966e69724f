# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Whether a chosen class is at least as likely as a threshold."""

from typing import Any

from amaranth.hdl import DomainRenamer, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ...sw.display.probabilities import GUARD_BITS
from .score_power import MANTISSA_BITS
from .share_divider import ShareDivider


class ClassLed(wiring.Component):
    """Compares the probability of one class with a threshold, once a frame (`IntegerSoftmax.share`).

    A division takes ShareDivider.CYCLES cycles. Of frames that come faster, some are left out, and the newest never is.

    Parameters
    ----------
    ranked: the layout of the scores with their powers
    classes: scores of a frame
    led_class: the chosen class
    tenths: the threshold, in tenths of a percent

    Members
    -------
    input: ``In(ranked)``, valid: ``In(1)``; each score of a frame
    finished: ``In(1)``; in the cycle after the last score of a good frame
    largest, total: ``In(...)``; then: the exponent of the sum of its powers, and the sum
    lit: ``Out(1)``; the class was that likely in the newest frame that has been compared
    """

    input: Any
    valid: Signal
    finished: Signal
    largest: Signal
    total: Signal
    lit: Signal

    def __init__(self, *, ranked: data.StructLayout, classes: int, led_class: int, tenths: int) -> None:
        self._classes = classes
        self._class = led_class
        self._tenths = tenths
        super().__init__(
            {
                "input": In(ranked),
                "valid": In(1),
                "finished": In(1),
                "largest": In(ranked["exponent"].shape),
                "total": In(MANTISSA_BITS + GUARD_BITS + ceil_log2(max(2, classes))),
                "lit": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        index = Signal(range(max(2, self._classes)))
        exponent = Signal.like(self.input.exponent)
        mantissa = Signal.like(self.input.mantissa)
        with m.If(self.valid):
            m.d.sync += index.eq(Mux(self.input.last, 0, index + 1))
            with m.If(index == self._class):
                m.d.sync += [exponent.eq(self.input.exponent), mantissa.eq(self.input.mantissa)]

        shape = data.StructLayout(
            {"exponent": exponent.shape(), "mantissa": MANTISSA_BITS, "largest": self.largest.shape(), "total": len(self.total)}
        )
        newest: Any = Signal(shape)
        divided: Any = Signal(shape)  # constant during a division
        waiting = Signal()  # the newest frame has not been divided yet
        divider = ShareDivider(exponent=exponent.shape(), total_bits=len(self.total))
        m.submodules.divider = DomainRenamer({"pixel": "sync"})(divider)
        m.d.comb += [
            divider.exponent.eq(divided.exponent),
            divider.mantissa.eq(divided.mantissa),
            divider.largest.eq(divided.largest),
            divider.total.eq(divided.total),
        ]
        with m.FSM():
            with m.State("IDLE"), m.If(waiting):
                m.d.sync += [divided.eq(newest), waiting.eq(0)]
                m.next = "START"
            with m.State("START"):
                m.d.comb += divider.start.eq(1)
                m.next = "DIVIDE"
            with m.State("DIVIDE"), m.If(divider.finished):
                m.next = "COMPARE"
            with m.State("COMPARE"):
                m.d.sync += self.lit.eq(divider.tenths >= self._tenths)
                m.next = "IDLE"
        with m.If(self.finished):  # behind the FSM: a frame that comes in the cycle in which the one before is taken waits
            m.d.sync += [
                newest.exponent.eq(exponent),
                newest.mantissa.eq(mantissa),
                newest.largest.eq(self.largest),
                newest.total.eq(self.total),
                waiting.eq(1),
            ]
        return m
