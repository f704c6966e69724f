# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The serial line: bytes there and back, frames in and scores out."""

from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator
from streams import watch

from firebrick.hw.uart import SCORE_BYTES, UartLink, UartReceiver, UartTransmitter
from firebrick.sw.spec import AverageSpec
from firebrick.sw.strips import Strips

DIVISOR = 5
AVERAGE = AverageSpec("pool", Strips.natural(lanes=1, tiles=2, width=2), channels=3, height=30)


async def send(ctx: Any, line: Any, byte: int, *, divisor: int = DIVISOR, stop: int = 1) -> None:
    for bit in (0, *(byte >> place & 1 for place in range(8)), stop):
        ctx.set(line, bit)
        await ctx.tick().repeat(divisor)
    ctx.set(line, 1)


async def receive(ctx: Any, line: Any, count: int) -> list[int]:
    """Bytes as a far end sees them, sampled in the middle of each bit."""
    found = []
    for _ in range(count):
        while ctx.get(line):
            await ctx.tick()
        await ctx.tick().repeat(DIVISOR // 2 - 1)
        bits = []
        for place in range(10):
            await ctx.tick().repeat(DIVISOR if place else 1)
            bits.append(ctx.get(line))
        assert (bits[0], bits[9]) == (0, 1)
        found.append(sum(bit << place for place, bit in enumerate(bits[1:9])))
    return found




def listen(receiver: UartReceiver, heard: list[int]) -> Any:
    async def process(ctx: Any) -> None:
        while True:
            _, _, valid, payload = await ctx.tick().sample(receiver.output.valid, receiver.output.payload)
            if valid:
                heard.append(payload)

    return process


@pytest.mark.parametrize("idle", [0, 1, 13])
def test_receiver_takes_every_byte(idle: int) -> None:
    receiver, heard = UartReceiver(divisor=DIVISOR), list[int]()
    sent = [0, 255, 0x55, 0xAA, 1, 128]

    async def bench(ctx: Any) -> None:
        ctx.set(receiver.line, 1)
        await ctx.tick().repeat(20)
        for byte in sent:
            await send(ctx, receiver.line, byte)
            for _ in range(idle):
                await ctx.tick()
        await ctx.tick().repeat(20)

    simulator = Simulator(receiver)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.add_testbench(listen(receiver, heard), background=True)
    simulator.run()
    assert heard == sent


def test_receiver_drops_bytes_without_stop_bit_and_short_dips() -> None:
    receiver, heard = UartReceiver(divisor=8), list[int]()

    async def bench(ctx: Any) -> None:
        ctx.set(receiver.line, 1)
        await ctx.tick().repeat(20)
        ctx.set(receiver.line, 0)
        await ctx.tick().repeat(2)
        ctx.set(receiver.line, 1)
        await ctx.tick().repeat(100)
        await send(ctx, receiver.line, 0x3C, divisor=8, stop=0)
        await ctx.tick().repeat(200)
        await send(ctx, receiver.line, 0x42, divisor=8)
        await ctx.tick().repeat(20)

    simulator = Simulator(receiver)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.add_testbench(listen(receiver, heard), background=True)
    simulator.run()
    assert heard[-1] == 0x42
    assert 0x3C not in heard


def test_transmitter_sends_every_byte() -> None:
    transmitter = UartTransmitter(divisor=DIVISOR)
    sent = [0, 255, 0x55, 0x81]

    async def source(ctx: Any) -> None:
        await ctx.tick().repeat(3)
        for byte in sent:
            ctx.set(transmitter.input.payload, byte)
            ctx.set(transmitter.input.valid, 1)
            await ctx.tick().until(transmitter.input.ready)
        ctx.set(transmitter.input.valid, 0)

    async def bench(ctx: Any) -> None:
        assert await receive(ctx, transmitter.line, len(sent)) == sent

    simulator = Simulator(transmitter)
    simulator.add_clock(1e-6)
    simulator.add_testbench(source, background=True)
    simulator.add_testbench(bench)
    simulator.run()


def test_link_carries_frames_in_and_scores_out() -> None:
    link = UartLink(average=AVERAGE, divisor=DIVISOR)
    rng = np.random.default_rng(0)
    frame = [int(byte) for byte in rng.integers(0, 256, 9)]
    scores = [int(score) for score in rng.integers(0, 1 << AVERAGE.score_bits, 3)]
    taken: list[int] = []

    async def host(ctx: Any) -> None:
        ctx.set(link.rx, 1)
        await ctx.tick().repeat(20)
        for byte in frame:
            await send(ctx, link.rx, byte)

    async def accelerator(ctx: Any) -> None:
        ctx.set(link.frames.ready, 1)
        while len(taken) < len(frame):
            _, _, valid, payload = await ctx.tick().sample(link.frames.valid, link.frames.payload)
            if valid:
                taken.append(payload)
        for score in scores:
            ctx.set(link.scores.payload.score, score)
            ctx.set(link.scores.valid, 1)
            await ctx.tick().until(link.scores.ready)
        ctx.set(link.scores.valid, 0)

    async def bench(ctx: Any) -> None:
        heard = bytes(await receive(ctx, link.tx, SCORE_BYTES * len(scores)))
        found = [int.from_bytes(heard[place : place + SCORE_BYTES], "little") for place in range(0, len(heard), SCORE_BYTES)]
        assert found == scores

    simulator = Simulator(link)
    simulator.add_clock(1e-6)
    watch(simulator, link.frames, "frames")
    simulator.add_testbench(host, background=True)
    simulator.add_testbench(accelerator, background=True)
    simulator.add_testbench(bench)
    simulator.run()
    assert taken == frame


@pytest.mark.parametrize("kind", [UartReceiver, UartTransmitter])
def test_uart_rejects_too_few_cycles_a_bit(kind: Any) -> None:
    with pytest.raises(ValueError, match="divisor must be at least 4 cycles a bit, not 3"):
        kind(divisor=3)
