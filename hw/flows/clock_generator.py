# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Generators of the accelerator's clock, from a board's clock."""

from collections.abc import Callable
from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Instance, Module, Signal
from amaranth.lib import io, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import Out

from .pll import PllSettings, close_from_below

RESET_CYCLES = 1024
"""The length of the reset in cycles of the clock: block RAMs of an iCE40 can be read only 3 us after configuration, and 1024 cycles
are longer up to 340 MHz."""

MakePll = Callable[[PllSettings, Signal, Signal, Signal], Instance]
"""Makes a PLL instance from its settings, its input, its output and its lock signal."""


class ClockGenerator(wiring.Component):
    """Generates the accelerator's clock from the board's.

    Parameters
    ----------
    pin: where the board's clock comes in
    settings: of the PLL

    Members
    -------
    clock: ``Out(1)``; the generated clock
    reset: ``Out(1)``; synchronous to it, and high until it is stable; constant low if the clock is gated until then
    """

    clock: Signal
    reset: Signal

    def __init__(self, *, pin: Any, settings: PllSettings) -> None:
        self.pin = pin
        self.settings = settings
        super().__init__({"clock": Out(1), "reset": Out(1)})


class ClockWithReset(ClockGenerator):
    """A clock with a reset, which ends ``RESET_CYCLES`` cycles after the PLL has locked.

    Parameters
    ----------
    make_pll: makes the PLL; without one the clock is the board's own
    """

    def __init__(self, *, pin: Any, settings: PllSettings, make_pll: MakePll | None = None) -> None:
        self._make_pll = make_pll
        super().__init__(pin=pin, settings=settings)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.pin = pin = io.Buffer(io.Direction.Input, self.pin)
        locked = Signal(init=1)
        if self._make_pll:
            m.submodules.pll = self._make_pll(self.settings, pin.i, self.clock, locked)
        else:
            m.d.comb += self.clock.eq(pin.i)
        release_reset_after_lock(m, self, locked)
        return m


def release_reset_after_lock(m: Module, generator: ClockGenerator, locked: Signal) -> None:
    """Drive a generator's reset: high until ``RESET_CYCLES`` cycles after its PLL has locked.

    The counter's own domain has no reset: registers start at their initial values with the configuration. The PLL locks at any time, so
    its lock signal is synchronised to the clock.
    """
    startup: Any = ClockDomain("startup", reset_less=True, local=True)
    m.domains += startup
    count = Signal(range(RESET_CYCLES))
    synchronised_lock = Signal()
    m.submodules.lock_synchroniser = FFSynchronizer(locked, synchronised_lock, o_domain="startup")
    m.d.comb += ClockSignal("startup").eq(generator.clock)
    m.d.startup += generator.reset.eq(count != RESET_CYCLES - 1)
    with m.If(synchronised_lock & (count != RESET_CYCLES - 1)):
        m.d.startup += count.eq(count + 1)


def passthrough_settings(board_hz: float, frequency: float) -> PllSettings | None:
    """The settings that take the board's own clock, if that is the frequency asked for or at most 5 % less; otherwise None."""
    return PllSettings(board_hz, 1, 1, 1) if close_from_below(board_hz, frequency) else None
