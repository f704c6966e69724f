# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The endpoint between a host and an accelerator in Python: replies, sessions, whole frames, results until they are acknowledged."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from firebrick.hw.link.endpoint import LinkEndpoint
from firebrick.sw.driver.score_reassembly import ScoreAssembler
from firebrick.sw.link.identity import DeviceDescriptor, decode_descriptor
from firebrick.sw.link.packets import CLASS_INDEX, COUNTER, COUNTER_NAMES, INITIAL_WINDOW, WINDOW_FIELD, Packet, PacketDecoder, PacketKind
from firebrick.sw.plan.lane_layout import LaneLayout
from firebrick.sw.plan.nodes import GlobalSumSpec
from tests.helpers.streams import watch

GLOBAL_SUM = GlobalSumSpec("pool", LaneLayout.natural(lanes=1, tiles=2, width=2), channels=70, height=30)
SIGNED_SUM = replace(GLOBAL_SUM, zero_point=100)
DESCRIPTOR = DeviceDescriptor(1, 4, 5, 70, 2, 60_000_000, 3, 400, bytes(range(16)), "some")
FRAME = DESCRIPTOR.frame_bytes
SESSION = 0x1234


class Host:
    """Sends and receives packets. The oracle of the results is ``scores_of``, which the accelerator computes from a frame's bytes."""

    def __init__(self, ctx: Any, link: LinkEndpoint) -> None:
        self._ctx = ctx
        self._link = link
        self._decoder = PacketDecoder()
        self.replies: list[Packet] = []

    async def tick(self, count: int = 1) -> None:
        for _ in range(count):
            self._ctx.set(self._link.sent.ready, 1)
            _, _, valid, byte = await self._ctx.tick().sample(self._link.sent.valid, self._link.sent.payload)
            if valid:
                self.replies += self._decoder.feed(bytes([byte]))

    async def raw(self, wire: bytes) -> None:
        for byte in wire:
            self._ctx.set(self._link.received.valid, 1)
            self._ctx.set(self._link.received.payload, byte)
            await self.tick()
        self._ctx.set(self._link.received.valid, 0)

    async def ask(self, kind: int, sequence: int = 0, payload: bytes = b"", *, session: int = SESSION, cycles: int = 200) -> list[Packet]:
        """Send a packet, and return the replies within the given number of cycles."""
        self.replies.clear()
        await self.raw(Packet(kind, session, sequence, payload).encode())
        await self.tick(cycles)
        return list(self.replies)


def scores_of(frame: bytes) -> list[int]:
    return [(31 * index + sum(frame)) % (1 << GLOBAL_SUM.score_bits) for index in range(GLOBAL_SUM.channels)]


def signed_scores_of(frame: bytes) -> list[int]:
    """From the smallest to the largest score."""
    top = 255 * 60 + SIGNED_SUM.offset
    return [SIGNED_SUM.offset, -1, 0, 1, top, *((SIGNED_SUM.offset + 431 * index + sum(frame)) % top for index in range(65))]


def received_scores(packets: list[Packet]) -> list[int]:
    """The scores in SCORES packets."""
    scores: dict[int, int] = {}
    for packet in packets:
        if packet.kind == PacketKind.SCORES:
            first = CLASS_INDEX.unpack_from(packet.payload)[0]
            values = np.frombuffer(packet.payload[CLASS_INDEX.size :], "<u2")
            scores |= {first + offset: int(value) for offset, value in enumerate(values)}
    return [scores[index] for index in sorted(scores)]


def run_with_host(
    bench: Callable[[Host], Any],
    *,
    reloadable: bool = False,
    global_sum: GlobalSumSpec = GLOBAL_SUM,
    scores: Callable[[bytes], list[int]] = scores_of,
) -> list[bytes]:
    """Run a host against the link; returns the frames that reached the accelerator."""
    link, frames = LinkEndpoint(global_sum=global_sum, descriptor=DESCRIPTOR, divisor=521, reloadable=reloadable), list[bytes]()
    data = bytearray()

    async def take_frames(ctx: Any) -> None:
        ctx.set(link.frames.ready, 1)
        while True:
            _, _, valid, byte = await ctx.tick().sample(link.frames.valid, link.frames.payload)
            if valid:
                data.append(byte)
                if len(data) == FRAME:
                    frames.append(bytes(data))
                    data.clear()

    async def give_scores(ctx: Any) -> None:
        done = 0
        while True:
            while done == len(frames):
                await ctx.tick()
            for index, score in enumerate(scores(frames[done])):
                ctx.set(link.scores.payload.score, score)
                ctx.set(link.scores.payload.last, int(index == GLOBAL_SUM.channels - 1))
                ctx.set(link.scores.valid, 1)
                await ctx.tick().until(link.scores.ready)
            ctx.set(link.scores.valid, 0)
            done += 1

    async def host(ctx: Any) -> None:
        await bench(Host(ctx, link))

    simulator = Simulator(link)
    simulator.add_clock(1e-6)
    watch(simulator, link.frames, "frames")
    watch(simulator, link.sent, "sent")
    simulator.add_testbench(take_frames, background=True)
    simulator.add_testbench(give_scores, background=True)
    simulator.add_testbench(host)
    simulator.run()
    return frames


def status(sequence: int, window: int = INITIAL_WINDOW, kind: int = PacketKind.STATUS) -> Packet:
    return Packet(kind, SESSION, sequence, WINDOW_FIELD.pack(window))


FRAMES = [bytes(range(1, FRAME + 1)), bytes(range(0, 5 * FRAME, 5)), bytes([7] * FRAME)]


@pytest.mark.parametrize("reloadable", [False, True])
def test_link_reports_its_descriptor_before_any_session(reloadable: bool) -> None:
    async def bench(host: Host) -> None:
        (packet,) = await host.ask(PacketKind.IDENTIFY, session=99, cycles=500)
        assert packet.kind == PacketKind.IDENTITY
        assert decode_descriptor(packet.payload) == DESCRIPTOR

    run_with_host(bench, reloadable=reloadable)


def test_link_answers_frames_with_their_scores_until_they_are_acknowledged() -> None:
    async def bench(host: Host) -> None:
        assert await host.ask(PacketKind.OPEN) == [status(0)]
        packets = await host.ask(PacketKind.DATA, 0, FRAMES[0], cycles=1500)
        assert packets[0] == status(1)
        assert {packet.sequence for packet in packets[1:]} == {0}
        assert len(packets) == 3, "70 scores of 2 bytes take two packets"
        assert received_scores(packets) == scores_of(FRAMES[0])
        assert await host.ask(PacketKind.DATA, 1, FRAMES[1], cycles=1500) == [status(2)], "one result waits until the other is acknowledged"
        resent = await host.ask(PacketKind.POLL, 0, cycles=1500)
        assert received_scores(resent) == scores_of(FRAMES[0])
        packets = await host.ask(PacketKind.POLL, 1, cycles=1500)
        assert {packet.sequence for packet in packets if packet.kind == PacketKind.SCORES} == {1}
        assert received_scores(packets) == scores_of(FRAMES[1])
        assert await host.ask(PacketKind.POLL, 2) == [status(2)]
        assert await host.ask(PacketKind.POLL, 2) == [status(2)], "a further poll brings no result either"

    assert run_with_host(bench) == FRAMES[:2]


def test_link_sends_negative_scores_in_whole_bytes() -> None:
    assert SIGNED_SUM.score_bits == 15, "the second byte needs a copy of the sign"

    async def bench(host: Host) -> None:
        await host.ask(PacketKind.OPEN)
        assembler, assembled = ScoreAssembler(SIGNED_SUM.channels, 2, signed=True), None
        for packet in await host.ask(PacketKind.DATA, 0, FRAMES[0], cycles=1500):
            if packet.kind == PacketKind.SCORES:
                assembled = assembler.add(packet.payload)
        assert assembled is not None
        assert assembled.tolist() == signed_scores_of(FRAMES[0])

    run_with_host(bench, global_sum=SIGNED_SUM, scores=signed_scores_of)


def test_link_takes_packets_in_sequence_only_and_reports_a_gap_once() -> None:
    async def bench(host: Host) -> None:
        await host.ask(PacketKind.OPEN)
        first, second = FRAMES[0][:9], FRAMES[0][9:]
        assert await host.ask(PacketKind.DATA, 1, second) == [status(0, kind=PacketKind.NAK)]
        assert await host.ask(PacketKind.DATA, 2, second) == []
        assert await host.ask(PacketKind.DATA, 0, first) == [status(1)]
        assert await host.ask(PacketKind.DATA, 0, first) == [status(1)], "a duplicate is acknowledged and not taken"
        assert await host.ask(PacketKind.DATA, 3, first) == [status(1, kind=PacketKind.NAK)]
        assert await host.ask(PacketKind.DATA, 1, second, session=SESSION + 1) == [], "a packet of another session is dropped"
        assert (await host.ask(PacketKind.DATA, 1, second))[0] == status(2)

    assert run_with_host(bench) == [FRAMES[0]]


@pytest.mark.parametrize("wire", [b"\x05damaged\0", Packet(PacketKind.DATA, SESSION, 1, b"x").encode()[:-4] + b"\1\0"])
def test_link_answers_each_damaged_packet_by_a_nak_that_names_the_packet_expected(wire: bytes) -> None:
    """Wrong framing and a truncated packet, whose CRC is wrong: the host retransmits at once, not after a timeout."""

    async def bench(host: Host) -> None:
        await host.ask(PacketKind.OPEN)
        assert await host.ask(PacketKind.DATA, 0, FRAMES[0][:9]) == [status(1)]
        for _ in range(2):
            host.replies.clear()
            await host.raw(wire)
            await host.tick(200)
            assert host.replies == [status(1, kind=PacketKind.NAK)]
        assert (await host.ask(PacketKind.DATA, 1, FRAMES[0][9:]))[0] == status(2)

    assert run_with_host(bench) == [FRAMES[0]]


def test_link_completes_a_frame_that_a_session_left_and_drops_its_result() -> None:
    async def bench(host: Host) -> None:
        await host.ask(PacketKind.OPEN)
        await host.ask(PacketKind.DATA, 0, FRAMES[1] + FRAMES[0][:3], cycles=300)
        assert await host.ask(PacketKind.OPEN, session=7, cycles=400) == [
            Packet(PacketKind.STATUS, 7, 0, WINDOW_FIELD.pack(INITIAL_WINDOW))
        ]
        packets = await host.ask(PacketKind.DATA, 0, FRAMES[2], session=7, cycles=1500)
        assert {packet.sequence for packet in packets if packet.kind == PacketKind.SCORES} == {0}
        assert received_scores(packets) == scores_of(FRAMES[2])

    assert run_with_host(bench) == [FRAMES[1], FRAMES[0][:3].ljust(FRAME, b"\0"), FRAMES[2]]


def test_link_answers_a_repeated_open_and_keeps_its_session() -> None:
    async def bench(host: Host) -> None:
        await host.ask(PacketKind.OPEN)
        await host.ask(PacketKind.DATA, 0, FRAMES[0][:7])
        assert await host.ask(PacketKind.OPEN) == [status(1)]
        packets = await host.ask(PacketKind.DATA, 1, FRAMES[0][7:], cycles=1500)
        assert received_scores(packets) == scores_of(FRAMES[0])

    assert run_with_host(bench) == [FRAMES[0]]


def test_link_drops_a_packet_without_free_space_and_takes_it_later() -> None:
    link = LinkEndpoint(global_sum=GLOBAL_SUM, descriptor=DESCRIPTOR, divisor=521)  # its accelerator never takes a byte

    async def bench(ctx: Any) -> None:
        host = Host(ctx, link)
        await host.ask(PacketKind.OPEN)
        for sequence in range(2):
            await host.ask(PacketKind.DATA, sequence, bytes(1000))
        assert await host.ask(PacketKind.DATA, 2, bytes(1000)) == [status(2, INITIAL_WINDOW - 2000 + 2)], (
            "the buffer and the feeder offer one byte each"
        )
        assert await host.ask(PacketKind.DATA, 2, bytes(40)) == []
        assert await host.ask(PacketKind.POLL, 0) == [status(3, INITIAL_WINDOW - 2040 + 2)]

    simulator = Simulator(link)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def test_link_accepts_a_baud_rate_only_within_the_range_of_its_divisor() -> None:
    link = LinkEndpoint(global_sum=GLOBAL_SUM, descriptor=DESCRIPTOR, divisor=521)

    async def bench(ctx: Any) -> None:
        host = Host(ctx, link)
        await host.ask(PacketKind.OPEN)
        for divisor, expected in ((20, 20), (3, 20), (0, 20), (4096, 20), (65535, 20), (4, 4), (4095, 4095)):
            await host.ask(PacketKind.RATE, divisor)
            assert ctx.get(link.divisor) == expected
        await host.ask(PacketKind.RATE, 30, session=1)
        assert ctx.get(link.divisor) == 4095
        ctx.set(link.baud_reset, 1)
        await host.tick()
        assert ctx.get(link.divisor) == 521

    simulator = Simulator(link)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def test_link_counts_frames_and_damaged_and_dropped_packets() -> None:
    async def bench(host: Host) -> None:
        await host.ask(PacketKind.OPEN)
        await host.ask(PacketKind.DATA, 5, FRAMES[0])
        await host.raw(b"\x05damaged\0\x02\0")
        await host.ask(PacketKind.DATA, 0, FRAMES[0], cycles=1500)
        packets = [packet for packet in await host.ask(PacketKind.COUNT, cycles=500) if packet.kind == PacketKind.COUNTERS]
        values = dict(zip(COUNTER_NAMES, (value for (value,) in COUNTER.iter_unpack(packets[0].payload)), strict=True))
        assert (values["frames"], values["damaged"], values["dropped"]) == (1, 2, 1)
        assert values["starved"] < values["cycles"] < 3000
        assert values["stalled"] == values["busy"] == 0

    run_with_host(bench)


@pytest.mark.parametrize("seed", range(2))
def test_link_survives_hostile_packets(seed: int) -> None:
    """Valid packets with any header and length, and noise; a session afterwards works as after power-up."""
    rng = np.random.default_rng(seed)

    async def bench(host: Host) -> None:
        for _ in range(40):
            session = int(rng.choice([0, SESSION, int(rng.integers(65536))]))
            sequence = int(rng.choice([0, 1, 2, 65535, int(rng.integers(65536))]))
            payload = rng.bytes(int(rng.choice([0, 0, 1, 20, 60])))
            await host.raw(Packet(int(rng.integers(0, 16)), session, sequence, payload).encode())
            if rng.random() < 0.3:
                await host.raw(rng.bytes(int(rng.integers(1, 40))))
        await host.raw(b"\0")
        await host.tick(3000)
        assert (await host.ask(PacketKind.OPEN, session=77, cycles=800))[-1] == Packet(
            PacketKind.STATUS, 77, 0, WINDOW_FIELD.pack(INITIAL_WINDOW)
        )
        packets = await host.ask(PacketKind.DATA, 0, FRAMES[0], session=77, cycles=2500)
        assert received_scores(packets) == scores_of(FRAMES[0])

    run_with_host(bench)


@pytest.mark.parametrize("divisor", [3, 4096])
def test_link_rejects_divisors_out_of_range(divisor: int) -> None:
    with pytest.raises(ValueError, match=f"divisor must be 4 to 4095 cycles a bit, not {divisor}"):
        LinkEndpoint(global_sum=GLOBAL_SUM, descriptor=DESCRIPTOR, divisor=divisor)
