# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The one cocotb bench: any component with one input and one output stream, under every mixture of stalls.

It runs inside the simulator. FIREBRICK_CASE names a JSON file with ``inputs`` and ``outputs`` (payloads in hexadecimal), ``hang_cycles``,
``settle_cycles`` and ``fast``, whether there is a clock of fast lanes; measurements are written to FIREBRICK_RESULT.

The bench changes signals only at the falling edge of the clock and samples them once they have settled, well before the rising edge at
which the design does. So nothing depends on the order in which a simulator handles events.
"""

import json
import os
from pathlib import Path
from random import Random

import cocotb
from cocotb.clock import Clock
from cocotb.handle import HierarchyObject, LogicArrayObject, LogicObject
from cocotb.triggers import FallingEdge, ReadOnly, Timer

from firebrick.sim.stream_contract import StreamContract

STALL_PROBABILITY = 0.6
"""Probability that a stalling side pauses in a cycle."""
LONG_PAUSE_RATE = 4
"""Expected number of long pauses that begin in the duration of the longest one."""
LONG_PAUSE_PAYLOADS = 20
"""Duration of the longest pause, in payloads at the rate without stalls: even FIFOs of slow components fill up or run dry."""


class Stalls:
    """Decides in which cycles one side of a stream pauses."""

    def __init__(self, stalling: bool, seed: str, longest: int) -> None:
        self._random = Random(seed) if stalling else None  # noqa: S311 - stalls that a seed repeats
        self._longest = longest
        self._left = 0

    def pause(self) -> bool:
        """Whether to pause in this cycle."""
        if self._random is None:
            return False
        if self._left:
            self._left -= 1
            return True
        if self._random.random() < LONG_PAUSE_RATE / self._longest:
            self._left = self._random.randrange(self._longest)
        return self._random.random() < STALL_PROBABILITY


class Port:
    """The signals of one stream in the Verilog, with a monitor of the stream contract."""

    def __init__(self, dut: HierarchyObject, name: str) -> None:
        self.valid: LogicObject = dut[f"{name}__valid"]  # type: ignore[assignment]
        self.ready: LogicObject = dut[f"{name}__ready"]  # type: ignore[assignment]
        self.payload: LogicArrayObject = dut[f"{name}__payload"]  # type: ignore[assignment]
        self.contract = StreamContract(name)

    def sample(self) -> int | None:
        """The payload that the coming rising edge transfers, if any."""
        valid, ready, payload = int(self.valid.value), int(self.ready.value), int(self.payload.value)
        self.contract.observe(valid, ready, payload)
        return payload if valid and ready else None


class StreamSource:
    """Sends payloads; keeps to the contract by not pausing once it has offered one."""

    def __init__(self, port: Port, payloads: list[int], stalls: Stalls) -> None:
        self._port = port
        self._payloads = payloads
        self._stalls = stalls
        self._offered: int | None = None
        self.sent = 0

    def drive(self) -> None:
        """Sets the signals of the coming cycle."""
        if self.sent < len(self._payloads) and self._offered is None and not self._stalls.pause():
            self._offered = self._payloads[self.sent]
            self._port.payload.value = self._offered
            self._port.valid.value = 1
        elif self._offered is None:
            self._port.valid.value = 0

    def sample(self) -> bool:
        """Whether the payload is taken in this cycle."""
        taken = self._port.sample() is not None
        if taken:
            self._offered = None
            self.sent += 1
        return taken


class StreamSink:
    """Takes payloads and compares each with the expected one."""

    def __init__(self, port: Port, expected: list[int], stalls: Stalls) -> None:
        self._port = port
        self._expected = expected
        self._stalls = stalls
        self.taken = 0

    def drive(self) -> None:
        """Sets the signals of the coming cycle."""
        self._port.ready.value = not self._stalls.pause()

    def sample(self) -> bool:
        """Whether a payload comes in this cycle. Raises AssertionError when it is not the expected one."""
        payload = self._port.sample()
        if payload is None:
            return False
        assert self.taken < len(self._expected), f"payload {payload:#x} came after all {self.taken} that were expected"
        expected = self._expected[self.taken]
        assert payload == expected, f"payload {self.taken} of {len(self._expected)} is {payload:#x} instead of {expected:#x}"
        self.taken += 1
        return True


@cocotb.test()
@cocotb.parametrize(stalls=["none", "source", "sink", "both"])
async def bench(dut: HierarchyObject, stalls: str) -> None:
    """Sends all payloads and expects exactly the expected ones, without hanging."""
    case = json.loads(Path(os.environ["FIREBRICK_CASE"]).read_text())
    inputs, outputs = ([int(payload, 16) for payload in case[name]] for name in ("inputs", "outputs"))
    free = _measured().get("none", {"cycles": 0})["cycles"]
    pauses = [
        min(LONG_PAUSE_PAYLOADS + LONG_PAUSE_PAYLOADS * free // len(payloads), case["hang_cycles"] // 4) for payloads in (inputs, outputs)
    ]
    source = StreamSource(Port(dut, "input"), inputs, Stalls(stalls in ("source", "both"), f"source {stalls}", pauses[0]))
    sink = StreamSink(Port(dut, "output"), outputs, Stalls(stalls in ("sink", "both"), f"sink {stalls}", pauses[1]))
    clk: LogicObject = dut["clk"]  # type: ignore[assignment]
    rst: LogicObject = dut["rst"]  # type: ignore[assignment]
    rst.value = 1
    dut["input__valid"].value = 0  # type: ignore[attr-defined]
    dut["output__ready"].value = 0  # type: ignore[attr-defined]
    if case["fast"]:
        cocotb.start_soon(_drive_clocks(clk, dut["fast_clk"]))  # type: ignore[arg-type]
    else:
        Clock(clk, 2, unit="step").start(start_high=False)
    edge = FallingEdge(clk)
    await edge
    await edge
    rst.value = 0
    await edge  # the reset goes through a flip-flop
    cycle = idle = first = done = 0
    while not done or cycle < done + case["settle_cycles"]:
        source.drive()
        sink.drive()
        await ReadOnly()
        moved = source.sample() | sink.sample()
        idle = 0 if moved or done else idle + 1
        cycle += 1
        first = first or (cycle if sink.taken else 0)
        if not done and source.sent == len(inputs) and sink.taken == len(outputs):
            done = cycle
        progress = f"{source.sent} of {len(inputs)} payloads went in and {sink.taken} of {len(outputs)} came out"
        assert idle < case["hang_cycles"], f"nothing moved for {idle} cycles; in cycle {cycle}, {progress}"
        await edge
    _report(stalls, {"cycles": done, "first": first})


async def _drive_clocks(clk: LogicObject, fast_clk: LogicObject) -> None:
    """Both clocks, set at the same time: at each edge of ``clk`` there is a rising edge of ``fast_clk``."""
    while True:
        for slow, fast in ((0, 1), (0, 0), (1, 1), (1, 0)):
            clk.value = slow
            fast_clk.value = fast
            await Timer(1, "step")


def _measured() -> dict[str, dict[str, int]]:
    """The measurements of earlier tests."""
    path = Path(os.environ["FIREBRICK_RESULT"])
    measured: dict[str, dict[str, int]] = json.loads(path.read_text()) if path.exists() else {}
    return measured


def _report(stalls: str, measured: dict[str, int]) -> None:
    Path(os.environ["FIREBRICK_RESULT"]).write_text(json.dumps(_measured() | {stalls: measured}))
