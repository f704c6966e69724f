# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""FIFO, skid buffer, width converter, serialiser, broadcast, interleaver and the helpers of ``hw/utils.py``.

What must come out is a rearrangement of what went in, written down here in a line of Python.
"""

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Const, Module, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from firebrick.hw.stream.adapters import Broadcast, Downsizer, Interleaver, Serializer
from firebrick.hw.stream.fifo import Fifo
from firebrick.hw.stream.skid_buffer import SkidBuffer
from firebrick.hw.utils import count_up, lookup
from firebrick.sw.plan.lane_layout import LaneLayout
from firebrick.sw.plan.nodes import DownsizerSpec, SerializerSpec
from tests.helpers.nodes import stream_beats_of
from tests.helpers.streams import simulate


def payloads_of(rng: np.random.Generator, count: int, bits: int = 16) -> list[int]:
    return [int(payload) for payload in rng.integers(0, 1 << bits, count)]


def back_to_back(count: int, latency: int) -> list[int]:
    """The cycles of payloads that follow each other without a pause; the first one goes in in cycle 1."""
    return list(range(1 + latency, 1 + latency + count))


class Lookup(wiring.Component):
    index: Signal
    entry: Signal

    def __init__(self, table: list[int], width: int) -> None:
        self._table = table
        self._width = width
        super().__init__({"index": In(range(16)), "entry": Out(width)})

    def elaborate(self, platform: object) -> Module:  # noqa: ARG002
        m = Module()
        m.d.comb += self.entry.eq(lookup(self._table, self.index, self._width))
        return m


@pytest.mark.parametrize("table", [[0], [5, 5, 5], [3, 0, 7], [1, 2, 3, 4, 5, 6, 7, 0]])
def test_lookup_gives_the_entry(table: list[int]) -> None:
    component = Lookup(table, 3)

    async def bench(ctx: Any) -> None:
        for index, entry in enumerate(table):
            ctx.set(component.index, index)
            assert ctx.get(component.entry) == entry

    simulator = Simulator(component)
    simulator.add_testbench(bench)
    simulator.run()


def test_lookup_of_equal_entries_is_a_constant() -> None:
    assert isinstance(lookup([2, 2], Signal(1), 3), Const)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
def test_count_up_wraps_around(count: int) -> None:
    counter = Signal(range(max(2, count)))
    m = Module()
    count_up(m, counter, count)

    async def bench(ctx: Any) -> None:
        for cycle in range(2 * count + 1):
            assert ctx.get(counter) == cycle % count
            await ctx.tick()

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize("stall", [0.0, 0.5])
@pytest.mark.parametrize("depth", [2, 3, 16])
@pytest.mark.parametrize("block", [False, True])
def test_fifo_keeps_the_order(depth: int, stall: float, block: bool) -> None:
    rng = np.random.default_rng(depth)
    sent = payloads_of(rng, 60)
    fifo = Fifo(shape=unsigned(16), depth=depth, block=block)
    taken, cycles = simulate(fifo, {"input": sent}, {"output": 60}, rng=rng, stall=stall)
    assert taken["output"] == sent
    if not stall and not (block and depth == 2):
        assert cycles["output"] == back_to_back(60, Fifo.BLOCK_RAM_LATENCY if block else Fifo.LATENCY)


def test_fifo_takes_payloads_of_any_layout() -> None:
    shape = data.StructLayout({"score": 7, "last": 1})
    sent = payloads_of(np.random.default_rng(0), 20, 8)
    taken, _ = simulate(Fifo(shape=shape, depth=4), {"input": sent}, {"output": 20}, rng=np.random.default_rng(0), stall=0.3)
    assert taken["output"] == sent


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.7])
def test_skid_buffer_sends_what_it_takes_without_a_pause(stall: float) -> None:
    rng = np.random.default_rng(int(10 * stall))
    sent = payloads_of(rng, 60)
    taken, cycles = simulate(SkidBuffer(shape=unsigned(16)), {"input": sent}, {"output": 60}, rng=rng, stall=stall)
    assert taken["output"] == sent
    if not stall:
        assert cycles["output"] == back_to_back(60, SkidBuffer.LATENCY)


def test_skid_buffer_is_ready_whatever_its_sink_does_in_the_same_cycle() -> None:
    buffer = SkidBuffer(shape=unsigned(4))

    async def bench(ctx: Any) -> None:
        ctx.set(buffer.input.valid, 1)
        for ready in (0, 0, 1, 0, 1, 1, 0):
            before = ctx.get(buffer.input.ready)
            ctx.set(buffer.output.ready, ready)
            assert ctx.get(buffer.input.ready) == before
            await ctx.tick()

    simulator = Simulator(buffer)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize("depth", [1, 0, -1])
def test_fifo_rejects_a_depth_below_two(depth: int) -> None:
    with pytest.raises(ValueError, match=f"depth must be at least 2, not {depth}"):
        Fifo(shape=unsigned(8), depth=depth)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("lanes", "fewer"), [(2, 1), (4, 2), (6, 2), (8, 1), (4, 4)])
def test_downsizer_sends_the_downsized_layout(lanes: int, fewer: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    tiles = int(rng.integers(1, 4))
    source = LaneLayout(lanes, int(rng.integers(1, lanes * tiles + 1)), tuple(int(tile) for tile in rng.permutation(tiles)))
    spec = DownsizerSpec(source, fewer)
    maps = rng.integers(0, 256, (2, 3, 2, source.width), dtype=np.uint8)
    sent = stream_beats_of(maps, spec.output)
    taken, cycles = simulate(
        Downsizer(spec=spec), {"input": stream_beats_of(maps, source)}, {"output": len(sent)}, rng=rng, stall=0.3 * (seed % 2)
    )
    assert taken["output"] == sent
    if seed % 2 == 0:
        assert cycles["output"] == back_to_back(len(sent), Downsizer.LATENCY), "one output beat a cycle"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("lanes", "tiles"), [(1, 1), (1, 5), (3, 1), (4, 2), (2, 7), (5, 9), (3, 20)])
def test_serializer_sends_columns_in_order(lanes: int, tiles: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    source = LaneLayout.natural(lanes=lanes, tiles=tiles, width=int(rng.integers(max(1, (lanes - 1) * tiles), lanes * tiles + 1)))
    spec = SerializerSpec(source, channels=3, height=2)
    maps = rng.integers(0, 256, (2, 3, 2, source.width), dtype=np.uint8)
    sent = stream_beats_of(maps, spec.output)
    taken, cycles = simulate(
        Serializer(spec=spec), {"input": stream_beats_of(maps, source)}, {"output": len(sent)}, rng=rng, stall=0.3 * (seed % 2)
    )
    assert taken["output"] == sent == maps.transpose(0, 2, 1, 3).reshape(-1).tolist()
    if seed % 2 == 0 and source.width == lanes * tiles:
        assert len(sent) == 2 * spec.cycles
        assert cycles["output"] == back_to_back(len(sent), tiles - 1 + Serializer.LATENCY), "one pixel a cycle, after the first row"


def test_serializer_rejects_tiles_in_another_order() -> None:
    with pytest.raises(ValueError, match="source must have its tiles in natural order"):
        Serializer(spec=SerializerSpec(LaneLayout(2, 4, (1, 0)), channels=1, height=1))


@pytest.mark.parametrize("stall", [0.0, 0.2, 0.6])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_broadcast_sends_every_beat_to_all_outputs(count: int, stall: float) -> None:
    rng = np.random.default_rng(count)
    sent = payloads_of(rng, 40)
    outputs = {f"output_{number}": 40 for number in range(count)}
    taken, cycles = simulate(Broadcast(lanes=2, count=count), {"input": sent}, outputs, rng=rng, stall=stall)
    assert all(taken[name] == sent for name in outputs)
    if not stall:
        assert all(cycles[name] == back_to_back(40, Broadcast.LATENCY) for name in outputs), "one beat a cycle"


@pytest.mark.parametrize("stall", [0.0, 0.4])
@pytest.mark.parametrize("tiles", [1, 3])
@pytest.mark.parametrize("schedule", [(1,), (2,), (3, 3), (3, 2, 1), (8, 8, 3), (1, 2)])
def test_interleaver_follows_its_schedule(schedule: tuple[int, ...], tiles: int, stall: float) -> None:
    rng = np.random.default_rng(tiles)
    sent: list[int] = []
    inputs: dict[str, list[int]] = {f"input_{number}": [] for number in range(max(schedule))}
    for taking_part in schedule * 3:
        for number in range(taking_part):
            beats = payloads_of(rng, tiles)
            inputs[f"input_{number}"] += beats
            sent += beats
    taken, cycles = simulate(Interleaver(lanes=2, tiles=tiles, schedule=schedule), inputs, {"output": len(sent)}, rng=rng, stall=stall)
    assert taken["output"] == sent
    if not stall:
        assert cycles["output"] == back_to_back(len(sent), Interleaver.LATENCY), "one beat a cycle"
