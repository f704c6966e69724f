# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The clock of an ECP5: a phase-locked loop, and a gate that opens when it has locked."""

from dataclasses import dataclass

from amaranth.hdl import Instance, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..sw.errors import FirebrickError

VCO_HZ = (400e6, 800e6)
"""What the oscillator inside can do."""
COMPARE_HZ = (3.125e6, 400e6)
"""What the phase detector can compare."""
DIVIDER_MAX = 128


@dataclass(frozen=True)
class PllSettings:
    """Dividers: the output is input_hz / input_divider * feedback_divider, and the oscillator output_divider times that."""

    input_hz: float
    input_divider: int
    feedback_divider: int
    output_divider: int

    @property
    def output_hz(self) -> float:
        """The frequency that comes out."""
        return self.input_hz / self.input_divider * self.feedback_divider


def pll_settings(input_hz: float, output_hz: float) -> PllSettings:
    """The settings that come closest to a frequency without exceeding it. Raises FirebrickError where none comes within 5 %."""
    found = [
        settings
        for divider in range(1, DIVIDER_MAX + 1)
        if COMPARE_HZ[0] <= input_hz / divider <= COMPARE_HZ[1]
        for feedback in range(1, DIVIDER_MAX + 1)
        if 0.95 * output_hz <= input_hz / divider * feedback <= output_hz * (1 + 1e-9)
        for output in range(1, DIVIDER_MAX + 1)
        if VCO_HZ[0] <= (settings := PllSettings(input_hz, divider, feedback, output)).output_hz * output <= VCO_HZ[1]
    ]
    if not found:
        megahertz = f"one of {output_hz / 1e6:g} MHz; choose another frequency"
        raise FirebrickError(f"a clock of {input_hz / 1e6:g} MHz cannot be turned into {megahertz}")
    middle = sum(VCO_HZ) / 2
    return max(found, key=lambda one: (one.output_hz, -one.input_divider, -abs(one.output_hz * one.output_divider - middle)))


class Ecp5Clock(wiring.Component):
    """Makes a clock that starts when it is stable, so that everything it drives can do without a reset.

    Parameters
    ----------
    settings: dividers

    Members
    -------
    source: ``In(1)``; the board's clock
    clock: ``Out(1)``; the clock made, still until the loop has locked
    """

    source: Signal
    clock: Signal

    def __init__(self, *, settings: PllSettings) -> None:
        self._settings = settings
        super().__init__({"source": In(1), "clock": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        settings = self._settings
        made, locked = Signal(), Signal()
        m.submodules.pll = Instance(
            "EHXPLLL",
            a_FREQUENCY_PIN_CLKI=f"{settings.input_hz / 1e6:g}",
            a_FREQUENCY_PIN_CLKOP=f"{settings.output_hz / 1e6:g}",
            a_ICP_CURRENT="12",
            a_LPF_RESISTOR="8",
            a_MFG_ENABLE_FILTEROPAMP="1",
            a_MFG_GMCREF_SEL="2",
            p_FEEDBK_PATH="CLKOP",
            p_CLKI_DIV=settings.input_divider,
            p_CLKFB_DIV=settings.feedback_divider,
            p_CLKOP_DIV=settings.output_divider,
            p_CLKOP_ENABLE="ENABLED",
            p_CLKOP_CPHASE=settings.output_divider - 1,
            p_CLKOP_FPHASE=0,
            i_CLKI=self.source,
            i_CLKFB=made,
            o_CLKOP=made,
            o_LOCK=locked,
            i_RST=0,
            i_STDBY=0,
            i_PLLWAKESYNC=0,
            i_ENCLKOP=0,
        )
        m.submodules.gate = Instance("DCCA", i_CLKI=made, i_CE=locked, o_CLKO=self.clock)
        return m
