# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Settings of phase-locked loops.

::

    input --> / input_divider --> PFD --> VCO ----> / output_divider ----> output
                                   ^       |                           |
                                   |       v                           v
                                   +-- / feedback_divider, of the VCO or of the output

With feedback from the output, output = input / input_divider * feedback_divider, and the VCO runs at output * output_divider; otherwise the
VCO runs at input / input_divider * feedback_divider. The PFD sees input / input_divider.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ...sw.errors import FirebrickError

VCO_HZ = (400e6, 800e6)
"""ECP5 data sheet: the range of the oscillator."""
PFD_HZ = (3.125e6, 400e6)
"""ECP5 data sheet: the range of the phase frequency detector."""
DIVIDER_MAX = 128
TOLERANCE = 0.05
"""The largest accepted deviation below the target frequency; a PLL's output never exceeds the target."""
ROUNDING = 1e-9
"""Relative rounding errors of frequencies as floats."""


@dataclass(frozen=True)
class PllLimits:
    """The limits of a family's PLL, from its data sheet."""

    vco_hz: tuple[float, float]
    """The range of the voltage-controlled oscillator."""
    pfd_hz: tuple[float, float]
    """The range of the phase frequency detector."""
    input_dividers: Sequence[int]
    feedback_dividers: Sequence[int]
    output_dividers: Sequence[int]
    feedback_from_output: bool = True
    """The feedback is taken behind the output divider, and not from the oscillator."""


_DIVIDERS = range(1, DIVIDER_MAX + 1)
ECP5_PLL = PllLimits(VCO_HZ, PFD_HZ, _DIVIDERS, _DIVIDERS, _DIVIDERS)


@dataclass(frozen=True)
class PllSettings:
    """The dividers of a PLL, each at least 1."""

    input_hz: float
    input_divider: int
    feedback_divider: int
    output_divider: int
    feedback_from_output: bool = True
    halved: bool = False
    """A second output, with its edges in step, has half the frequency: the accelerator's clock beside that of its fast lanes."""

    @property
    def is_passthrough(self) -> bool:
        """The output is the input: no PLL is needed."""
        return self.input_divider == self.feedback_divider == self.output_divider == 1

    @property
    def output_hz(self) -> float:
        """The output frequency."""
        multiplied = self.input_hz / self.input_divider * self.feedback_divider
        return multiplied if self.feedback_from_output else multiplied / self.output_divider

    @property
    def clock_hz(self) -> float:
        """The frequency of the accelerator's clock."""
        return self.output_hz / 2 if self.halved else self.output_hz

    @property
    def vco_hz(self) -> float:
        """The frequency of the oscillator."""
        return self.output_hz * self.output_divider


def pll_settings(input_hz: float, output_hz: float, limits: PllLimits = ECP5_PLL) -> PllSettings:
    """The settings that come closest to an output frequency without exceeding it.

    Of several the one with the smallest input divider, which jitters least, and the oscillator closest to the middle of its range.
    Raises FirebrickError if none comes within 5 %.
    """
    candidates = [
        settings
        for divider in limits.input_dividers
        if limits.pfd_hz[0] <= input_hz / divider <= limits.pfd_hz[1]
        for output in limits.output_dividers
        for feedback in _feedback_dividers(input_hz / divider / (1 if limits.feedback_from_output else output), output_hz, limits)
        if _in_range((settings := PllSettings(input_hz, divider, feedback, output, limits.feedback_from_output)).vco_hz, limits.vco_hz)
    ]
    if not candidates:
        target = f"one of {output_hz / 1e6:g} MHz; choose another frequency"
        raise FirebrickError(f"a clock of {input_hz / 1e6:g} MHz cannot be turned into {target}")
    middle = sum(limits.vco_hz) / 2
    return max(candidates, key=lambda settings: (settings.output_hz, -settings.input_divider, -abs(settings.vco_hz - middle)))


def close_from_below(frequency: float, target: float) -> bool:
    """A frequency is at most the target, but for rounding errors, and at most 5 % less."""
    return (1 - TOLERANCE) * target <= frequency <= target * (1 + ROUNDING)


def _feedback_dividers(unit_hz: float, output_hz: float, limits: PllLimits) -> Sequence[int]:
    """The feedback dividers whose multiple of ``unit_hz`` comes close to the output frequency."""
    return [divider for divider in limits.feedback_dividers if close_from_below(unit_hz * divider, output_hz)]


def _in_range(frequency: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= frequency <= limits[1]
