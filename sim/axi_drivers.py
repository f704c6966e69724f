# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Drivers and monitors of the bench of an accelerator on AXI: those of cocotbext-axi, with random gaps, and the rules of the bus.

They run inside the simulator. FIREBRICK_CASE names a JSON file, which ``sim/axi_cases.py`` writes; measurements are written to
FIREBRICK_RESULT.

A frame of a whole network takes a million cycles, so little runs in each of them: the simulator makes the clocks, the monitor
sleeps while no channel is valid, and gaps last for a time.
"""

import json
import os
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, First, RisingEdge, SimTimeoutError, Timer, with_timeout
from cocotb.utils import get_sim_time
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from firebrick.sim.axi_protocol import PacketContract
from firebrick.sim.stream_contract import StreamContract
from firebrick.sw.link.register_map import BY_NAME

RESET_CYCLES = 4
GAP_RATES = (0.0, 0.1, 0.5, 0.9)
"""Fractions of cycles in which a side pauses; each lasts for some cycles."""
LONGEST_PHASE = 400


def fields(name: str) -> dict[str, int]:
    """The masks of a register's fields."""
    return {field.name: ((1 << field.width) - 1) << field.low for field in BY_NAME[name].fields}


CONTROL, STATUS, EVENTS = fields("CONTROL"), fields("STATUS"), fields("EVENTS")


def pauses(random: Random) -> Iterator[bool]:
    """Whether a side pauses in each cycle: gaps are rare for a time and frequent for another."""
    while True:
        rate = random.choice(GAP_RATES)
        for _ in range(random.randrange(1, LONGEST_PHASE)):
            yield random.random() < rate


class Bench:
    """Clocks, drivers and monitors of one test."""

    def __init__(self, dut: Any, name: str) -> None:
        self.case: dict[str, Any] = json.loads(Path(os.environ["FIREBRICK_CASE"]).read_text())
        self.random = Random(f"{self.case['seed']} {name}")  # noqa: S311 - gaps that a seed repeats
        self.frames = [bytes.fromhex(frame) for frame in self.case["frames"]]
        self.scores = [bytes.fromhex(packet) for packet in self.case["packets"]]
        self.count: int = self.case["tests"][name]
        self._dut = dut
        self._name = name
        self._period: int
        self._core_period: int
        self._start: int = round(get_sim_time("step"))
        self._period, self._core_period = self.case["periods"][name]
        dut.aresetn.value = 0
        reset = {"reset": dut.aresetn, "reset_active_level": False}
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.aclk, **reset)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.aclk, **reset)
        for side in (self.source, self.sink):
            side.log.setLevel("WARNING")  # else it prints every byte of every frame
        self.bus = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.aclk, **reset)

    async def begin(self) -> None:
        """Start the clocks, and reset."""
        dut = self._dut
        Clock(dut.aclk, self._period, unit="step", impl="gpi").start()
        if self.case["core_clock"]:
            Clock(dut.core_clk, self._core_period, unit="step", impl="gpi").start()
        await self.reset(RESET_CYCLES)

    @property
    def cycle(self) -> int:
        """Cycles of ``aclk`` since the test began."""
        return (round(get_sim_time("step")) - self._start) // self._period

    async def reset(self, cycles: int) -> None:
        """Reset by ``aresetn``, after which nothing is left of earlier frames, and watch."""
        dut = self._dut
        dut.aresetn.value = 0
        self.source.clear()
        await ClockCycles(dut.aclk, cycles)
        assert (int(dut.s_axis_tready.value), int(dut.m_axis_tvalid.value)) == (0, 0), "in a reset the streams stand still"
        self.sink.clear()
        dut.aresetn.value = 1
        cocotb.start_soon(self._watch())

    async def _watch(self) -> None:
        """Check the rules of the bus until the next reset, in each cycle in which a channel is valid and in the one after it."""
        dut = self._dut
        self.contract = PacketContract("m_axis", stream_bytes=self.case["stream_bytes"], packet_bytes=len(self.scores[0]))
        watched = (
            (self.contract.observe, dut.m_axis_tvalid, dut.m_axis_tready, dut.m_axis_tdata, dut.m_axis_tkeep, dut.m_axis_tlast),
            (StreamContract("s_axi_b").observe, dut.s_axi_bvalid, dut.s_axi_bready, dut.s_axi_bresp),
            (StreamContract("s_axi_r data").observe, dut.s_axi_rvalid, dut.s_axi_rready, dut.s_axi_rdata),
            (StreamContract("s_axi_r response").observe, dut.s_axi_rvalid, dut.s_axi_rready, dut.s_axi_rresp),
        )
        edge = RisingEdge(dut.aclk)
        waking = (FallingEdge(dut.aresetn), *(RisingEdge(valid) for valid in (dut.m_axis_tvalid, dut.s_axi_bvalid, dut.s_axi_rvalid)))
        while True:
            await edge
            if not int(dut.aresetn.value):
                return
            for observe, *signals in watched:
                observe(*(int(signal.value) for signal in signals))
            if not any(int(valid.value) for _, valid, *_ in watched):
                await First(*waking)

    async def read(self, name: str) -> int:
        """The value of a register."""
        return int(await self.bus.read_dword(BY_NAME[name].offset))

    async def write(self, name: str, value: int) -> None:
        """Write a register."""
        await self.bus.write_dword(BY_NAME[name].offset, value)

    async def wait_to_poll(self) -> None:
        """Wait for a random time, short beside that of a frame, before a register is read again."""
        await Timer(self.random.randrange(1, self.case["poll_within"]) * self._period, "step")

    async def expect(self, **expected: int) -> None:
        """Check values of registers."""
        values = {name: await self.read(name) for name in expected}
        assert values == expected, f"registers are {values} instead of {expected}"

    async def receive(self) -> bytes:
        """The next packet of scores. Raises AssertionError when none comes in time."""
        cycles: int = self.case["hang_cycles"]
        try:
            return bytes((await with_timeout(self.sink.recv(), cycles * self._period, "step")).tdata)
        except SimTimeoutError:
            raise AssertionError(f"no packet came for {cycles} cycles") from None

    async def settle(self) -> None:
        """Wait until the accelerator is idle; then no other packet may come."""
        start = self.cycle
        while not self.source.idle() or await self.read("STATUS"):
            await self.wait_to_poll()
            assert self.cycle < start + self.case["hang_cycles"], (
                f"still busy after {self.cycle - start} cycles: {await self.read('STATUS'):#x}"
            )
        await ClockCycles(self._dut.aclk, self.case["settle_cycles"])
        assert self.sink.empty(), f"a packet came that belongs to no good frame: {bytes(self.sink.recv_nowait().tdata).hex()}"

    def stall(self) -> None:
        """Let every side pause at random from now on."""
        b = self.bus
        channels = (b.write_if.aw_channel, b.write_if.w_channel, b.write_if.b_channel, b.read_if.ar_channel, b.read_if.r_channel)
        for side in (self.source, self.sink, *channels):
            cocotb.start_soon(self._pause(side, Random(self.random.random())))  # noqa: S311

    async def _pause(self, side: Any, random: Random) -> None:
        for paused, cycles in groupby(pauses(random)):
            side.pause = paused
            await Timer(sum(1 for _ in cycles) * self._period, "step")

    def packet(self, frame: bytes, kind: str) -> AxiStreamFrame:
        """A packet made from a frame: as it is, too short, too long, or with null bytes in it."""
        random = self.random
        match kind:
            case "short":
                return AxiStreamFrame(frame[: random.choice((1, len(frame) // 2, len(frame) - 1, random.randrange(1, len(frame))))])
            case "long":
                return AxiStreamFrame(frame + random.randbytes(random.choice((1, 3, len(frame), random.randrange(1, len(frame))))))
            case "empty":
                return AxiStreamFrame(b"\0", tkeep=[0])
            case "holes":
                data, keep = bytearray(), []
                for byte in frame:
                    while random.random() < 0.2:
                        data.append(random.randrange(256))
                        keep.append(0)
                    data.append(byte)
                    keep.append(1)
                for _ in range(random.randrange(20)):
                    data.append(0)
                    keep.append(0)
                return AxiStreamFrame(data, tkeep=keep)
        return AxiStreamFrame(frame)

    def report(self, cycles: int) -> None:
        """Keep what was measured."""
        path = Path(os.environ["FIREBRICK_RESULT"])
        measured = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps(measured | {self._name: {"cycles": cycles}}))
