# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The set-up of a sensor over SCCB: every write arrives, a sensor that comes late or loses its settings is set up, the clock is slowed."""

from typing import Any

import pytest
from amaranth.sim import Simulator

from firebrick.hw.camera.camera_setup import SETTLING_FRAMES, CameraSetup
from firebrick.sim.camera.sccb_slave import SccbError, SccbSlave
from firebrick.sw.camera.ov7670 import CLKRC, COM7, OV7670, PID, PRODUCT
from firebrick.sw.camera.sensor import Op, Sensor, Step

FREQUENCY = 800e3
"""So that a quarter of a bit has two cycles, the fewest."""
SMALL = Sensor(
    **{
        **vars(OV7670),
        "setup": (
            Step(Op.EXPECT, 0x56, 0x300A),
            Step(Op.WRITE, 0xA5, 0x3103),
            Step(Op.WAIT, 3),
            Step(Op.WRITE, 0x00, 0xFFFF),
            Step(Op.PRESCALE, 0x40, 0x3035),
        ),
        "watch": (Step(Op.EXPECT, 0xA5, 0x3103), Step(Op.WAIT, 20)),
        "address": 0x78,
        "address_bytes": 2,
    }
)


class Bench:
    """A set-up and its sensor's registers."""

    def __init__(self, sensor: Sensor, slave: SccbSlave, prescaler: int = 1) -> None:
        self.dut = CameraSetup(sensor=sensor, frequency=FREQUENCY, prescaler=prescaler)
        self.slave = slave
        self.simulator = Simulator(self.dut)
        self.simulator.add_clock(1 / FREQUENCY)
        self.simulator.add_testbench(self._bus, background=True)

    async def _bus(self, ctx: Any) -> None:
        ctx.set(self.dut.sda, 1)
        async for _, _, scl_low, sda_low in ctx.tick().sample(self.dut.scl_low, self.dut.sda_low):
            ctx.set(self.dut.sda, self.slave.step(1 / FREQUENCY, 1 - scl_low, 1 - sda_low))

    def run(self, process: Any) -> None:
        self.simulator.add_testbench(process)
        self.simulator.run()

    async def until(self, ctx: Any, signal: Any, value: int, milliseconds: float) -> None:
        """Waits for a signal."""
        for _ in range(int(milliseconds * FREQUENCY / 1000)):
            if ctx.get(signal) == value:
                return
            await ctx.tick()
        raise AssertionError(f"{signal.name} is not {value} after {milliseconds} ms")


def ov7670(**others: Any) -> SccbSlave:
    power_up = {PID: PRODUCT, COM7: 0, CLKRC: 0x80}
    return SccbSlave(OV7670.address, registers=dict(power_up), reset=(COM7, 0x80, power_up), **others)


def writes(sensor: Sensor, divider: int) -> list[tuple[int, int]]:
    """The specification: the writes of a set-up."""
    return [
        (step.register, step.value | (divider if step.op == Op.PRESCALE else 0))
        for step in sensor.setup
        if step.op in (Op.WRITE, Op.PRESCALE)
    ]


def test_every_register_of_the_ov7670_is_written_once_in_order() -> None:
    slave = ov7670()
    bench = Bench(OV7670, slave)

    async def process(ctx: Any) -> None:
        await bench.until(ctx, bench.dut.found, 1, 60)
        assert slave.writes == writes(OV7670, 0)
        assert slave.reads == [PID, PID, COM7]

    bench.run(process)


def test_registers_with_addresses_of_two_bytes_and_waits() -> None:
    slave = SccbSlave(0x78, 2, {0x300A: 0x56})
    bench = Bench(SMALL, slave, prescaler=3)

    async def process(ctx: Any) -> None:
        await bench.until(ctx, bench.dut.reset_n, 1, 3)
        await bench.until(ctx, bench.dut.found, 1, 20)
        assert slave.writes == [(0x3103, 0xA5), (0xFFFF, 0x00), (0x3035, 0x42)]

    bench.run(process)


def test_a_sensor_that_is_plugged_in_later_and_one_that_loses_its_settings_are_set_up() -> None:
    slave = SccbSlave(0x78, 2, {0x300A: 0x56}, present=False)
    bench = Bench(SMALL, slave)

    async def process(ctx: Any) -> None:
        await ctx.tick().repeat(int(0.03 * FREQUENCY))
        assert not ctx.get(bench.dut.found)
        assert slave.writes == []
        slave.present = True
        await bench.until(ctx, bench.dut.found, 1, 20)
        assert slave.writes == writes(SMALL, 0)
        slave.registers = {0x300A: 0x56}  # its power failed for a moment
        await bench.until(ctx, bench.dut.found, 0, 30)
        await bench.until(ctx, bench.dut.found, 1, 20)
        assert slave.writes == 2 * writes(SMALL, 0)
        slave.registers[0x300A] = 0x57  # another sensor
        slave.registers[0x3103] = 0
        await bench.until(ctx, bench.dut.found, 0, 30)
        await ctx.tick().repeat(int(0.03 * FREQUENCY))
        assert not ctx.get(bench.dut.found)

    bench.run(process)


def test_slow_writes_the_prescaler_alone_and_waits_for_a_whole_frame() -> None:
    slave = SccbSlave(0x78, 2, {0x300A: 0x56})
    bench = Bench(SMALL, slave, prescaler=2)
    dut = bench.dut

    async def frame(ctx: Any) -> None:
        ctx.set(dut.frame, 1)
        await ctx.tick()
        ctx.set(dut.frame, 0)
        await ctx.tick()

    async def process(ctx: Any) -> None:
        await bench.until(ctx, dut.found, 1, 20)
        before = len(slave.writes)
        ctx.set(dut.slow, 31)
        for _ in range(5):
            await frame(ctx)
            assert not ctx.get(dut.slow_active)
        await ctx.tick().repeat(int(0.004 * FREQUENCY))
        assert slave.writes[before:] == [(0x3035, 0x40 | 31)]
        for count in range(SETTLING_FRAMES):
            assert not ctx.get(dut.slow_active), count
            await frame(ctx)
        assert ctx.get(dut.slow_active)
        ctx.set(dut.slow, 0)
        await ctx.tick().repeat(int(0.004 * FREQUENCY))
        assert slave.writes[before:] == [(0x3035, 0x40 | 31), (0x3035, 0x41)]
        assert not ctx.get(dut.slow_active)
        assert ctx.get(dut.found)

    bench.run(process)


def test_the_slave_notices_a_clock_that_is_too_fast() -> None:
    slave = ov7670()
    slave.minimum_low = 6e-6
    bench = Bench(OV7670, slave)

    async def process(ctx: Any) -> None:
        await bench.until(ctx, bench.dut.found, 1, 60)

    with pytest.raises(SccbError, match="low for 5"):
        bench.run(process)


def test_setup_rejects_a_sensor_whose_set_up_does_not_end_with_the_prescaler() -> None:
    with pytest.raises(ValueError, match="must be PRESCALE"):
        CameraSetup(sensor=Sensor(**{**vars(OV7670), "setup": OV7670.setup[:-1]}), frequency=1e6)
