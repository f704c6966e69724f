# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The serial line: bytes in both directions, at any baud rate; breaks; latencies."""

from typing import Any

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from firebrick.hw.link.endpoint import LinkEndpoint
from firebrick.hw.link.uart import BITS_PER_BYTE, BreakDetector, UartPort, UartReceiver, UartTransmitter
from firebrick.sw.link.identity import DeviceDescriptor
from firebrick.sw.link.packets import INITIAL_WINDOW, WINDOW_FIELD, Packet, PacketKind, decode_packet
from firebrick.sw.plan.lane_layout import LaneLayout
from firebrick.sw.plan.nodes import GlobalSumSpec

DIVISOR = 5
DEFAULT_DIVISOR = 16
GLOBAL_SUM = GlobalSumSpec("pool", LaneLayout.natural(lanes=1, tiles=2, width=2), channels=3, height=30)
DESCRIPTOR = DeviceDescriptor(1, 2, 2, 3, 2, 1_000_000, 1, 100, bytes(16), "none")


async def send(ctx: Any, line: Any, byte: int, *, divisor: int = DIVISOR, stop: int = 1) -> None:
    for bit in (0, *(byte >> index & 1 for index in range(8)), stop):
        ctx.set(line, bit)
        await ctx.tick().repeat(divisor)
    ctx.set(line, 1)


async def receive(ctx: Any, line: Any, count: int, *, divisor: int = DIVISOR) -> list[int]:
    """Bytes as the other end receives them, sampled in the middle of each bit."""
    received = []
    for _ in range(count):
        while ctx.get(line):
            await ctx.tick()
        await ctx.tick().repeat(divisor // 2 - 1)
        bits = []
        for index in range(BITS_PER_BYTE):
            await ctx.tick().repeat(divisor if index else 1)
            bits.append(ctx.get(line))
        assert (bits[0], bits[9]) == (0, 1)
        received.append(sum(bit << index for index, bit in enumerate(bits[1:9])))
    return received


def collect(receiver: UartReceiver, received: list[int]) -> Any:
    async def process(ctx: Any) -> None:
        while True:
            _, _, valid, payload = await ctx.tick().sample(receiver.output.valid, receiver.output.payload)
            if valid:
                received.append(payload)

    return process


@pytest.mark.parametrize("idle", [0, 1, 13])
def test_receiver_takes_every_byte(idle: int) -> None:
    receiver, received = UartReceiver(), list[int]()
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
    simulator.add_testbench(collect(receiver, received), background=True)
    simulator.run()
    assert received == sent


def test_receiver_drops_bytes_without_stop_bit_and_glitches() -> None:
    receiver, received = UartReceiver(), list[int]()

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
    simulator.add_testbench(collect(receiver, received), background=True)
    simulator.run()
    assert received[-1] == 0x42
    assert 0x3C not in received


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


def test_break_detector_detects_zero_bytes_at_the_default_rate_only() -> None:
    default, fast = 16, 8
    detector, breaks = BreakDetector(divisor=default), list[int]()

    async def count(ctx: Any) -> None:
        while True:
            _, _, detected = await ctx.tick().sample(detector.detected)
            breaks.append(detected)

    async def bench(ctx: Any) -> None:
        ctx.set(detector.line, 1)
        await ctx.tick().repeat(20)
        for byte in (0, 0, 0xFF, 0x80, 0x01):
            await send(ctx, detector.line, byte, divisor=fast)
        for byte in (0xFF, 0x01, 0x55):
            await send(ctx, detector.line, byte, divisor=default)
        await ctx.tick().repeat(20)
        assert sum(breaks) == 0
        for expected in (1, 2):
            await send(ctx, detector.line, 0, divisor=default)
            await ctx.tick().repeat(3 * default)
            assert sum(breaks) == expected

    simulator = Simulator(detector)
    simulator.add_clock(1e-6)
    simulator.add_testbench(count, background=True)
    simulator.add_testbench(bench)
    simulator.run()


class Board(wiring.Component):
    """The endpoint behind a serial line; no accelerator answers."""

    rx: Signal
    tx: Signal

    def __init__(self) -> None:
        super().__init__({"rx": In(1, init=1), "tx": Out(1)})  # type: ignore[call-arg]

    def elaborate(self, platform: object) -> Module:  # noqa: ARG002
        m = Module()
        m.submodules.port = port = UartPort(divisor=DEFAULT_DIVISOR)
        m.submodules.link = link = LinkEndpoint(global_sum=GLOBAL_SUM, descriptor=DESCRIPTOR, divisor=DEFAULT_DIVISOR)
        wiring.connect(m, port.received, link.received)
        wiring.connect(m, link.sent, port.sent)
        m.d.comb += [port.rx.eq(self.rx), self.tx.eq(port.tx), port.divisor.eq(link.divisor), link.baud_reset.eq(port.baud_reset)]
        return m


def test_baud_rate_changes_by_a_packet_and_back_by_a_break() -> None:
    """Request and answer at the default rate, at a faster one, and at the default rate again, bit by bit."""
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
        assert await ask(ctx, Packet(PacketKind.OPEN, 5, 0), DEFAULT_DIVISOR, DEFAULT_DIVISOR) == status
        assert await ask(ctx, Packet(PacketKind.RATE, 5, DIVISOR), DEFAULT_DIVISOR, DIVISOR) == status
        assert await ask(ctx, Packet(PacketKind.POLL, 5, 0), DIVISOR, DIVISOR) == status
        for _ in range(4):
            await send(ctx, board.rx, 0, divisor=DEFAULT_DIVISOR)
        await ctx.tick().repeat(150 * DEFAULT_DIVISOR)  # the first of them is noise at the fast rate, and is answered by NAK
        assert await ask(ctx, Packet(PacketKind.POLL, 5, 0), DEFAULT_DIVISOR, DEFAULT_DIVISOR) == status

    simulator = Simulator(board)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize("divisor", [4, 5, 30])
def test_uart_has_the_latencies_that_it_states(divisor: int) -> None:
    receiver, transmitter, detector = UartReceiver(), UartTransmitter(), BreakDetector(divisor=divisor)

    async def bench_receiver(ctx: Any) -> None:
        ctx.set(receiver.divisor, divisor)
        ctx.set(receiver.line, 1)
        await ctx.tick().repeat(20)
        for cycle in range(2000):
            ctx.set(receiver.line, int(cycle >= divisor))  # the byte 255: only the start bit is low
            if ctx.get(receiver.output.valid):
                break
            await ctx.tick()
        assert cycle == UartReceiver.latency(divisor)

    async def bench_transmitter(ctx: Any) -> None:
        ctx.set(transmitter.divisor, divisor)
        await ctx.tick().repeat(3)
        ctx.set(transmitter.input.valid, 1)
        assert ctx.get(transmitter.input.ready)
        await ctx.tick().repeat(UartTransmitter.LATENCY)
        assert ctx.get(transmitter.line) == 0
        cycle = UartTransmitter.LATENCY
        while not ctx.get(transmitter.input.ready):
            await ctx.tick()
            cycle += 1
        assert cycle == UartTransmitter.cycles_per_byte(divisor)

    async def bench_detector(ctx: Any) -> None:
        ctx.set(detector.line, 1)
        await ctx.tick().repeat(20)
        ctx.set(detector.line, 0)
        await ctx.tick().repeat(detector.latency - 1)
        assert not ctx.get(detector.detected)
        await ctx.tick()
        assert ctx.get(detector.detected)

    for component, bench in ((receiver, bench_receiver), (transmitter, bench_transmitter), (detector, bench_detector)):
        simulator = Simulator(component)
        simulator.add_clock(1e-6)
        simulator.add_testbench(bench)
        simulator.run()
