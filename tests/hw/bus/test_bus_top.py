# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The ports of the accelerator on a bus. AXI4-Lite and two clocks are simulated as Verilog (tests/sim/test_axi.py); here is Wishbone."""

from typing import Any

from amaranth.sim import Simulator

from firebrick.hw.bus.top import BusOptions, BusTop
from firebrick.sw.link.register_map import BY_NAME, MAGIC
from tests.helpers.slow_sum import scores, sum_descriptor, sum_on_bus

FRAME = bytes([3, 1, 4, 1, 5])


def test_wishbone_reads_and_writes_registers_while_a_frame_is_computed() -> None:
    dut: Any = BusTop(core=sum_on_bus(len(FRAME), 1), options=BusOptions(stream_bytes=1, wishbone=True))
    pending, packet = list(FRAME), bytearray()

    async def bench(ctx: Any) -> None:
        async def cycle() -> None:
            """One cycle of the clock, with both streams."""
            ctx.set(dut.s_axis_tvalid, bool(pending))
            ctx.set(dut.s_axis_tdata, pending[0] if pending else 0)
            ctx.set(dut.s_axis_tlast, len(pending) == 1)
            await ctx.delay(1e-9)
            if ctx.get(dut.s_axis_tvalid) and ctx.get(dut.s_axis_tready):
                pending.pop(0)
            if ctx.get(dut.m_axis_tvalid):
                packet.append(ctx.get(dut.m_axis_tdata))
            ctx.set(dut.aclk, 1)
            await ctx.delay(1e-9)
            ctx.set(dut.aclk, 0)

        async def access(address: int, data: int | None = None) -> int | None:
            """What is read, or None when there is no such register."""
            ctx.set(dut.wb_adr, address // 4)
            ctx.set(dut.wb_we, data is not None)
            ctx.set(dut.wb_dat_w, data or 0)
            ctx.set(dut.wb_cyc, 1)
            ctx.set(dut.wb_stb, 1)
            for _ in range(10):
                await cycle()
                if ctx.get(dut.wb_ack) or ctx.get(dut.wb_err):
                    break
            ack, err, read = ctx.get(dut.wb_ack), ctx.get(dut.wb_err), ctx.get(dut.wb_dat_r)
            assert ack + err == 1
            ctx.set(dut.wb_cyc, 0)
            ctx.set(dut.wb_stb, 0)
            await cycle()
            return int(read) if ack else None

        ctx.set(dut.s_axis_tkeep, 1)
        ctx.set(dut.m_axis_tready, 1)
        ctx.set(dut.wb_sel, 15)
        await cycle()
        await cycle()
        assert len(pending) == len(FRAME), "in a reset nothing is taken"
        ctx.set(dut.aresetn, 1)
        assert await access(BY_NAME["MAGIC"].offset) == MAGIC
        for name, value in sum_descriptor(len(FRAME)).words(1).items():
            assert await access(BY_NAME[name].offset) == value, name
        assert await access(max(register.offset for register in BY_NAME.values()) + 4) is None
        await access(BY_NAME["IRQ_ENABLE"].offset, 1)
        while len(packet) < len(scores(FRAME)):
            await cycle()
        assert packet == scores(FRAME)
        await cycle()
        await cycle()
        assert ctx.get(dut.irq) == 1
        assert await access(BY_NAME["FRAMES_OUT"].offset) == 1
        await access(BY_NAME["EVENTS"].offset, 1)
        assert ctx.get(dut.irq) == 0

    simulator = Simulator(dut)
    simulator.add_testbench(bench)
    simulator.run()
