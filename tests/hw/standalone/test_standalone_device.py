# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Frames of a camera and of a host through one accelerator: whose scores are whose, whatever comes when, and nobody keeps it for ever."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from firebrick.hw.engines.global_sum import score_stream
from firebrick.hw.standalone.frame_arbiter import FrameArbiter
from firebrick.hw.standalone.standalone_device import StandaloneDevice
from firebrick.sw.link.packets import CAMERA_FIELDS, MAX_REPLY_PAYLOAD, SESSION_PACKETS, PacketKind
from tests.helpers.parameters import slow_unless
from tests.helpers.streams import watch
from tests.hw.link.test_endpoint import DESCRIPTOR, GLOBAL_SUM, SESSION, Host, received_scores, scores_of, status

CLASSES = 3
SUM = replace(GLOBAL_SUM, channels=CLASSES)


class ScriptedAccelerator(wiring.Component):
    """The accelerator's streams, driven by ``accelerate``."""

    def __init__(self) -> None:
        super().__init__({"input": In(stream.Signature(8)), "output": Out(score_stream(SUM))})

    def elaborate(self, _platform: object) -> Module:
        return Module()


class Bench:
    """A device between a host, a camera and an accelerator that computes ``scores_of``; with random stalls at the accelerator."""

    def __init__(self, *, seed: int = 0, frame_bytes: int = 20, stall: float = 0.2, silence: int | None = None) -> None:
        self.rng = np.random.default_rng(seed)
        self.frame_bytes, self._stall = frame_bytes, stall
        self.accelerator: Any = ScriptedAccelerator()
        descriptor = replace(DESCRIPTOR, rows=frame_bytes, columns=1, classes=CLASSES)
        self.device = StandaloneDevice(accelerator=self.accelerator, global_sum=SUM, descriptor=descriptor, divisor=521, silence=silence)
        self.entered: list[bytes] = []
        """Frames that entered the accelerator."""
        self.shown: list[list[int]] = []
        """Scores of good camera frames, as a display takes them."""
        self.given: list[tuple[bytes, bool]] = []
        """Frames that the camera has given, and whether they were whole."""
        self.camera_on = True
        self.short = 0.0
        """The fraction of camera frames that break off."""
        self.gap = 50
        """Most cycles between camera frames, and a tenth of that between bytes."""

    def run(self, host: Callable[["Bench", Host], Any]) -> None:
        simulator = Simulator(self.device)
        simulator.add_clock(1e-6)
        for name in ("input", "output"):
            watch(simulator, getattr(self.accelerator, name), name)
        watch(simulator, self.device.sent, "sent")
        for process in (self._take, self._compute, self._film, self._watch_display):
            simulator.add_testbench(process, background=True)

        async def testbench(ctx: Any) -> None:
            await host(self, Host(ctx, self.device))  # type: ignore[arg-type]  # it has the members of a link

        simulator.add_testbench(testbench)
        simulator.run()

    async def _take(self, ctx: Any) -> None:
        data = bytearray()
        while True:
            ctx.set(self.accelerator.input.ready, self.rng.random() >= self._stall)
            _, _, valid, ready, byte = await ctx.tick().sample(*stream_of(self.accelerator.input))
            if valid and ready:
                data.append(byte)
                if len(data) == self.frame_bytes:
                    self.entered.append(bytes(data))
                    data.clear()

    async def _compute(self, ctx: Any) -> None:
        output, done = self.accelerator.output, 0
        while True:
            while done == len(self.entered):
                await ctx.tick()
            await pause(ctx, int(self.rng.integers(1, 4 * self.frame_bytes)))
            for index, score in enumerate(scores_of(self.entered[done])[:CLASSES]):
                ctx.set(output.payload.score, score)
                ctx.set(output.payload.last, index == CLASSES - 1)
                ctx.set(output.valid, 1)
                await until(ctx, output.ready)
                ctx.set(output.valid, 0)
                if self.rng.random() < self._stall:
                    await ctx.tick()
            done += 1

    async def _film(self, ctx: Any) -> None:
        camera, verdicts = self.device.camera, self.device.verdicts
        ctx.set(self.device.state.display, 1)
        ctx.set(self.device.paced, 1)
        while True:
            await pause(ctx, 1 + int(self.rng.integers(0, self.gap + 1)))
            if not self.camera_on:
                continue
            whole = self.rng.random() >= self.short
            packet = self.rng.bytes(self.frame_bytes)
            for byte in packet:
                ctx.set(camera.payload, byte)
                ctx.set(camera.valid, 1)
                await until(ctx, camera.ready)
                ctx.set(camera.valid, 0)
                await pause(ctx, int(self.rng.integers(0, self.gap // 10 + 1)))
            await pause(ctx, int(self.rng.integers(0, 20)))
            ctx.set(verdicts.payload, whole)
            ctx.set(verdicts.valid, 1)
            await until(ctx, verdicts.ready)
            ctx.set(verdicts.valid, 0)
            self.given.append((packet, whole))
            ctx.set(self.device.state.taken, len(self.given))

    async def _watch_display(self, ctx: Any) -> None:
        device, scores = self.device, list[int]()
        while True:
            values = (device.score_taken, device.score.score, device.score.last, device.frame_good)
            _, _, taken, score, last, good = await ctx.tick().sample(*values)
            if taken:
                scores.append(score)
                if last:
                    if good:
                        self.shown.append(list(scores))
                    scores.clear()

    def camera_scores(self) -> list[list[int]]:
        """The scores of the whole frames that the camera has given, in order."""
        return [scores_of(frame)[:CLASSES] for frame, whole in self.given if whole]


async def pause(ctx: Any, cycles: int) -> None:
    for _ in range(cycles):  # a `repeat` that the end of the simulation cuts off complains
        await ctx.tick()


async def until(ctx: Any, ready: Any) -> None:
    while not (await ctx.tick().sample(ready))[2]:
        pass


def stream_of(member: Any) -> Iterator[Any]:
    return iter((member.valid, member.ready, member.payload))


async def send_frame(host: Host, frame: bytes, sequence: int, result: int) -> list[int]:
    """Send a frame of one packet, and return its scores once the board has them."""
    packets = await host.ask(PacketKind.DATA, sequence, frame, cycles=10)
    return await result_of(host, result, packets)


async def result_of(host: Host, result: int, packets: list[Any] = [], limit: int = 4000) -> list[int]:  # noqa: B006 - never changed
    gathered = list(packets)
    for _ in range(limit // 50):
        gathered += [packet for packet in host.replies if packet not in gathered]
        if scores := received_scores([packet for packet in gathered if packet.sequence == result]):
            return scores
        await host.tick(50)
    raise AssertionError(f"no result {result} within {limit} cycles")


async def capture(host: Host, result: int, *, repeat: int = 2500, attempts: int = 6) -> tuple[list[int], bytes]:
    """Capture a frame: its scores, and what came of its picture."""
    for _ in range(attempts):
        await host.ask(PacketKind.CAPTURE, result, cycles=10)
        for _ in range(repeat // 50):
            await host.tick(50)
            if scores := received_scores([packet for packet in host.replies if packet.sequence == result]):
                return scores, picture_in(host.replies)
    raise AssertionError(f"no capture {result}")


def picture_in(packets: list[Any]) -> bytes:
    """The picture in PICTURE packets: the last that begins, up to a packet that is missing."""
    data = b""
    for packet in packets:
        if packet.kind == PacketKind.PICTURE:
            data = b"" if packet.sequence == 0 else data
            if packet.sequence * MAX_REPLY_PAYLOAD == len(data):
                data += packet.payload
    return data


@pytest.mark.parametrize("seed", slow_unless([0], range(3)))
def test_scores_reach_their_own_frames_whatever_comes_when(seed: int) -> None:
    bench = Bench(seed=seed, stall=float(np.random.default_rng(seed).random()) * 0.6)
    bench.short = 0.3
    host_frames = [bench.rng.bytes(20) for _ in range(8)]

    async def run(bench: Bench, host: Host) -> None:
        assert await host.ask(PacketKind.OPEN) == [status(0)]
        for number, frame in enumerate(host_frames):
            assert await send_frame(host, frame, number, number) == scores_of(frame)[:CLASSES]
            await host.ask(PacketKind.POLL, number + 1, cycles=int(bench.rng.integers(1, 300)))
        bench.camera_on = False
        await host.tick(3000)

    bench.run(run)
    assert bench.shown == bench.camera_scores()
    assert len(bench.shown) > 8
    assert sorted(bench.entered) == sorted(host_frames + [frame for frame, _ in bench.given]), "every frame entered whole, and once"


def test_captured_frame_is_the_hosts_result_and_on_the_screen() -> None:
    bench = Bench(seed=5)
    frame = bench.rng.bytes(20)

    async def run(bench: Bench, host: Host) -> None:
        await host.ask(PacketKind.OPEN)
        for result in (0, 1):
            scores, picture = await capture(host, result)
            assert scores in bench.camera_scores()
            assert picture == b"", "without a pace there is no picture"
            assert received_scores(await host.ask(PacketKind.CAPTURE, result, cycles=1500)) == scores, (
                "a repeated CAPTURE repeats the result"
            )
        await host.ask(PacketKind.POLL, 2)
        assert await send_frame(host, frame, 0, 2) == scores_of(frame)[:CLASSES]
        await host.ask(PacketKind.CAPTURE, 1, cycles=1500)
        assert not received_scores(host.replies), "a late repetition captures nothing"
        bench.camera_on = False
        await host.tick(3000)

    bench.run(run)
    assert bench.shown == bench.camera_scores()


def test_capture_waits_for_a_whole_frame() -> None:
    bench = Bench(seed=6)
    bench.short = 0.8

    async def run(bench: Bench, host: Host) -> None:
        await host.ask(PacketKind.OPEN)
        scores, _ = await capture(host, 0)
        assert scores in bench.camera_scores()

    bench.run(run)


@pytest.mark.parametrize("seed", slow_unless([0], range(2)))
def test_picture_is_whole_and_that_of_the_scores(seed: int) -> None:
    bench = Bench(seed=seed, frame_bytes=224 + seed)  # two packets, or three
    bench.gap = 40

    async def run(bench: Bench, host: Host) -> None:
        await host.ask(PacketKind.OPEN)
        assert await host.ask(PacketKind.PACE, 7) == [status(0)]
        for result in range(1 + seed):
            scores, picture = await capture(host, result, repeat=6000)
            assert scores == scores_of(picture)[:CLASSES]
            assert picture in bench.entered
        fields = await report(host)
        assert (fields["flags"], fields["pace"], fields["lost"]) == (2, 7, 0)
        assert fields["taken"] in (len(bench.given) - 1, len(bench.given))
        await host.ask(PacketKind.OPEN, session=SESSION + 1)
        assert (await report(host))["pace"] == 0, "a new session lets the camera run at its own pace"

    bench.run(run)


@pytest.mark.slow
def test_picture_is_lost_where_the_line_is_too_slow_and_the_network_does_not_wait() -> None:
    bench = Bench(seed=1, frame_bytes=600, stall=0.0)
    bench.gap = 5

    async def run(bench: Bench, host: Host) -> None:
        await host.ask(PacketKind.OPEN)
        await host.ask(PacketKind.PACE, 1)
        scores, picture = await capture(host, 0, repeat=8000)
        assert len(picture) < 600
        assert scores in bench.camera_scores()
        assert (await report(host))["lost"] == 1

    bench.run(run)


def test_capture_is_refused_while_frames_of_the_host_are_under_way() -> None:
    bench = Bench(seed=2)
    frame = bench.rng.bytes(20)

    async def run(_bench: Bench, host: Host) -> None:
        await host.ask(PacketKind.OPEN)
        await host.ask(PacketKind.DATA, 0, frame, cycles=5)
        await host.ask(PacketKind.CAPTURE, 0, cycles=2)
        assert await result_of(host, 0) == scores_of(frame)[:CLASSES]

    bench.run(run)


def test_host_that_goes_in_the_middle_of_a_frame_gives_the_accelerator_back() -> None:
    bench = Bench(seed=3, silence=3000)

    async def run(bench: Bench, host: Host) -> None:
        await host.ask(PacketKind.OPEN)
        await host.ask(PacketKind.DATA, 0, bytes([9] * 7), cycles=1500)
        shown = len(bench.shown)
        await host.tick(1000)
        assert len(bench.shown) == shown, "the host holds the accelerator"
        await host.tick(8000)
        assert len(bench.shown) > shown
        assert bytes([9] * 7).ljust(20, b"\0") in bench.entered
        assert (await host.ask(PacketKind.POLL, 0))[0].sequence == SESSION_PACKETS, "the session is used up"
        assert (await host.ask(PacketKind.OPEN, session=SESSION + 1))[0].sequence == 0
        frame = bench.rng.bytes(20)
        assert (await host.ask(PacketKind.DATA, 0, frame, session=SESSION + 1, cycles=3000))[0].sequence == 1
        assert received_scores(host.replies) == scores_of(frame)[:CLASSES]

    bench.run(run)


@pytest.mark.slow
def test_host_that_never_takes_its_results_gives_the_accelerator_back() -> None:
    bench = Bench(seed=4, silence=3000)

    async def run(bench: Bench, host: Host) -> None:
        await host.ask(PacketKind.OPEN)
        for number in range(3):
            await host.ask(PacketKind.DATA, number, bench.rng.bytes(20), cycles=300)
        await host.tick(9000)
        shown = len(bench.shown)
        await host.tick(4000)
        assert len(bench.shown) > shown + 3

    bench.run(run)


@pytest.mark.parametrize("phase", slow_unless([200], [30, 200, 400]))
def test_session_that_ends_during_a_capture_takes_its_result_with_it(phase: int) -> None:
    bench = Bench(seed=phase)

    async def run(bench: Bench, host: Host) -> None:
        await host.ask(PacketKind.OPEN)
        await host.ask(PacketKind.CAPTURE, 0, cycles=phase)
        await host.ask(PacketKind.OPEN, session=SESSION + 1, cycles=5)
        frame = bench.rng.bytes(20)
        await host.ask(PacketKind.DATA, 0, frame, session=SESSION + 1, cycles=3000)
        scores = received_scores([packet for packet in host.replies if packet.session == SESSION + 1])
        assert scores == scores_of(frame)[:CLASSES]

    bench.run(run)


async def report(host: Host) -> dict[str, int]:
    """The camera's report."""
    packets = await host.ask(PacketKind.CAMERA, session=99, cycles=1000)
    (packet,) = [packet for packet in packets if packet.kind == PacketKind.CAMERA_REPORT]
    return dict(zip(("flags", "pace", "taken", "dropped", "torn", "lost"), CAMERA_FIELDS.unpack(packet.payload), strict=True))


def test_arbiter_rejects_a_frame_without_bytes() -> None:
    with pytest.raises(ValueError, match="frame_bytes must be at least 1, not 0"):
        FrameArbiter(frame_bytes=0)
