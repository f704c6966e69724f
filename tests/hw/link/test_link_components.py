# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The blocks of the link, each against its specification in Python, with stalls, and with the latency that it states.

The oracles of framing and packets are the `cobs` package and ``sw/link/packets.py``, which the host uses.
"""

import zlib
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Value
from amaranth.sim import Simulator
from cobs import cobs

from firebrick.hw.link.cobs import CobsDecoder, CobsEncoder
from firebrick.hw.link.counters import Counters
from firebrick.hw.link.frame_feeder import FrameFeeder
from firebrick.hw.link.packet_buffer import PacketBuffer
from firebrick.hw.link.packet_receiver import PacketReceiver
from firebrick.hw.link.packet_transmitter import PacketTransmitter
from firebrick.hw.link.score_buffer import ScoreBuffer
from firebrick.sw.errors import FirebrickError
from firebrick.sw.link.packets import COUNTER_NAMES, CRC, INITIAL_WINDOW, WINDOW_FIELD, Packet, PacketKind, decode_packet
from firebrick.sw.plan.lane_layout import LaneLayout
from firebrick.sw.plan.nodes import GlobalSumSpec
from tests.helpers.streams import simulate, watch

GLOBAL_SUM = GlobalSumSpec("pool", LaneLayout.natural(lanes=1, tiles=2, width=2), channels=3, height=30)


def run(component: Any, bench: Any, *background: Any) -> None:
    simulator = Simulator(component)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    for process in background:
        simulator.add_testbench(process, background=True)
    simulator.run()


def random_bodies(rng: np.random.Generator, max_bytes: int) -> list[bytes]:
    """Packets with the difficult cases of COBS: no zeros, zeros only, blocks of the maximum length."""
    bodies = [b"\0", b"\1", b"\0\0", bytes(max_bytes), b"\xff" * max_bytes]
    bodies += [rng.choice([0, 1, 255], int(rng.integers(1, max_bytes))).astype(np.uint8).tobytes() for _ in range(3)]
    bodies += [rng.integers(1, 256, size, dtype=np.uint8).tobytes() for size in (253, 254, 255, 508, 509) if size <= max_bytes]
    return bodies


@pytest.mark.parametrize("seed", range(3))
def test_cobs_decoder_agrees_with_the_library_on_valid_and_on_damaged_packets(seed: int) -> None:
    rng = np.random.default_rng(seed)
    wires = [cobs.encode(body) for body in random_bodies(rng, 600)]
    wires += [rng.integers(1, 256, int(rng.integers(1, 300)), dtype=np.uint8).tobytes() for _ in range(4)]
    rng.shuffle(wires)
    expected: list[bytes | None] = []
    for wire in wires:
        try:
            expected.append(cobs.decode(wire))
        except cobs.DecodeError:
            expected.append(None)
    decoder, decoded, body = CobsDecoder(), list[bytes | None](), bytearray()

    async def bench(ctx: Any) -> None:
        for byte in b"\0".join(wires) + b"\0\0\0":
            ctx.set(decoder.input.valid, 0)
            while rng.random() < 0.1:
                await step(ctx)
            ctx.set(decoder.input.valid, 1)
            ctx.set(decoder.input.payload, byte)
            await step(ctx)
        ctx.set(decoder.input.valid, 0)
        await step(ctx)

    async def step(ctx: Any) -> None:
        await ctx.tick()
        if ctx.get(decoder.output.valid):
            payload = ctx.get(decoder.output.payload)
            if payload.end:
                decoded.append(bytes(body) if payload.framing_valid else None)
                body.clear()
            else:
                body.append(payload.byte)

    run(decoder, bench)
    assert decoded == expected


@pytest.mark.parametrize("stall", [0.0, 0.5])
@pytest.mark.parametrize("max_bytes", [1, 20, 253])
def test_cobs_encoder_agrees_with_the_library(max_bytes: int, stall: float) -> None:
    rng = np.random.default_rng(max_bytes)
    bodies = [body for body in random_bodies(rng, max_bytes + 1) if len(body) <= max_bytes]
    sent = [beat for body in bodies for beat in (*body, 1 << 8)]
    expected = b"".join(cobs.encode(body) + b"\0" for body in bodies)
    taken, _ = simulate(CobsEncoder(max_bytes=max_bytes), {"input": sent}, {"output": len(expected)}, rng=rng, stall=stall)
    assert bytes(taken["output"]) == expected


@pytest.mark.parametrize("max_bytes", [0, 254])
def test_cobs_encoder_rejects_packets_of_more_than_a_block(max_bytes: int) -> None:
    with pytest.raises(ValueError, match=f"max_bytes must be 1 to 253, not {max_bytes}"):
        CobsEncoder(max_bytes=max_bytes)


@pytest.mark.parametrize("seed", range(3))
def test_receiver_accepts_what_the_software_accepts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    wires, expected = list[bytes](), list[Packet | None]()
    for _ in range(25):
        kind, session, sequence = (int(field) for field in rng.integers(0, (256, 65536, 65536)))
        packet = Packet(kind, session, sequence, rng.bytes(int(rng.integers(0, 30))))
        wire = bytearray(packet.encode()[:-1])
        if rng.random() < 0.5:
            wire[int(rng.integers(len(wire)))] ^= int(rng.integers(1, 256))
        if rng.random() < 0.2:
            del wire[int(rng.integers(len(wire))) :]
        for part in bytes(wire).split(b"\0"):
            wires.append(part)
            if part:
                try:
                    expected.append(decode_packet(part))
                except FirebrickError:
                    expected.append(None)
    receiver, received, payload = PacketReceiver(), list[Packet | None](), bytearray()

    async def bench(ctx: Any) -> None:
        for byte in b"\0".join(wires) + b"\0\0\0":
            ctx.set(receiver.input.valid, 1)
            ctx.set(receiver.input.payload, byte)
            await ctx.tick()
            if ctx.get(receiver.write):
                payload.append(ctx.get(receiver.byte))
            if ctx.get(receiver.end):
                header = ctx.get(receiver.header)
                assert not ctx.get(receiver.valid) or ctx.get(receiver.empty) == (len(payload) == CRC.size)
                valid = ctx.get(receiver.valid)
                received.append(Packet(header.kind, header.session, header.sequence, bytes(payload[: -CRC.size])) if valid else None)
                payload.clear()

    run(receiver, bench)
    assert received == expected


@pytest.mark.parametrize("seed", range(4))
def test_buffer_outputs_the_bytes_of_kept_packets_only(seed: int) -> None:
    rng = np.random.default_rng(seed)
    depth, buffer = 32, PacketBuffer(depth=32)
    kept, given, drained = bytearray(), bytearray(), list[int]()
    stall = rng.uniform(0, 0.9)

    async def bench(ctx: Any) -> None:
        for number in range(120):
            if number == 60:  # a new session
                ctx.set(buffer.clear, 1)
                await step(ctx, idle=True)
                ctx.set(buffer.clear, 0)
                kept[:] = given[:]
            size = int(rng.integers(1, 24))
            packet = rng.bytes(size)
            free_space = ctx.get(buffer.free_space)
            assert free_space >= depth - 1 - CRC.size - (len(kept) - len(given)) - 1
            for byte in packet + bytes(CRC.size):
                ctx.set(buffer.byte, byte)
                ctx.set(buffer.write, 1)
                await step(ctx)
            ctx.set(buffer.write, 0)
            fits = not ctx.get(buffer.overflow)
            assert fits or size > free_space
            keep = fits and rng.random() < 0.7
            if keep:
                kept.extend(packet)
            ctx.set(buffer.keep if keep else buffer.drop, 1)
            await step(ctx)
            ctx.set(buffer.keep, 0)
            ctx.set(buffer.drop, 0)
        for _ in range(1000):
            await step(ctx)
        assert drained[-1] == len(kept)
        assert ctx.get(buffer.free_space) == depth - 1 - CRC.size

    async def step(ctx: Any, *, idle: bool = False) -> None:
        ready = int(not idle and rng.random() >= stall)
        ctx.set(buffer.output.ready, ready)
        if ctx.get(buffer.output.valid) and ready:
            given.append(ctx.get(buffer.output.payload))
        if ctx.get(buffer.drained):
            drained.append(len(given) + ctx.get(buffer.output.valid) * (not ready))
        await ctx.tick()

    run(buffer, bench)
    assert given == kept


def test_buffer_rejects_a_depth_that_is_no_power_of_two() -> None:
    with pytest.raises(ValueError, match="depth must be a power of two, at least 16, not 24"):
        PacketBuffer(depth=24)


@pytest.mark.parametrize("frame_bytes", [1, 5, 12])
def test_feeder_completes_a_frame_with_zeros_and_marks_it_stale(frame_bytes: int) -> None:
    rng = np.random.default_rng(frame_bytes)
    feeder, taken = FrameFeeder(frame_bytes=frame_bytes), list[int]()
    frames: list[tuple[bytes, bool]] = []

    async def accelerator(ctx: Any) -> None:
        """Takes bytes at its own rate, and finishes each frame some time later."""
        finished = 0
        while True:
            ctx.set(feeder.output.ready, int(rng.random() < 0.7))
            ends = finished < len(taken) // frame_bytes and rng.random() < 0.3
            ctx.set(feeder.finished, int(ends))
            _, _, valid, payload, stale, ready = await ctx.tick().sample(
                feeder.output.valid, feeder.output.payload, feeder.stale, feeder.output.ready
            )
            if ends:
                frames.append((bytes(taken[finished * frame_bytes : (finished + 1) * frame_bytes]), bool(stale)))
                finished += 1
            if valid and ready:
                taken.append(payload)

    expected: list[tuple[bytes, bool]] = []

    async def bench(ctx: Any) -> None:
        for _ in range(8):
            size = int(rng.integers(0, 4 * frame_bytes))
            data = rng.integers(1, 256, size, dtype=np.uint8).tobytes()
            for byte in data:
                ctx.set(feeder.input.payload, byte)
                ctx.set(feeder.input.valid, 1)
                await ctx.tick().until(feeder.input.ready)
                ctx.set(feeder.input.valid, 0)
            before = len(frames)
            if rng.random() < 0.5:
                await ctx.tick().repeat(frame_bytes * 12)
                before = len(frames)
            ctx.set(feeder.restart, 1)
            await ctx.tick()
            ctx.set(feeder.restart, 0)
            whole = [data[offset : offset + frame_bytes].ljust(frame_bytes, b"\0") for offset in range(0, size, frame_bytes)]
            expected.extend((frame, False) for frame in whole)
            await ctx.tick().repeat(10 * frame_bytes + 60)
            assert [frame for frame, _ in frames] == [frame for frame, _ in expected]
            assert all(stale for _, stale in frames[before + 1 :]), "frames that were not finished before the session are stale"
            if size % frame_bytes:
                assert frames[-1][1]

    simulator = Simulator(feeder)
    simulator.add_clock(1e-6)
    watch(simulator, feeder.output, "output")
    simulator.add_testbench(accelerator, background=True)
    simulator.add_testbench(bench)
    simulator.run()


def test_score_buffer_keeps_a_frame_and_stalls_the_next_one() -> None:
    buffer, rng = ScoreBuffer(global_sum=GLOBAL_SUM), np.random.default_rng(0)
    frames = rng.integers(0, 1 << GLOBAL_SUM.score_bits, (4, GLOBAL_SUM.channels)).tolist()
    stale = [False, True, False, False]
    kept: list[list[int]] = []

    async def source(ctx: Any) -> None:
        for frame, old in zip(frames, stale, strict=True):
            for index, score in enumerate(frame):
                ctx.set(buffer.stale, int(old))
                ctx.set(Value.cast(buffer.input.payload), score | (index == GLOBAL_SUM.channels - 1) << GLOBAL_SUM.score_bits)
                ctx.set(buffer.input.valid, 1)
                await ctx.tick().until(buffer.input.ready)
        ctx.set(buffer.input.valid, 0)

    async def bench(ctx: Any) -> None:
        for _ in range(stale.count(False)):
            await ctx.tick().until(buffer.full)
            await ctx.tick().repeat(20)
            scores = []
            for index in range(GLOBAL_SUM.channels):
                ctx.set(buffer.index, index)
                await ctx.tick().repeat(ScoreBuffer.READ_LATENCY)
                scores.append(ctx.get(buffer.score))
            kept.append(scores)
            ctx.set(buffer.release, 1)
            await ctx.tick()
            ctx.set(buffer.release, 0)

    run(buffer, bench, source)
    assert kept == [frame for frame, old in zip(frames, stale, strict=True) if not old]


def test_counters_count_every_event_over_many_carries() -> None:
    counters, rng = Counters(), np.random.default_rng(0)
    expected = [0] * len(COUNTER_NAMES)
    probabilities = [1, 1, 1, 0.5, 0.9, 0.01, 0]

    async def bench(ctx: Any) -> None:
        for _ in range(3000):
            events = [int(rng.random() < probability) for probability in probabilities]
            ctx.set(counters.events, sum(event << index for index, event in enumerate(events)))
            for index, event in enumerate(events):
                expected[index] += event
            await ctx.tick()
        ctx.set(counters.hold, 1)
        ctx.set(counters.events, (1 << len(COUNTER_NAMES)) - 1)
        await ctx.tick().repeat(120)
        assert ctx.get(counters.settled)
        read = bytearray()
        for index in range(8 * len(COUNTER_NAMES)):
            ctx.set(counters.index, index)
            await ctx.tick().repeat(Counters.READ_LATENCY)
            read.append(ctx.get(counters.byte))
        values = [int.from_bytes(read[offset : offset + 8], "little") for offset in range(0, len(read), 8)]
        assert values == expected

    run(counters, bench)


@pytest.mark.slow
def test_counters_carry_into_the_third_byte() -> None:
    counters = Counters()

    async def bench(ctx: Any) -> None:
        ctx.set(counters.events, 1)
        await ctx.tick().repeat(256 * 256 + 200)
        ctx.set(counters.events, 0)
        await ctx.tick().repeat(60)
        read = []
        for index in range(4):
            ctx.set(counters.index, index)
            await ctx.tick().repeat(Counters.READ_LATENCY)
            read.append(ctx.get(counters.byte))
        assert read == [200, 0, 1, 0]

    run(counters, bench)


@pytest.mark.parametrize("size", [0, 113])
def test_transmitter_rejects_descriptors_that_fit_no_packet(size: int) -> None:
    with pytest.raises(ValueError, match=f"descriptor must have 1 to 112 bytes, not {size}"):
        PacketTransmitter(global_sum=GLOBAL_SUM, descriptor=bytes(size))


def test_initial_window_is_the_free_space_of_the_empty_buffer() -> None:
    buffer = PacketBuffer(depth=2048)

    async def bench(ctx: Any) -> None:
        await ctx.tick()
        assert ctx.get(buffer.free_space) == INITIAL_WINDOW

    run(buffer, bench)
    assert zlib.crc32(b"123456789") == 0xCBF43926  # the check value of the CRC-32 that Amaranth calls CRC32_ISO_HDLC


async def cycles_until(ctx: Any, signal: Any) -> int:
    """Cycles from now, 0 for this one, until a signal is 1."""
    for cycle in range(2000):
        if ctx.get(signal):
            return cycle
        await ctx.tick()
    raise AssertionError("the signal stays 0")


async def pulse(ctx: Any, *signals: Any) -> None:
    """Set signals to 1 for the cycle that ends now."""
    for signal in signals:
        ctx.set(signal, 1)
    await ctx.tick()
    for signal in signals:
        ctx.set(signal, 0)


def test_decoder_and_receiver_have_the_latency_that_they_state() -> None:
    receiver = PacketReceiver()

    async def bench(ctx: Any) -> None:
        for byte in Packet(1, 2, 3, b"x").encode()[:-1]:
            ctx.set(receiver.input.payload, byte)
            await pulse(ctx, receiver.input.valid)
        ctx.set(receiver.input.payload, 0)
        await pulse(ctx, receiver.input.valid)
        assert 1 + await cycles_until(ctx, receiver.end) == PacketReceiver.LATENCY == CobsDecoder.LATENCY
        assert ctx.get(receiver.valid)

    run(receiver, bench)


def test_encoder_has_the_latency_that_it_states() -> None:
    encoder = CobsEncoder(max_bytes=20)

    async def bench(ctx: Any) -> None:
        await pulse(ctx, encoder.input.valid)
        ctx.set(encoder.input.payload.end, 1)
        await pulse(ctx, encoder.input.valid)
        assert 1 + await cycles_until(ctx, encoder.output.valid) == CobsEncoder.LATENCY

    run(encoder, bench)


def test_buffer_and_feeder_have_the_latency_that_they_state() -> None:
    buffer, feeder = PacketBuffer(depth=32), FrameFeeder(frame_bytes=4)

    async def bench_buffer(ctx: Any) -> None:
        for _ in range(1 + CRC.size):
            await pulse(ctx, buffer.write)
        await pulse(ctx, buffer.keep)
        assert 1 + await cycles_until(ctx, buffer.output.valid) == PacketBuffer.LATENCY

    async def bench_feeder(ctx: Any) -> None:
        await pulse(ctx, feeder.input.valid)
        assert 1 + await cycles_until(ctx, feeder.output.valid) == FrameFeeder.LATENCY

    run(buffer, bench_buffer)
    run(feeder, bench_feeder)


@pytest.mark.parametrize(("kind", "payload_bytes"), [(PacketKind.STATUS, WINDOW_FIELD.size), (PacketKind.IDENTITY, 20)])
def test_transmitter_has_the_latency_that_it_states(kind: PacketKind, payload_bytes: int) -> None:
    transmitter = PacketTransmitter(global_sum=GLOBAL_SUM, descriptor=bytes(20))

    async def bench(ctx: Any) -> None:
        ctx.set(transmitter.kind, kind)
        await pulse(ctx, transmitter.request)
        assert 1 + await cycles_until(ctx, transmitter.output.valid) == PacketTransmitter.latency(payload_bytes)

    run(transmitter, bench)
