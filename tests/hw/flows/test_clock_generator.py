# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The reset of a generated clock: released a fixed number of cycles after the PLL has locked, once and for all."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from firebrick.hw.flows.clock_generator import RESET_CYCLES, release_reset_after_lock

LOCK_LATENCY = 2
"""Cycles from the PLL's lock to its synchronised copy, two flip-flops."""


class Reset(wiring.Component):
    """The reset alone, with a clock and a lock signal from the bench."""

    source: Signal
    locked: Signal
    clock: Signal
    reset: Signal

    def __init__(self) -> None:
        super().__init__({"source": In(1), "locked": In(1), "clock": Out(1), "reset": Out(1)})

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.d.comb += self.clock.eq(self.source)
        release_reset_after_lock(m, self, self.locked)  # type: ignore[arg-type]
        return m


def test_reset_ends_a_fixed_time_after_lock_and_stays_low() -> None:
    dut = Reset()
    unlocked_cycles = 100
    resets: list[int] = []

    async def bench(ctx: Any) -> None:
        for cycle in range(unlocked_cycles + RESET_CYCLES + 100):
            ctx.set(dut.locked, unlocked_cycles <= cycle < unlocked_cycles + RESET_CYCLES + 50)  # the lock is lost in the end
            for level in (0, 1):
                ctx.set(dut.source, level)
                await ctx.delay(1e-8)
            resets.append(ctx.get(dut.reset))

    simulator = Simulator(dut)
    simulator.add_testbench(bench)
    simulator.run()
    duration = unlocked_cycles + LOCK_LATENCY + RESET_CYCLES - 1
    assert resets == [1] * duration + [0] * (len(resets) - duration)
