# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From scores to powers of two, one a cycle."""

from typing import Any

from amaranth.hdl import Const, Module, Shape, Signal, Value
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from ...sw.display.probabilities import MANTISSAS, OCTAVE_BITS, IntegerSoftmax
from ...sw.plan.nodes import GlobalSumSpec
from ..engines.global_sum import score_layout
from .later import later

MANTISSA_BITS = 8


def exponent_shape(softmax: IntegerSoftmax, global_sum: GlobalSumSpec) -> Shape:
    """The shape of the exponents of all scores that there may be."""
    bits = global_sum.score_bits
    lowest, highest = (-(1 << bits - 1), (1 << bits - 1) - 1) if global_sum.score_signed else (0, (1 << bits) - 1)
    largest = max(-softmax.power(lowest)[0] - 1, softmax.power(highest)[0]).bit_length()
    return Shape(max(1, largest + global_sum.score_signed), global_sum.score_signed)


def ranked_layout(softmax: IntegerSoftmax, global_sum: GlobalSumSpec) -> data.StructLayout:
    """A score with its power, and the marks of the frame's last one."""
    return data.StructLayout(
        {
            "score": score_layout(global_sum)["score"].shape,
            "exponent": exponent_shape(softmax, global_sum),
            "mantissa": MANTISSA_BITS,
            "last": 1,
            "good": 1,
        }
    )


class ScorePower(wiring.Component):
    """The power of two of each score (`IntegerSoftmax.power`). Latency: LATENCY cycles; one score a cycle.

    The multiplier is constant: a sum of shifted scores, one for each digit of its canonical signed form.

    Parameters
    ----------
    softmax: the specification
    global_sum: the scores

    Members
    -------
    score: ``In(score_layout(global_sum))``
    valid: ``In(1)``; there is a score in this cycle
    good: ``In(1)``; at the last score: the frame may be shown
    output: ``Out(ranked_layout(...))``
    output_valid: ``Out(1)``
    """

    LATENCY = 4

    score: Any
    valid: Signal
    good: Signal
    output: Any
    output_valid: Signal

    def __init__(self, *, softmax: IntegerSoftmax, global_sum: GlobalSumSpec) -> None:
        self._softmax = softmax
        layout = ranked_layout(softmax, global_sum)
        super().__init__(
            {"score": In(score_layout(global_sum)), "valid": In(1), "good": In(1), "output": Out(layout), "output_valid": Out(1)}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        softmax = self._softmax
        # 1. a register, 2. sums of two terms each, 3. their sum, 4. the mantissa
        taken = Signal.like(self.score)
        m.d.sync += taken.eq(self.score)
        score = taken.score
        # Subtracted, not multiplied by -1, for which synthesis takes a multiplier.
        terms = [score << shift if sign > 0 else -(score << shift) for shift, sign in signed_digits(softmax.multiplier)]
        terms.append(Const(1 << softmax.shift >> 1))
        pairs = []
        for number, first in enumerate(range(0, len(terms), 2)):
            total: Value = sum(terms[first + 1 : first + 2], terms[first])
            pair = Signal(total.shape(), name=f"pair_{number}")
            m.d.sync += pair.eq(total)
            pairs.append(pair)
        product = sum(pairs[1:], Value.cast(pairs[0]))
        steps = Signal(Shape(len(self.output.exponent) + OCTAVE_BITS, self.output.exponent.shape().signed))
        m.d.sync += steps.eq(product >> softmax.shift)
        table: memory.Memory = memory.Memory(shape=MANTISSA_BITS, depth=len(MANTISSAS), init=MANTISSAS, attrs={"rom_style": "logic"})
        m.submodules.mantissas = table
        mantissa = table.read_port(domain="comb")
        m.d.comb += mantissa.addr.eq(steps)
        m.d.sync += [self.output.mantissa.eq(mantissa.data), self.output.exponent.eq(steps >> OCTAVE_BITS)]
        for value, delayed in (
            (taken.score, self.output.score),
            (taken.last, self.output.last),
        ):
            m.d.sync += delayed.eq(later(m, value, self.LATENCY - 2))
        m.d.sync += [
            self.output.good.eq(later(m, self.good, self.LATENCY - 1)),
            self.output_valid.eq(later(m, self.valid, self.LATENCY - 1)),
        ]
        return m


def signed_digits(number: int) -> list[tuple[int, int]]:
    """The canonical signed digits of a positive number: places and signs of powers of two, no two of them neighbours."""
    digits = []
    place = 0
    while number:
        if number & 1:
            sign = 2 - number % 4
            digits.append((place, sign))
            number -= sign
        number >>= 1
        place += 1
    return digits
