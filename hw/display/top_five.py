# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The five best of a frame's scores, and the sum of all their powers."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ...sw.display.probabilities import GUARD_BITS, SHOWN_CLASSES
from .score_power import MANTISSA_BITS


def place_layout(ranked: data.StructLayout, classes: int) -> data.StructLayout:
    """A class with the power of its score."""
    return data.StructLayout({"index": range(max(2, classes)), "exponent": ranked["exponent"].shape, "mantissa": ranked["mantissa"].shape})


class TopFive(wiring.Component):
    """Keeps the five best scores of a frame, best first; of equal ones the first that came, which has the lower index.

    A score is compared with all five at once; those that are lower move down by a place. One score a cycle. Latency: LATENCY cycles.

    Parameters
    ----------
    ranked: the layout of the scores with their powers
    classes: scores of a frame

    Members
    -------
    input: ``In(ranked)``
    valid: ``In(1)``; there is one in this cycle
    places: ``Out(5 x place_layout(...))``; after the last score of a frame, its best ones; as many as there are classes
    """

    LATENCY = 1

    input: Any
    valid: Signal
    places: Any

    def __init__(self, *, ranked: data.StructLayout, classes: int) -> None:
        self._classes = classes
        places = data.ArrayLayout(place_layout(ranked, classes), SHOWN_CLASSES)
        super().__init__({"input": In(ranked), "valid": In(1), "places": Out(places)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        index = Signal(range(max(2, self._classes)))
        scores = [Signal(self.input.score.shape(), name=f"score_{place}") for place in range(SHOWN_CLASSES)]
        filled = [Signal(name=f"filled_{place}") for place in range(SHOWN_CLASSES)]
        first = Signal(init=1)
        with m.If(self.valid):
            m.d.sync += [first.eq(self.input.last), index.eq(Mux(self.input.last, 0, index + 1))]
        better = [Signal(name=f"better_{place}") for place in range(SHOWN_CLASSES)]
        for place in range(SHOWN_CLASSES):
            m.d.comb += better[place].eq(first | ~filled[place] | (self.input.score > scores[place]))
            with m.If(self.valid & better[place]):
                above = place - 1
                if place == 0:
                    m.d.sync += filled[0].eq(1)
                else:
                    m.d.sync += [
                        scores[place].eq(scores[above]),
                        self.places[place].eq(self.places[above]),
                        filled[place].eq(filled[above] & ~first),
                    ]
                with m.If(1 if place == 0 else ~better[above]):
                    m.d.sync += [
                        scores[place].eq(self.input.score),
                        filled[place].eq(1),
                        self.places[place].index.eq(index),
                        self.places[place].exponent.eq(self.input.exponent),
                        self.places[place].mantissa.eq(self.input.mantissa),
                    ]
        return m


class PowerSum(wiring.Component):
    """The sum of the powers of a frame's scores (`IntegerSoftmax.total`). One score a cycle. Latency: LATENCY cycles.

    Parameters
    ----------
    ranked: the layout of the scores with their powers
    classes: scores of a frame

    Members
    -------
    input: ``In(ranked)``
    valid: ``In(1)``; there is one in this cycle
    largest: ``Out(...)``; the largest exponent
    total: ``Out(...)``; the sum
    finished: ``Out(1)``; both are those of a whole frame, in this cycle
    good: ``Out(1)``; then: it may be shown
    """

    LATENCY = 3

    input: Any
    valid: Signal
    largest: Signal
    total: Signal
    finished: Signal
    good: Signal

    def __init__(self, *, ranked: data.StructLayout, classes: int) -> None:
        super().__init__(
            {
                "input": In(ranked),
                "valid": In(1),
                "largest": Out(ranked["exponent"].shape),
                "total": Out(MANTISSA_BITS + GUARD_BITS + ceil_log2(max(2, classes))),
                "finished": Out(1),
                "good": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        term_bits = MANTISSA_BITS + GUARD_BITS
        # 1. The largest exponent so far, and by how much the sum or the new term is to be shifted.
        largest = Signal.like(self.largest)
        first = Signal(init=1)
        ahead = Signal.like(self.input.exponent - largest)
        stage_1: Any = Signal(
            data.StructLayout({"valid": 1, "last": 1, "good": 1, "first": 1, "mantissa": MANTISSA_BITS, "sum_shift": 5, "term_shift": 5})
        )
        m.d.comb += ahead.eq(self.input.exponent - largest)
        m.d.sync += [
            stage_1.valid.eq(self.valid),
            stage_1.last.eq(self.input.last),
            stage_1.good.eq(self.input.good),
            stage_1.first.eq(first),
            stage_1.mantissa.eq(self.input.mantissa),
            stage_1.sum_shift.eq(Mux(ahead > 0, Mux(ahead > 31, 31, ahead), 0)),
            stage_1.term_shift.eq(Mux((ahead < 0) & ~first, Mux(ahead < -term_bits, term_bits, -ahead), 0)),
        ]
        with m.If(self.valid):
            m.d.sync += first.eq(self.input.last)
            with m.If(first | (ahead > 0)):
                m.d.sync += largest.eq(self.input.exponent)

        # 2. The new term.
        stage_2: Any = Signal(data.StructLayout({"valid": 1, "last": 1, "good": 1, "first": 1, "term": term_bits, "sum_shift": 5}))
        largest_2 = Signal.like(largest)
        m.d.sync += [
            stage_2.valid.eq(stage_1.valid),
            stage_2.last.eq(stage_1.last),
            stage_2.good.eq(stage_1.good),
            stage_2.first.eq(stage_1.first),
            stage_2.term.eq((stage_1.mantissa << GUARD_BITS) >> stage_1.term_shift),
            stage_2.sum_shift.eq(stage_1.sum_shift),
            largest_2.eq(largest),
        ]

        # 3. The sum.
        m.d.sync += [
            self.finished.eq(stage_2.valid & stage_2.last),
            self.good.eq(stage_2.good),
            self.largest.eq(largest_2),
        ]
        with m.If(stage_2.valid):
            m.d.sync += self.total.eq(Mux(stage_2.first, 0, self.total >> stage_2.sum_shift) + stage_2.term)
        return m
