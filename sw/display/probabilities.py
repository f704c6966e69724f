# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From integer scores to probabilities in tenths of a percent, in integers that hardware computes while the scores pass by."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

SHOWN_CLASSES = 5
"""Classes that a screen shows."""
OCTAVE_BITS = 6
"""Binary digits of an exponent behind the point: steps in which a probability doubles."""
MANTISSAS = tuple(round(128 * 2 ** (step / 2**OCTAVE_BITS)) for step in range(2**OCTAVE_BITS))
"""Powers of two from 1 to 2, times 128."""
MULTIPLIER_BITS = 9
"""Significant bits of the factor from scores to exponents."""
GUARD_BITS = 8
"""Binary digits of the sum behind the mantissa's; a class 2^-(GUARD_BITS + 8) times as likely as the best one counts as 0."""
WHOLE = 1000
"""A probability of 1, in tenths of a percent."""


@dataclass(frozen=True)
class ClassShare:
    """A class and its probability."""

    index: int
    tenths: int
    """In tenths of a percent, 0 to WHOLE."""


@dataclass(frozen=True)
class IntegerSoftmax:
    """The softmax of integer scores with powers of two, in block floating point.

    A score s stands for the power 2^(s * score_scale / ln 2) = mantissa * 2^exponent. The sum of all powers is kept in units of the largest
    exponent so far, with GUARD_BITS more digits; where a larger one comes, it is shifted. All is rounded down but the exponent and the last
    division, which are rounded to nearest.
    """

    score_scale: float
    """A score times this is the float network's."""

    @cached_property
    def shift(self) -> int:
        """Bits behind the point of ``multiplier``."""
        steps = self.score_scale / math.log(2) * 2**OCTAVE_BITS
        return max(0, MULTIPLIER_BITS - math.frexp(steps)[1])

    @cached_property
    def multiplier(self) -> int:
        """A score times this, shifted right by ``shift``, is its exponent in steps."""
        return max(1, round(math.ldexp(self.score_scale / math.log(2), OCTAVE_BITS + self.shift)))

    def power(self, score: int) -> tuple[int, int]:
        """The exponent of a score and its mantissa, 128 to 255."""
        steps = (score * self.multiplier + (1 << self.shift >> 1)) >> self.shift
        return steps >> OCTAVE_BITS, MANTISSAS[steps % 2**OCTAVE_BITS]

    def total(self, scores: NDArray[np.int64]) -> tuple[int, int]:
        """The largest exponent of a frame's scores, and the sum of all powers in its units with GUARD_BITS more."""
        largest, total = 0, 0
        for number, score in enumerate(scores.tolist()):
            exponent, mantissa = self.power(score)
            if number == 0 or exponent > largest:
                total >>= exponent - largest if number else 0
                largest = exponent
            total += (mantissa << GUARD_BITS) >> (largest - exponent)
        return largest, total

    def shares(self, scores: NDArray[np.int64]) -> tuple[ClassShare, ...]:
        """The likeliest classes of a frame, best first; of equal scores the lower index comes first."""
        sum_of_all = self.total(scores)
        best = np.argsort(-scores, kind="stable")[:SHOWN_CLASSES].tolist()
        return tuple(self._share(scores, index, *sum_of_all) for index in best)

    def share(self, scores: NDArray[np.int64], index: int) -> ClassShare:
        """A class of a frame, likely or not."""
        return self._share(scores, index, *self.total(scores))

    def _share(self, scores: NDArray[np.int64], index: int, largest: int, total: int) -> ClassShare:
        exponent, mantissa = self.power(int(scores[index]))
        numerator = WHOLE * ((mantissa << GUARD_BITS) >> (largest - exponent))
        return ClassShare(index, (numerator + total // 2) // total)
