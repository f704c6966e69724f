# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The serial line: bytes there and back, at any rate."""

from typing import Any

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from firebrick.hw.link.endpoint import LinkEndpoint
from firebrick.hw.link.uart import BreakDetector, UartPort, UartReceiver, UartTransmitter
from firebrick.sw.link.identity import DeviceDescriptor
from firebrick.sw.link.packets import INITIAL_WINDOW, WINDOW_FIELD, Packet, PacketKind, decode_packet
from firebrick.sw.plan.lane_layout import LaneLayout
from firebrick.sw.plan.nodes import GlobalSumSpec

DIVISOR = 5
SLOW = 16
GLOBAL_SUM = GlobalSumSpec("pool", LaneLayout.natural(lanes=1, tiles=2, width=2), channels=3, height=30)
DESCRIPTOR = DeviceDescriptor(1, 2, 2, 3, 2, 1_000_000, 1, 100, bytes(16), "none")


async def send(ctx: Any, line: Any, byte: int, *, divisor: int = DIVISOR, stop: int = 1) -> None:
    for bit in (0, *(byte >> place & 1 for place in range(8)), stop):
        ctx.set(line, bit)
        await ctx.tick().repeat(divisor)
    ctx.set(line, 1)


async def receive(ctx: Any, line: Any, count: int, *, divisor: int = DIVISOR) -> list[int]:
    """Bytes as a far end sees them, sampled in the middle of each bit."""
    found = []
    for _ in range(count):
        while ctx.get(line):
            await ctx.tick()
        await ctx.tick().repeat(divisor // 2 - 1)
        bits = []
        for place in range(10):
            await ctx.tick().repeat(divisor if place else 1)
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
    receiver, heard = UartReceiver(), list[int]()
    sent = [0, 255, 0x55, 0xAA, 1, 128]

    async def bench(ctx: Any) -> None:
        ctx.set(receiver.divisor, DIVISOR)
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
    receiver, heard = UartReceiver(), list[int]()

    async def bench(ctx: Any) -> None:
        ctx.set(receiver.divisor, 8)
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
    transmitter = UartTransmitter()
    sent = [0, 255, 0x55, 0x81]

    async def source(ctx: Any) -> None:
        ctx.set(transmitter.divisor, DIVISOR)
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


def test_slow_zero_is_heard_among_faster_bytes_and_nothing_else() -> None:
    slow, fast = 16, 8
    detector, heard = BreakDetector(divisor=slow), list[int]()

    async def count(ctx: Any) -> None:
        while True:
            _, _, found = await ctx.tick().sample(detector.heard)
            heard.append(found)

    async def bench(ctx: Any) -> None:
        ctx.set(detector.line, 1)
        await ctx.tick().repeat(20)
        for byte in (0, 0, 0xFF, 0x80, 0x01):
            await send(ctx, detector.line, byte, divisor=fast)
        for byte in (0xFF, 0x01, 0x55):
            await send(ctx, detector.line, byte, divisor=slow)
        await ctx.tick().repeat(20)
        assert sum(heard) == 0
        for expected in (1, 2):
            await send(ctx, detector.line, 0, divisor=slow)
            await ctx.tick().repeat(3 * slow)
            assert sum(heard) == expected

    simulator = Simulator(detector)
    simulator.add_clock(1e-6)
    simulator.add_testbench(count, background=True)
    simulator.add_testbench(bench)
    simulator.run()


class Board(wiring.Component):
    """The link behind a serial line; its accelerator never answers."""

    rx: Signal
    tx: Signal

    def __init__(self) -> None:
        super().__init__({"rx": In(1, init=1), "tx": Out(1)})  # type: ignore[call-arg]

    def elaborate(self, platform: object) -> Module:  # noqa: ARG002
        m = Module()
        m.submodules.port = port = UartPort(divisor=SLOW)
        m.submodules.link = link = LinkEndpoint(global_sum=GLOBAL_SUM, descriptor=DESCRIPTOR, divisor=SLOW)
        wiring.connect(m, port.received, link.received)
        wiring.connect(m, link.sent, port.sent)
        m.d.comb += [port.rx.eq(self.rx), self.tx.eq(port.tx), port.divisor.eq(link.divisor), link.slow.eq(port.slow)]
        return m


def test_rate_is_agreed_on_and_given_up_for_a_slow_zero() -> None:
    """Question and answer at the first rate, at a faster one, and at the first again, bit by bit."""
    board = Board()

    async def ask(ctx: Any, packet: Packet, divisor: int, answer_divisor: int) -> Packet:
        for byte in packet.encode():
            await send(ctx, board.rx, byte, divisor=divisor)
        wire = bytearray()
        while not wire or wire[-1]:
            wire += bytes(await receive(ctx, board.tx, 1, divisor=answer_divisor))
        return decode_packet(bytes(wire[:-1]))

    async def bench(ctx: Any) -> None:
        await ctx.tick().repeat(20)
        status = Packet(PacketKind.STATUS, 5, 0, WINDOW_FIELD.pack(INITIAL_WINDOW))
        assert await ask(ctx, Packet(PacketKind.OPEN, 5, 0), SLOW, SLOW) == status
        assert await ask(ctx, Packet(PacketKind.RATE, 5, DIVISOR), SLOW, DIVISOR) == status
        assert await ask(ctx, Packet(PacketKind.POLL, 5, 0), DIVISOR, DIVISOR) == status
        for _ in range(4):
            await send(ctx, board.rx, 0, divisor=SLOW)
        await ctx.tick().repeat(150 * SLOW)  # the first of them was noise, and is answered
        assert await ask(ctx, Packet(PacketKind.POLL, 5, 0), SLOW, SLOW) == status

    simulator = Simulator(board)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
