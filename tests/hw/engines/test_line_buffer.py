# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The line buffer: what is written in any layout is read back in the layout of the engine.

The oracle is ``LaneLayout.pack``, one NumPy index that ``tests/sw/plan/test_lane_layout.py`` checks by itself.
"""

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Value
from amaranth.sim import Simulator
from amaranth.utils import ceil_log2
from numpy.typing import NDArray

from firebrick.hw.engines.line_buffer import READ_LATENCY, LineBuffer
from firebrick.sim.payloads import image_bytes, stream_beats
from firebrick.sw.plan.lane_layout import LaneLayout


def run(
    *,
    source: LaneLayout,
    channels_last: bool,
    channels: int,
    target: LaneLayout,
    slots: int,
    rows: int,
    rng: np.random.Generator,
    stall: float,
    hold: int,
    readers: int = 1,
    distributed: bool = False,
    banked: bool = False,
) -> None:
    """Writes random rows; every reader reads each as soon as it is available, and releases it ``hold`` cycles later."""
    shape: dict[str, Any] = {"channels": channels, "tiles": target.tiles, "lanes": target.lanes, "slots": slots}
    buffer = LineBuffer(source=source, channels_last=channels_last, readers=readers, distributed=distributed, banked=banked, **shape)
    maps = rng.integers(0, 256, (1, channels, rows, source.width), dtype=np.uint8)
    payloads = image_bytes(maps) if channels_last else stream_beats(maps, source, range(channels))
    simulator = Simulator(buffer)
    simulator.add_clock(1e-6)

    async def writer(ctx: Any) -> None:
        for payload in payloads:
            while rng.random() < stall:
                await ctx.tick()
            ctx.set(buffer.input.valid, 1)
            ctx.set(Value.cast(buffer.input.payload), payload)
            await ctx.tick().until(buffer.input.ready)
            ctx.set(buffer.input.valid, 0)

    def reading(reader: Any, hold: int) -> Any:
        async def read(ctx: Any) -> None:
            for row in range(rows):
                while not ctx.get(reader.available):
                    await ctx.tick()
                words = await read_slot(ctx, reader, row % slots, channels, target.tiles, target.lanes)
                assert np.array_equal(words, target.pack(maps[0, :, row])), f"row {row}"
                await ctx.tick().repeat(hold + 1)
                ctx.set(reader.release, 1)
                await ctx.tick()
                ctx.set(reader.release, 0)
            await ctx.tick().repeat(10)
            assert ctx.get(reader.available) == 0

        return read

    simulator.add_testbench(writer, background=True)
    for number, reader in enumerate(buffer.readers):
        simulator.add_testbench(reading(reader, hold * (1 + number)))
    simulator.run()


async def read_slot(ctx: Any, reader: Any, slot: int, channels: int, tiles: int, lanes: int) -> NDArray[np.uint8]:
    """Every word of a slot: one address a cycle, except while the reader is held."""
    positions = [(channel, tile) for channel in range(channels) for tile in range(tiles)]
    in_flight: list[bool] = [False] * (READ_LATENCY + 1)  # whether a word comes in each of the next cycles
    words: list[list[int]] = []
    while len(words) < len(positions):
        if in_flight.pop(0):
            words.append(list(ctx.get(Value.cast(reader.data)).to_bytes(lanes, "little")))
        requested = len(words) + sum(in_flight)
        request = not ctx.get(reader.hold) and requested < len(positions)
        await ctx.tick()
        if request:  # ``hold`` concerns the address of the next cycle
            channel, tile = positions[requested]
            ctx.set(reader.address, (slot << ceil_log2(channels) | channel) << ceil_log2(tiles) | tile)
        in_flight.append(request)
    return np.array(words, np.uint8).reshape(channels, tiles, -1)


@pytest.mark.parametrize("seed", range(8))
def test_line_buffer_scatters_images_over_the_lanes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lanes, tiles, channels = (int(rng.integers(1, top)) for top in (5, 5, 4))
    width = int(rng.integers(1, lanes * tiles + 1))
    run(
        source=LaneLayout.natural(lanes=1, tiles=width, width=width),
        channels_last=True,
        channels=channels,
        target=LaneLayout.natural(lanes=lanes, tiles=tiles, width=width),
        slots=int(rng.integers(2, 6)),
        rows=7,
        rng=rng,
        stall=float(rng.choice([0.0, 0.3])),
        hold=int(rng.integers(0, 20)),
        banked=bool(seed % 2),
    )


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("before", "lanes", "target"), [(1, 1, 1), (4, 4, 4), (4, 2, 4), (2, 2, 8), (2, 1, 4), (8, 2, 2)])
def test_line_buffer_takes_beats_narrower_than_its_words(before: int, lanes: int, target: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    total = max(before, target) * int(rng.integers(1, 4))
    width = int(rng.integers(1, total + 1))
    run(
        source=LaneLayout.natural(lanes=before, tiles=total // before, width=width).downsized(lanes),
        channels_last=False,
        channels=int(rng.integers(1, 6)),
        target=LaneLayout.natural(lanes=target, tiles=total // target, width=width),
        slots=int(rng.integers(2, 6)),
        rows=6,
        rng=rng,
        stall=float(rng.choice([0.0, 0.3])),
        hold=int(rng.integers(0, 20)),
        banked=bool(seed % 2),
    )


@pytest.mark.parametrize("readers", [1, 2])
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("lanes", "tiles", "target"), [(1, 7, 3), (1, 9, 9), (1, 4, 1), (2, 4, 4), (2, 6, 2), (3, 3, 9), (1, 5, 2)])
def test_line_buffer_takes_one_or_two_readers_and_strips_of_any_length(
    lanes: int, tiles: int, target: int, seed: int, readers: int
) -> None:
    rng = np.random.default_rng(seed)
    width = lanes * tiles
    run(
        source=LaneLayout(lanes, width, tuple(int(tile) for tile in rng.permutation(tiles))),
        channels_last=False,
        channels=int(rng.integers(1, 6)),
        target=LaneLayout.natural(lanes=target, tiles=-(-width // target), width=width),
        slots=int(rng.integers(2, 6)),
        rows=7,
        rng=rng,
        stall=float(rng.choice([0.0, 0.3])),
        hold=int(rng.integers(0, 20)),
        readers=readers,
        distributed=seed % 3 == 1,
        banked=seed % 3 == 2 and readers == 1,
    )


@pytest.mark.parametrize(("channels", "tiles", "slots"), [(1, 1, 2), (3, 2, 4), (2, 5, 3)])
def test_line_buffer_stalls_its_source_while_full(channels: int, tiles: int, slots: int) -> None:
    layout = LaneLayout.natural(lanes=2, tiles=tiles, width=2 * tiles)
    buffer = LineBuffer(source=layout, channels_last=False, channels=channels, tiles=tiles, lanes=2, slots=slots)

    async def bench(ctx: Any) -> None:
        ctx.set(buffer.input.valid, 1)
        for cycle in range(slots * channels * tiles):  # one word a cycle
            assert ctx.get(buffer.input.ready)
            assert ctx.get(buffer.reader_0.available) == cycle // (channels * tiles)
            await ctx.tick()
        assert ctx.get(buffer.reader_0.available) == slots
        for _ in range(10):
            assert not ctx.get(buffer.input.ready)
            await ctx.tick()
        ctx.set(buffer.reader_0.release, 1)
        await ctx.tick()
        ctx.set(buffer.reader_0.release, 0)
        for _ in range(channels * tiles):
            assert ctx.get(buffer.reader_0.available) == slots - 1
            assert ctx.get(buffer.input.ready)
            await ctx.tick()
        assert ctx.get(buffer.reader_0.available) == slots
        assert not ctx.get(buffer.input.ready)

    simulator = Simulator(buffer)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def test_line_buffer_fills_and_releases_in_the_same_cycle() -> None:
    layout = LaneLayout.natural(lanes=1, tiles=1, width=1)
    buffer = LineBuffer(source=layout, channels_last=False, channels=1, tiles=1, lanes=1, slots=2)

    async def bench(ctx: Any) -> None:
        ctx.set(buffer.input.valid, 1)
        await ctx.tick()
        ctx.set(buffer.reader_0.release, 1)
        for _ in range(10):
            assert ctx.get(buffer.reader_0.available) == 1
            await ctx.tick()

    simulator = Simulator(buffer)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def test_line_buffer_rejects_channels_last_beats_of_several_lanes() -> None:
    layout = LaneLayout.natural(lanes=2, tiles=2, width=4)
    with pytest.raises(ValueError, match="source must have one lane in channels-last order, not 2"):
        LineBuffer(source=layout, channels_last=True, channels=3, tiles=2, lanes=2, slots=3)


def test_line_buffer_rejects_beats_whose_pixels_lie_in_different_tiles() -> None:
    layout = LaneLayout.natural(lanes=2, tiles=4, width=8)
    with pytest.raises(ValueError, match="tiles must divide the source's 4, not 3"):
        LineBuffer(source=layout, channels_last=False, channels=3, tiles=3, lanes=3, slots=3)


@pytest.mark.parametrize("readers", [0, 3])
def test_line_buffer_rejects_more_readers_than_its_memory_has_ports(readers: int) -> None:
    layout = LaneLayout.natural(lanes=2, tiles=4, width=8)
    with pytest.raises(ValueError, match=f"readers must be 1 or 2, not {readers}"):
        LineBuffer(source=layout, channels_last=False, channels=3, tiles=4, lanes=2, slots=3, readers=readers)


def test_line_buffer_rejects_two_readers_of_a_banked_memory() -> None:
    layout = LaneLayout.natural(lanes=2, tiles=4, width=8)
    with pytest.raises(ValueError, match="readers must be 1 of a buffer in banks, not 2"):
        LineBuffer(source=layout, channels_last=False, channels=3, tiles=4, lanes=2, slots=3, readers=2, banked=True)
