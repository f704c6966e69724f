# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Queue, Relay, Narrow, Serial, Fork and Merge."""

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
def test_count_up_goes_round(count: int) -> None:
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
def test_queue_keeps_the_order(depth: int, stall: float) -> None:
    rng = np.random.default_rng(depth)
    sent = payloads_of(rng, 60)
    taken, cycles = simulate(Fifo(shape=unsigned(16), depth=depth), {"input": sent}, {"output": 60}, rng=rng, stall=stall)
    assert taken["output"] == sent
    if not stall:
        assert cycles["output"] == list(range(cycles["output"][0], cycles["output"][0] + 60))


def test_queue_takes_payloads_of_any_layout() -> None:
    shape = data.StructLayout({"score": 7, "last": 1})
    sent = payloads_of(np.random.default_rng(0), 20, 8)
    taken, _ = simulate(Fifo(shape=shape, depth=4), {"input": sent}, {"output": 20}, rng=np.random.default_rng(0), stall=0.3)
    assert taken["output"] == sent


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.7])
def test_relay_sends_what_it_takes_without_a_pause(stall: float) -> None:
    rng = np.random.default_rng(int(10 * stall))
    sent = payloads_of(rng, 60)
    taken, cycles = simulate(SkidBuffer(shape=unsigned(16)), {"input": sent}, {"output": 60}, rng=rng, stall=stall)
    assert taken["output"] == sent
    if not stall:
        assert cycles["output"] == list(range(cycles["output"][0], cycles["output"][0] + 60))


def test_relay_is_ready_whatever_its_sink_does_in_the_same_cycle() -> None:
    relay = SkidBuffer(shape=unsigned(4))

    async def bench(ctx: Any) -> None:
        ctx.set(relay.input.valid, 1)
        for ready in (0, 0, 1, 0, 1, 1, 0):
            before = ctx.get(relay.input.ready)
            ctx.set(relay.output.ready, ready)
            assert ctx.get(relay.input.ready) == before
            await ctx.tick()

    simulator = Simulator(relay)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize("depth", [1, 0, -1])
def test_queue_rejects_a_depth_below_two(depth: int) -> None:
    with pytest.raises(ValueError, match=f"depth must be at least 2, not {depth}"):
        Fifo(shape=unsigned(8), depth=depth)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("wide", "narrow"), [(2, 1), (4, 2), (6, 2), (8, 1), (4, 4)])
def test_narrow_sends_narrowed_strips(wide: int, narrow: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    tiles = int(rng.integers(1, 4))
    source = LaneLayout(wide, int(rng.integers(1, wide * tiles + 1)), tuple(int(tile) for tile in rng.permutation(tiles)))
    spec = DownsizerSpec(source, narrow)
    maps = rng.integers(0, 256, (2, 3, 2, source.width), dtype=np.uint8)
    sent = stream_beats_of(maps, spec.output)
    taken, cycles = simulate(
        Downsizer(spec=spec), {"input": stream_beats_of(maps, source)}, {"output": len(sent)}, rng=rng, stall=0.3 * (seed % 2)
    )
    assert taken["output"] == sent
    if seed % 2 == 0:
        assert cycles["output"][-1] - cycles["output"][0] == len(sent) - 1, "one narrow word a cycle"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("lanes", "tiles"), [(1, 1), (1, 5), (3, 1), (4, 2), (2, 7), (5, 9), (3, 20)])
def test_serial_sends_columns_in_order(lanes: int, tiles: int, seed: int) -> None:
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
        assert cycles["output"][-1] - cycles["output"][0] == len(sent) - 1 == 2 * spec.cycles - 1, "one pixel a cycle"


def test_serial_rejects_tiles_in_another_order() -> None:
    with pytest.raises(ValueError, match="source must have its tiles in natural order"):
        Serializer(spec=SerializerSpec(LaneLayout(2, 4, (1, 0)), channels=1, height=1))


@pytest.mark.parametrize("stall", [0.0, 0.2, 0.6])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_fork_sends_every_word_to_all(count: int, stall: float) -> None:
    rng = np.random.default_rng(count)
    sent = payloads_of(rng, 40)
    outputs = {f"output_{number}": 40 for number in range(count)}
    taken, cycles = simulate(Broadcast(lanes=2, count=count), {"input": sent}, outputs, rng=rng, stall=stall)
    assert all(taken[name] == sent for name in outputs)
    if not stall:
        assert all(cycles[name][-1] - cycles[name][0] == 39 for name in outputs), "one word a cycle"


@pytest.mark.parametrize("stall", [0.0, 0.4])
@pytest.mark.parametrize("tiles", [1, 3])
@pytest.mark.parametrize("turns", [(1,), (2,), (3, 3), (3, 2, 1), (8, 8, 3), (1, 2)])
def test_merge_sends_filters_in_turn(turns: tuple[int, ...], tiles: int, stall: float) -> None:
    rng = np.random.default_rng(tiles)
    sent: list[int] = []
    inputs: dict[str, list[int]] = {f"input_{number}": [] for number in range(max(turns))}
    for turn in turns * 3:
        for number in range(turn):
            words = payloads_of(rng, tiles)
            inputs[f"input_{number}"] += words
            sent += words
    taken, cycles = simulate(Interleaver(lanes=2, tiles=tiles, turns=turns), inputs, {"output": len(sent)}, rng=rng, stall=stall)
    assert taken["output"] == sent
    if not stall:
        assert cycles["output"][-1] - cycles["output"][0] == len(sent) - 1, "one word a cycle"
