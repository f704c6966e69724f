# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""How a phase-locked loop is set for a frequency."""

from collections.abc import Sequence
from dataclasses import dataclass

from ...sw.errors import FirebrickError

VCO_HZ = (400e6, 800e6)
"""What the oscillator inside can do."""
PFD_HZ = (3.125e6, 400e6)
"""What the phase detector can compare."""
DIVIDER_MAX = 128


@dataclass(frozen=True)
class PllLimits:
    """What a family's phase-locked loop can do."""

    vco_hz: tuple[float, float]
    """The range of the oscillator inside."""
    pfd_hz: tuple[float, float]
    """The range of the phase detector."""
    input_dividers: Sequence[int]
    feedback_dividers: Sequence[int]
    output_dividers: Sequence[int]
    feedback_from_output: bool = True
    """The feedback comes from the output, and not from the oscillator."""


_DIVIDERS = range(1, DIVIDER_MAX + 1)
ECP5_PLL = PllLimits(VCO_HZ, PFD_HZ, _DIVIDERS, _DIVIDERS, _DIVIDERS)


@dataclass(frozen=True)
class PllSettings:
    """Dividers, each of at least 1."""

    input_hz: float
    input_divider: int
    feedback_divider: int
    output_divider: int
    feedback_from_output: bool = True

    @property
    def is_passthrough(self) -> bool:
        """There is nothing to do: no loop is needed."""
        return self.input_divider == self.feedback_divider == self.output_divider == 1

    @property
    def output_hz(self) -> float:
        """The frequency that comes out."""
        fed = self.input_hz / self.input_divider * self.feedback_divider
        return fed if self.feedback_from_output else fed / self.output_divider

    @property
    def vco_hz(self) -> float:
        """The frequency of the oscillator inside."""
        return self.output_hz * self.output_divider


def pll_settings(input_hz: float, output_hz: float, limits: PllLimits = ECP5_PLL) -> PllSettings:
    """The settings that come closest to a frequency without exceeding it. Raises FirebrickError where none comes within 5 %."""
    found = [
        settings
        for divider in limits.input_dividers
        if limits.pfd_hz[0] <= input_hz / divider <= limits.pfd_hz[1]
        for output in limits.output_dividers
        for feedback in _feedbacks(input_hz / divider / (1 if limits.feedback_from_output else output), output_hz, limits)
        if limits.vco_hz[0]
        <= (settings := PllSettings(input_hz, divider, feedback, output, limits.feedback_from_output)).vco_hz
        <= limits.vco_hz[1]
    ]
    if not found:
        megahertz = f"one of {output_hz / 1e6:g} MHz; choose another frequency"
        raise FirebrickError(f"a clock of {input_hz / 1e6:g} MHz cannot be turned into {megahertz}")
    middle = sum(limits.vco_hz) / 2
    return max(found, key=lambda one: (one.output_hz, -one.input_divider, -abs(one.vco_hz - middle)))


def _feedbacks(unit_hz: float, output_hz: float, limits: PllLimits) -> Sequence[int]:
    """The multiples of a frequency that come close to another."""
    return [count for count in limits.feedback_dividers if 0.95 * output_hz <= unit_hz * count <= output_hz * (1 + 1e-9)]
