# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The accelerator's clock, made from a board's."""

from collections.abc import Callable
from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Instance, Module, Signal
from amaranth.lib import io, wiring
from amaranth.lib.wiring import Out

from .pll import PllSettings

RESET_CYCLES = 1024
"""Cycles that everything is held in reset: more than the 3 us after which block RAMs of an iCE40 can be read."""

MakePll = Callable[[PllSettings, Signal, Signal, Signal], Instance]
"""Makes a phase-locked loop from its settings, its input, its output and the signal that it has locked."""


class ClockGenerator(wiring.Component):
    """Makes the accelerator's clock from the board's.

    Parameters
    ----------
    pin: where the board's clock comes in
    settings: of the phase-locked loop

    Members
    -------
    clock: ``Out(1)``; the clock made
    reset: ``Out(1)``; synchronous to it, and set until it is stable; never where the clock is still until then
    """

    clock: Signal
    reset: Signal

    def __init__(self, *, pin: Any, settings: PllSettings) -> None:
        self.pin = pin
        self.settings = settings
        super().__init__({"clock": Out(1), "reset": Out(1)})


class ClockWithReset(ClockGenerator):
    """A clock with a reset that lasts until the loop has locked, and ``RESET_CYCLES`` cycles more.

    Parameters
    ----------
    make_pll: makes the phase-locked loop; without one the clock is the board's own
    """

    def __init__(self, *, pin: Any, settings: PllSettings, make_pll: MakePll | None = None) -> None:
        self._make_pll = make_pll
        super().__init__(pin=pin, settings=settings)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.pin = pin = io.Buffer(io.Direction.Input, self.pin)
        locked = Signal(init=1)
        if self._make_pll:
            m.submodules.loop = self._make_pll(self.settings, pin.i, self.clock, locked)
        else:
            m.d.comb += self.clock.eq(pin.i)
        release_reset_after_lock(m, self, locked)
        return m


def release_reset_after_lock(m: Module, clock: ClockGenerator, locked: Signal) -> None:
    """Set a clock's reset until ``RESET_CYCLES`` cycles after it has locked."""
    start: Any = ClockDomain("start", reset_less=True, local=True)
    m.domains += start
    count = Signal(range(RESET_CYCLES))
    steady = Signal(2)  # two flip-flops, as the loop locks at any time
    m.d.comb += ClockSignal("start").eq(clock.clock)
    m.d.start += [steady.eq(steady << 1 | locked), clock.reset.eq(count != RESET_CYCLES - 1)]
    with m.If(steady[1] & (count != RESET_CYCLES - 1)):
        m.d.start += count.eq(count + 1)


def passthrough_settings(own: float, frequency: float) -> PllSettings | None:
    """The board's own clock, where it is what is asked for or at most 5 % slower; both in Hz."""
    return PllSettings(own, 1, 1, 1) if 0.95 * frequency <= own <= frequency * (1 + 1e-9) else None
