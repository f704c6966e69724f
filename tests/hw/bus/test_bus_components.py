# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The blocks of the bus interface, each against its specification in Python, with stalls, and with the latency that it states."""

import struct
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Value
from amaranth.lib import wiring
from amaranth.sim import Simulator

from firebrick.hw.bus.beat_unpacker import BeatUnpacker
from firebrick.hw.bus.bus_accelerator import BusAccelerator
from firebrick.hw.bus.frame_guard import FrameGuard
from firebrick.hw.bus.score_gate import ScoreGate
from firebrick.hw.bus.score_packer import ScorePacker
from firebrick.hw.bus.signatures import STREAM_BYTES
from firebrick.hw.bus.soft_reset import RESET_CYCLES, SoftReset
from firebrick.hw.bus.wishbone import WishboneAdapter
from firebrick.hw.stream.fifo import Fifo
from firebrick.sim.axi_protocol import PacketContract
from firebrick.sw.errors import FirebrickError
from firebrick.sw.link.register_map import BY_NAME
from firebrick.sw.plan.lane_layout import LaneLayout
from firebrick.sw.plan.nodes import GlobalSumSpec
from tests.helpers.slow_sum import scores, sum_descriptor, sum_on_bus
from tests.helpers.streams import simulate

UNSIGNED = GlobalSumSpec("pool", LaneLayout.natural(lanes=1, tiles=2, width=2), channels=3, height=30)
SIGNED = GlobalSumSpec("pool", LaneLayout.natural(lanes=1, tiles=2, width=2), channels=5, height=30, zero_point=100)

Packet = list[tuple[int, bool]]
"""Bytes, and whether they are present."""


def random_packets(rng: np.random.Generator, frame_bytes: int, count: int) -> list[Packet]:
    """Packets of every length round that of a frame, with null bytes at random places."""
    packets: list[Packet] = []
    for _ in range(count):
        length = int(
            rng.choice([0, 1, frame_bytes - 1, frame_bytes, frame_bytes, frame_bytes, frame_bytes + 1, 2 * frame_bytes, 3 * frame_bytes])
        )
        packet = [(int(byte), True) for byte in rng.integers(0, 256, length)]
        for _ in range(int(rng.integers(0, 4)) or (not packet)):
            packet.insert(int(rng.integers(0, len(packet) + 1)), (int(rng.integers(0, 256)), False))
        packets.append(packet)
    return packets


def good_and_all_frames(packets: list[Packet], frame_bytes: int) -> tuple[list[int], list[int]]:
    """The specification of ``FrameGuard``: the bytes of frames, and the verdicts."""
    out: list[int] = []
    verdicts: list[int] = []
    for packet in packets:
        body = [byte for byte, present in packet if present]
        if body:
            out += (body + [0] * frame_bytes)[:frame_bytes]
            verdicts.append(int(len(body) == frame_bytes))
    return out, verdicts


def items(packets: list[Packet]) -> list[int]:
    """Packets as payloads of PACKET_BYTE."""
    return [byte | present << 8 | (index == len(packet) - 1) << 9 for packet in packets for index, (byte, present) in enumerate(packet)]


def beats(packets: list[Packet], size: int) -> list[int]:
    """Packets as payloads of a beat stream."""
    payloads = []
    for packet in packets:
        for start in range(0, len(packet), size):
            part = packet[start : start + size]
            data = sum(byte << 8 * lane for lane, (byte, _) in enumerate(part))
            keep = sum(present << lane for lane, (_, present) in enumerate(part))
            payloads.append(data | keep << 8 * size | (start + size >= len(packet)) << 9 * size)
    return payloads


@pytest.mark.parametrize("stall", [0.0, 0.5])
@pytest.mark.parametrize("size", STREAM_BYTES)
def test_unpacker_sends_the_bytes_that_are_present_and_the_ends_of_packets(size: int, stall: float) -> None:
    rng = np.random.default_rng(size)
    packets = random_packets(rng, 9, 12)
    payloads = beats(packets, size)
    taken, cycles = simulate(
        BeatUnpacker(stream_bytes=size), {"input": payloads}, {"output": count_items(payloads, size)}, rng=rng, stall=stall
    )
    received: list[list[int]] = [[]]
    for item in taken["output"]:
        received[-1] += [item & 255] * (item >> 8 & 1)
        if item >> 9:
            received.append([])
    assert received == [*([byte for byte, present in packet if present] for packet in packets), []]
    if not stall:
        assert cycles["output"] == list(range(1 + BeatUnpacker.LATENCY, 1 + BeatUnpacker.LATENCY + len(cycles["output"])))


def count_items(payloads: list[int], size: int) -> int:
    """The items of beats: all bytes but the null bytes behind the others, and at least one."""
    return sum(max(1, (payload >> 8 * size & ((1 << size) - 1)).bit_length()) for payload in payloads)


@pytest.mark.parametrize("stall", [0.0, 0.5])
@pytest.mark.parametrize("frame_bytes", [1, 2, 5])
def test_guard_completes_short_frames_and_swallows_the_excess_of_long_ones(frame_bytes: int, stall: float) -> None:
    rng = np.random.default_rng(frame_bytes)
    packets = random_packets(rng, frame_bytes, 50)
    out, verdicts = good_and_all_frames(packets, frame_bytes)
    component = FrameGuard(frame_bytes=frame_bytes)
    probes: dict[str, list[int]] = {"short": [], "long": [], "begun": []}
    counts = {"output": len(out), "verdicts": len(verdicts)}
    taken, _ = simulate(_AlwaysRoom(component), {"input": items(packets)}, counts, rng=rng, stall=stall, probes=probes, all_inputs=True)
    assert taken["output"] == out
    assert taken["verdicts"] == verdicts
    lengths = [sum(present for _, present in packet) for packet in packets]
    assert sum(probes["short"]) == sum(length < frame_bytes for length in lengths)
    assert sum(probes["long"]) == sum(length > frame_bytes for length in lengths)
    assert sum(probes["begun"]) == len(verdicts)


class _AlwaysRoom(wiring.Component):
    """A guard whose verdicts go into a FIFO with room for all."""

    def __init__(self, guard: FrameGuard) -> None:
        self._guard = guard
        names = ("short", "long", "begun")
        super().__init__({**{name: guard.signature.members[name] for name in ("input", "output", "verdicts", *names)}})

    def elaborate(self, platform: object) -> Module:  # noqa: ARG002
        m = Module()
        m.submodules.guard = guard = self._guard
        m.submodules.fifo = fifo = Fifo(shape=1, depth=256)
        me: Any = self
        wiring.connect(m, wiring.flipped(me.input), guard.input)
        wiring.connect(m, guard.output, wiring.flipped(me.output))
        wiring.connect(m, guard.verdicts, fifo.input)
        wiring.connect(m, fifo.output, wiring.flipped(me.verdicts))
        m.d.comb += [me.short.eq(guard.short), me.long.eq(guard.long), me.begun.eq(guard.begun)]
        return m


@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_gate_drops_all_scores_of_bad_frames_and_waits_for_verdicts(stall: float) -> None:
    rng = np.random.default_rng(3)
    bits = UNSIGNED.score_bits
    verdicts = rng.integers(0, 2, 60).tolist()
    frames = [[int(score) | (index == 2) << bits for index, score in enumerate(rng.integers(0, 1 << bits, 3))] for _ in verdicts]
    expected = [payload for frame, good in zip(frames, verdicts, strict=True) if good for payload in frame]
    inputs = {"input": [payload for frame in frames for payload in frame], "verdicts": verdicts}
    taken, _ = simulate(ScoreGate(global_sum=UNSIGNED), inputs, {"output": len(expected)}, rng=rng, stall=stall, all_inputs=True)
    assert taken["output"] == expected


@pytest.mark.parametrize("stall", [0.0, 0.5])
@pytest.mark.parametrize("spec", [UNSIGNED, SIGNED], ids=["unsigned", "signed"])
@pytest.mark.parametrize(("score_bytes", "size"), [(2, 1), (3, 2), (3, 4), (2, 16)])
def test_packer_packs_scores_densely_and_marks_the_bytes_of_the_last_beat(
    spec: GlobalSumSpec, score_bytes: int, size: int, stall: float
) -> None:
    rng = np.random.default_rng(4)
    bits, classes = spec.score_bits, spec.channels
    low, high = (-(1 << bits - 1), 1 << bits - 1) if spec.score_signed else (0, 1 << bits)
    frames = rng.integers(low, high, (5, classes))
    frames[0], frames[1] = low, high - 1
    inputs = [int(score) & ((1 << bits) - 1) | (index == classes - 1) << bits for frame in frames for index, score in enumerate(frame)]
    packets = [
        [(byte, True) for score in frame for byte in int(score).to_bytes(score_bytes, "little", signed=spec.score_signed)]
        for frame in frames
    ]
    expected = beats(packets, size)
    component = ScorePacker(global_sum=spec, score_bytes=score_bytes, stream_bytes=size)
    taken, cycles = simulate(component, {"input": inputs}, {"output": len(expected)}, rng=rng, stall=stall)
    assert taken["output"] == expected
    if not stall:
        packet_bytes = classes * score_bytes
        assert cycles["output"][0] == 1 + ScorePacker.latency(packet_bytes, size)
        total = len(frames) * packet_bytes // ScorePacker.BYTES_PER_CYCLE
        assert cycles["output"][-1] == 2 + total


def test_components_reject_impossible_parameters() -> None:
    with pytest.raises(ValueError, match="stream_bytes must be one of 1, 2, 4, 8, 16, not 3"):
        BeatUnpacker(stream_bytes=3)
    with pytest.raises(ValueError, match="frame_bytes must be at least 1, not 0"):
        FrameGuard(frame_bytes=0)
    with pytest.raises(ValueError, match="score_bytes must hold 14 bits, not 1 bytes"):
        ScorePacker(global_sum=UNSIGNED, score_bytes=1, stream_bytes=4)


def test_soft_reset_waits_for_scores_that_leave_and_lasts_its_cycles() -> None:
    dut = SoftReset()

    async def bench(ctx: Any) -> None:
        ctx.set(dut.sending, 1)
        ctx.set(dut.request, 1)
        ctx.set(dut.abort_request, 1)
        await ctx.tick()
        ctx.set(dut.request, 0)
        for _ in range(5):
            assert (ctx.get(dut.halt), ctx.get(dut.abort), ctx.get(dut.clear)) == (1, 1, 0)
            await ctx.tick()
        ctx.set(dut.sending, 0)
        for cycle in range(RESET_CYCLES):
            assert (ctx.get(dut.halt), ctx.get(dut.clear), ctx.get(dut.done)) == (1, 1, cycle == RESET_CYCLES - 1)
            await ctx.tick()
        assert (ctx.get(dut.halt), ctx.get(dut.abort), ctx.get(dut.clear)) == (0, 0, 0)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize(("frame_bytes", "size", "stall"), [(1, 1, 0.4), (5, 4, 0.0), (7, 2, 0.4), (20, 16, 0.4)])
def test_only_good_packets_get_scores(frame_bytes: int, size: int, stall: float) -> None:
    rng = np.random.default_rng(frame_bytes)
    packets = random_packets(rng, frame_bytes, 40)
    bodies = [[byte for byte, present in packet if present] for packet in packets]
    expected = beats([[(byte, True) for byte in scores(bytes(body), UNSIGNED)] for body in bodies if len(body) == frame_bytes], size)
    component = sum_on_bus(frame_bytes, size, UNSIGNED)
    taken, _ = simulate(component, {"frames": beats(packets, size)}, {"scores": len(expected)}, rng=rng, stall=stall, all_inputs=True)
    assert taken["scores"] == expected


@pytest.mark.parametrize("size", STREAM_BYTES)
def test_scores_of_a_frame_come_after_the_latency_that_is_stated(size: int) -> None:
    frame = bytes(range(2 * size))
    expected = beats([[(byte, True) for byte in scores(frame, UNSIGNED)]], size)
    component = sum_on_bus(len(frame), size, UNSIGNED)
    inputs = {"frames": beats([[(byte, True) for byte in frame]], size)}
    _, cycles = simulate(component, inputs, {"scores": len(expected)}, rng=np.random.default_rng(0))
    last_byte = 1 + BusAccelerator.LATENCY + len(frame) - 1
    first_score = last_byte + Fifo.LATENCY  # the stand-in's latency; that of the verdicts is the same
    assert cycles["scores"][0] == first_score + ScorePacker.latency(2 * UNSIGNED.channels, size)


@pytest.mark.parametrize("abort", [False, True])
def test_soft_reset_in_any_cycle_cuts_no_packet_and_drops_frames_whole(abort: bool) -> None:
    """Three frames, a soft reset after one cycle more each time, a short packet, and a last frame, whose scores must come."""
    frame_bytes, most_cycles = 4, 300
    rng = np.random.default_rng(1)
    dut = sum_on_bus(frame_bytes, 1, UNSIGNED)
    frames = [bytes([number, 3 * number, 0, 5]) for number in (1, 20, 40, 60)]
    expected = [scores(frame, UNSIGNED) for frame in frames]
    control = BY_NAME["CONTROL"].offset // 4
    counts: set[int] = set()

    async def run(ctx: Any, reset_at: int) -> None:
        pending = beats([[(byte, True) for byte in frame] for frame in frames[:-1]], 1)
        contract = PacketContract("scores", stream_bytes=1, packet_bytes=len(expected[0]))
        received, packets = bytearray(), []
        done_at = most_cycles
        ctx.set(dut.requests.payload.data, 1 + 2 * abort)
        for cycle in range(most_cycles):
            if cycle == reset_at and abort:  # its source stops
                pending = []
            if cycle == done_at:
                pending += beats([[(7, True)], [(byte, True) for byte in frames[-1]]], 1)
            asking = cycle == reset_at or (cycle > reset_at + 1 and done_at == most_cycles)
            ctx.set(dut.requests.valid, asking)
            ctx.set(dut.requests.payload.write, cycle == reset_at)
            ready = int(rng.random() < 0.7)
            ctx.set(dut.scores.ready, ready)
            ctx.set(dut.frames.valid, bool(pending))
            ctx.set(Value.cast(dut.frames.payload), pending[0] if pending else 0)
            _, _, taken, beat, valid, answer, data = await ctx.tick().sample(
                dut.frames.ready, dut.scores.payload, dut.scores.valid, dut.responses.valid, dut.responses.payload.data
            )
            pending = pending[1:] if taken else pending
            contract.observe(valid, ready, beat.data, beat.keep, beat.last)
            if valid and ready:
                received.append(beat.data)
                if beat.last:
                    packets.append(bytes(received))
                    received.clear()
            if answer and cycle > reset_at + 2 and data == 0 and done_at == most_cycles:
                done_at = cycle + 1
            if packets and packets[-1] == expected[-1]:
                break
        assert packets[-1:] == expected[-1:], f"reset in cycle {reset_at}"
        assert packets == [packet for packet in expected if packet in packets], f"reset in cycle {reset_at}"
        counts.add(len(packets))

    async def bench(ctx: Any) -> None:
        ctx.set(dut.requests.payload.address, control)
        ctx.set(dut.requests.payload.strobe, 1)
        ctx.set(dut.responses.ready, 1)
        for reset_at in range(0, 45, 2 if abort else 1):
            await run(ctx, reset_at)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert max(counts) == 4
    assert min(counts) == (1 if abort else 2)


@pytest.mark.parametrize("seed", range(2))
def test_wishbone_cycles_are_answered_once_also_when_one_is_abandoned(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dut = WishboneAdapter()
    memory: dict[int, int] = {}
    finished: list[bool] = []

    async def registers(ctx: Any) -> None:
        """Answers requests after some cycles; address 31 does not exist."""
        while not finished:
            ready = int(rng.integers(0, 2))
            ctx.set(dut.requests.ready, ready)
            _, _, valid, request = await ctx.tick().sample(dut.requests.valid, dut.requests.payload)
            ctx.set(dut.requests.ready, 0)
            if not (valid and ready):
                continue
            for _ in range(rng.integers(0, 3)):
                await ctx.tick()
            if request.write:
                memory[request.address] = request.data if request.strobe == 15 else request.data & 0xFF
            ctx.set(dut.responses.payload.data, memory.get(request.address, 0))
            ctx.set(dut.responses.payload.error, request.address == 31)
            ctx.set(dut.responses.valid, 1)
            taken = False
            while not taken:
                _, _, taken = await ctx.tick().sample(dut.responses.ready)
            ctx.set(dut.responses.valid, 0)

    async def access(ctx: Any, address: int, data: int | None = None, *, give_up_after: int = 100) -> tuple[int, int, int] | None:
        ctx.set(dut.cyc, 1)
        ctx.set(dut.stb, 1)
        ctx.set(dut.we, data is not None)
        ctx.set(dut.adr, address)
        ctx.set(dut.dat_w, data or 0)
        ctx.set(dut.sel, 15)
        answer = None
        for _ in range(give_up_after):
            _, _, ack, err, read = await ctx.tick().sample(dut.ack, dut.err, dut.dat_r)
            if ack or err:
                answer = (ack, err, read)
                break
        ctx.set(dut.cyc, 0)
        ctx.set(dut.stb, 0)
        for _ in range(rng.integers(0, 2)):
            await ctx.tick()
        return answer

    async def bench(ctx: Any) -> None:
        for _ in range(12):
            address, data = int(rng.integers(0, 31)), int(rng.integers(0, 1 << 32))
            answer = await access(ctx, address, data)
            assert answer is not None
            assert answer[:2] == (1, 0)
            if rng.random() < 0.3:
                await access(ctx, int(rng.integers(0, 31)), give_up_after=int(rng.integers(1, 4)))
                ctx.set(dut.cyc, 0)
                await ctx.tick()
            assert await access(ctx, address) == (1, 0, data)
            failed = await access(ctx, 31)
            assert failed is not None
            assert failed[:2] == (0, 1)
        finished.append(True)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.add_testbench(registers)

    async def reset_ended(ctx: Any) -> None:
        ctx.set(dut.enable, 1)

    simulator.add_testbench(reset_ended)
    simulator.run()


def test_registers_have_addresses_of_their_own_and_fields_do_not_overlap() -> None:
    offsets = [register.offset for register in BY_NAME.values()]
    assert offsets == list(range(0, 4 * len(BY_NAME), 4))
    for register in BY_NAME.values():
        masks = [((1 << field.width) - 1) << field.low for field in register.fields]
        assert sum(masks) == sum(1 << bit for bit in range(32) if any(mask >> bit & 1 for mask in masks))
        assert sum(masks) < 1 << 32


def test_registers_refuse_values_that_they_cannot_hold() -> None:
    descriptor = sum_descriptor(5)
    assert struct.pack("<I", descriptor.words(4)["SCORE_SCALE"]) == struct.pack("<f", descriptor.score_scale)
    with pytest.raises(FirebrickError, match=r"the scale of the scores, 1e\+39, is beyond"):
        replace(descriptor, score_scale=1e39).words(4)
    with pytest.raises(FirebrickError, match="FRAME_CYCLES is 4,294,967,296, and a register holds 32 bits"):
        replace(descriptor, cycles=1 << 32).words(4)
