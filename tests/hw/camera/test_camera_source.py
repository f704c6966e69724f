# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A camera as a source of frames: pixels equal the specification, whatever the clocks, the network and the sensor do."""

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import ClockDomain, Module
from amaranth.sim import Simulator

from firebrick.hw.camera import camera_source
from firebrick.hw.camera.camera_setup import CameraSetup
from firebrick.hw.camera.camera_source import CameraSource
from firebrick.sim.camera.dvp_frames import HARMLESS, DvpFrames, Fault
from firebrick.sim.stream_contract import StreamContract
from firebrick.sw.camera.ov7670 import OV7670
from firebrick.sw.camera.picture import Bytes, Picture
from firebrick.sw.camera.sensor import Sensor

SYNC = 10e6


def sensor(columns: int, rows: int, **others: Any) -> Sensor:
    """A sensor with a small frame."""
    small = {"columns": columns, "rows": rows, "line": 2 * columns + 14, "vsync_lines": 1, "front_lines": 1, "back_lines": 1}
    return Sensor(**{**vars(OV7670), **small, "pclk": SYNC, **others})


class Bench:
    """A camera source that finds its sensor at once, between the pins of a sensor and a network."""

    def __init__(self, sensor: Sensor, picture: Picture, rng: np.random.Generator, ratio: float = 1.37, stall: float = 0.3) -> None:
        self.picture, self.rng, self.stall = picture, rng, stall
        self.ready = True
        self.dut = CameraSource(sensor=sensor, picture=picture, frequency=SYNC)
        self.frames = DvpFrames(sensor, rng)
        m = Module()
        camera: Any = ClockDomain("camera", reset_less=True)
        self.clock = camera
        m.domains += camera
        m.submodules.dut = self.dut
        self.simulator = Simulator(m)
        self.simulator.add_clock(1 / SYNC)
        self.period = ratio / SYNC
        self.simulator.add_testbench(self._take, background=True)
        self.received: list[int] = []
        self.verdicts: list[int] = []

    async def _take(self, ctx: Any) -> None:
        dut, contract = self.dut, StreamContract("pixels")
        ctx.set(dut.verdicts.ready, 1)
        sampled = (dut.pixels.valid, dut.pixels.payload, dut.verdicts.valid, dut.verdicts.payload)
        while True:
            ready = int(self.ready and self.rng.random() >= self.stall)
            ctx.set(dut.pixels.ready, ready)
            _, _, valid, byte, ends, good = await ctx.tick().sample(*sampled)
            contract.observe(valid, ready, byte)
            if valid and ready:
                self.received.append(byte)
            if ends:
                self.verdicts.append(good)

    async def send(self, ctx: Any, pins: Any) -> None:
        """Cycles of the pixel clock, with jitter."""
        dut: Any = self.dut
        for vsync, href, byte in pins:
            jitter = 1 + 0.2 * (self.rng.random() - 0.5)
            ctx.set(dut.pins.vsync, vsync)
            ctx.set(dut.pins.href, href)
            ctx.set(dut.pins.data, byte)
            await ctx.delay(self.period * jitter / 2)
            ctx.set(self.clock.clk, 1)
            await ctx.delay(self.period / 2)
            ctx.set(self.clock.clk, 0)

    def run(self, process: Any) -> None:
        self.simulator.add_testbench(process)
        self.simulator.run()

    def counters(self, ctx: Any) -> tuple[int, int, int]:
        counters = self.dut.counters
        return ctx.get(counters.taken), ctx.get(counters.dropped), ctx.get(counters.torn)

    def check(self, frames: list[tuple[Bytes, int]]) -> None:
        """Whole frames came, of these sensor bytes, with these verdicts; what a bad one holds behind its first bytes is zero."""
        size = self.picture.frame_bytes
        assert self.verdicts == [good for _, good in frames]
        assert len(self.received) == size * len(frames)
        for index, (data, good) in enumerate(frames):
            expected = self.picture.compute(data).transpose(1, 2, 0).reshape(-1)
            received = np.array(self.received[size * index : size * (index + 1)])
            same = len(expected) if (received == expected).all() else int((received != expected).argmax())
            assert same == size if good else not received[same:].any(), f"frame {index}"


@pytest.fixture(autouse=True)
def _found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The set-up has a test of its own: here the sensor is always there."""

    class Found(CameraSetup):
        def elaborate(self, platform: object) -> Module:  # noqa: ARG002
            m = Module()
            m.d.comb += self.found.eq(1)
            return m

    monkeypatch.setattr(camera_source, "CameraSetup", Found)
    monkeypatch.setattr(camera_source, "PRESCALERS", range(1, 2))


def noise(rng: np.random.Generator, picture: Picture) -> Bytes:
    extreme = rng.choice([0, 255])
    data = rng.integers(0, 256, (picture.sensor_rows, 2 * picture.sensor_columns), dtype=np.uint8)
    return np.full_like(data, extreme) if rng.random() < 0.2 else data


SHAPES = [(13, 9, 3, 5, 7, 1, 1.37), (16, 12, 3, 5, 7, 2, 3.0), (14, 11, 1, 2, 3, 4, 0.9), (10, 8, 1, 8, 10, 1, 2.1)]


@pytest.mark.parametrize(
    ("columns", "rows", "channels", "height", "width", "factor", "ratio", "high"),
    [(*shape, high) for shape, high in zip(SHAPES, (True, False, True, False), strict=True)],
)
def test_pixels_equal_the_specification(
    columns: int, rows: int, channels: int, height: int, width: int, factor: int, ratio: float, high: bool
) -> None:
    rng = np.random.default_rng(columns)
    picture = Picture(rows, columns, channels, height, width, factor)
    bench = Bench(sensor(columns, rows, vsync_high=high, href_high=high), picture, rng, ratio)
    sent = [noise(rng, picture) for _ in range(2)]

    async def process(ctx: Any) -> None:
        for data in sent:
            await bench.send(ctx, bench.frames.frame(data, Fault.GLITCHES))
        await bench.send(ctx, bench.frames.idle(100))
        assert bench.counters(ctx) == (2, 0, 0)

    bench.run(process)
    bench.check([(data, 1) for data in sent])


@pytest.mark.parametrize("shape", [SHAPES[0], SHAPES[2]], ids=["colour", "grey, averaged"])
def test_after_every_fault_the_next_good_frame_is_exact_and_none_is_lost_in_silence(shape: tuple[Any, ...]) -> None:
    columns, rows, channels, height, width, factor, ratio = shape
    rng = np.random.default_rng(rows)
    picture = Picture(rows, columns, channels, height, width, factor)
    bench = Bench(sensor(columns, rows), picture, rng, ratio)
    expected: list[tuple[Bytes, int]] = []
    whole = torn = 0

    async def process(ctx: Any) -> None:
        nonlocal whole, torn
        bottom = picture.top + factor * height
        for fault in [*rng.permutation(np.array([fault for fault in Fault for _ in range(2)], object)), Fault.NONE]:
            data, line = noise(rng, picture), int(rng.integers(rows))
            await bench.send(ctx, bench.frames.frame(data, fault, line))
            if fault is Fault.SILENCE:
                await bench.send(ctx, bench.frames.idle(4 * (2 * columns + 14)))
            if fault is Fault.STOPPED_CLOCK:
                await ctx.delay(4 * (2 * columns + 14) / SYNC)
            good = fault in HARMLESS or (line >= bottom and fault is not Fault.MISSING_LINE)
            # Of a frame with a line too few, the last line is that which the picture would have had one later.
            good |= fault is Fault.MISSING_LINE and bottom < rows
            if fault is Fault.MISSING_LINE and good:
                data = np.concatenate([np.delete(data, line, axis=0), data[-1:]])
            whole, torn = whole + good, torn + (not good)
            begun = len(bench.received) > picture.frame_bytes * len(expected)
            await bench.send(ctx, bench.frames.idle(60))
            if good or begun or len(bench.received) > picture.frame_bytes * len(expected):
                expected.append((data, int(good)))
        await bench.send(ctx, bench.frames.idle(100))
        taken, dropped, counted = bench.counters(ctx)
        assert (taken, dropped) == (whole, 0)
        assert counted == torn

    bench.run(process)
    bench.check(expected)


def test_a_frame_that_the_network_cannot_take_is_dropped_whole_and_one_that_it_is_too_slow_for_is_marked_bad() -> None:
    rng = np.random.default_rng(3)
    picture = Picture(12, 16, 3, 10, 12, 1)
    bench = Bench(sensor(16, 12), picture, rng, stall=0.0)
    first, second, third, fourth = (noise(rng, picture) for _ in range(4))

    async def process(ctx: Any) -> None:
        await bench.send(ctx, bench.frames.frame(first))
        bench.ready = False
        await bench.send(ctx, bench.frames.frame(second))
        assert bench.counters(ctx) == (1, 1, 0)
        bench.ready = True
        half = list(bench.frames.frame(third))
        await bench.send(ctx, half[: len(half) // 2])
        bench.ready = False
        await bench.send(ctx, half[len(half) // 2 :])
        await bench.send(ctx, bench.frames.idle(20))
        assert bench.counters(ctx) == (1, 2, 0)
        bench.ready = True
        await bench.send(ctx, bench.frames.idle(400))
        await bench.send(ctx, bench.frames.frame(fourth))
        await bench.send(ctx, bench.frames.idle(100))
        assert bench.counters(ctx) == (2, 2, 0)

    bench.run(process)
    bench.check([(first, 1), (third, 0), (fourth, 1)])


def test_source_rejects_a_picture_of_another_sensor() -> None:
    with pytest.raises(ValueError, match="picture must be one of ov7670"):
        CameraSource(sensor=OV7670, picture=Picture(12, 16, 3, 10, 12, 1), frequency=1e6)
    with pytest.raises(ValueError, match="prescaler must be 1 to"):
        CameraSource(sensor=OV7670, picture=Picture(240, 320, 3, 224, 224, 1), frequency=1e6, prescaler=65)
