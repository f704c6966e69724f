# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The lanes: products, sums, requantisation and credit.

The oracle, ``Setup.expected``, is a loop over Python's unbounded integers, without pipeline or width: nothing in it can overflow.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Value
from amaranth.sim import Simulator

from firebrick.hw.engines.line_buffer import READ_LATENCY
from firebrick.hw.engines.mac_array import MacArray
from firebrick.sw.plan.lane_layout import LaneLayout
from firebrick.sw.plan.memory_mapping import MIN_BLOCK_RAM_RAW_DISTANCE
from firebrick.sw.plan.nodes import OUTPUT_FIFO_DEPTH, Arithmetic
from tests.helpers.streams import watch


@dataclass(frozen=True)
class Operation:
    """One strobe."""

    pixels: tuple[int, ...]
    centroid: int
    rotation: int = 0
    zero: int = 0
    accumulator: int = 0
    filter: int = 0
    tile: int = 0
    first: int = 0
    last: int = 0


@dataclass(frozen=True)
class Setup:
    """The parameters of a MacArray, and what it must compute."""

    output: LaneLayout
    source_lanes: int
    rotations: tuple[int, ...]
    accumulators: int
    centroid_bits: int
    arithmetic: Arithmetic
    raw_distance: int = 1
    block_ram: bool = False

    def expected(self, operations: Sequence[Operation]) -> list[tuple[int, ...]]:
        accumulators = [[0] * self.output.lanes for _ in range(self.accumulators)]
        beats = []
        for operation in operations:
            totals = accumulators[operation.accumulator]
            for lane in range(self.output.lanes):
                source = lane + self.rotations[operation.rotation]
                pixel = operation.pixels[source] if 0 <= source < self.source_lanes and not operation.zero else 0
                initial = self.arithmetic.accumulator_init[operation.filter] if operation.first else totals[lane]
                totals[lane] = initial + pixel * operation.centroid
            if operation.last:
                clamped = [min(255, max(0, value >> self.arithmetic.shift)) for value in totals]
                in_map = self.output.valid[operation.tile]
                beats.append(tuple(int(valid) * value for valid, value in zip(in_map, clamped, strict=True)))
        return beats


def run(
    setup: Setup, operations: Sequence[Operation], *, rng: np.random.Generator, stall: float = 0.0
) -> tuple[list[tuple[int, ...]], list[int]]:
    """The output beats, and for each the cycles since the last strobe of its sum."""
    mac = MacArray(
        output=setup.output,
        source_lanes=setup.source_lanes,
        rotations=setup.rotations,
        accumulators=setup.accumulators,
        centroid_bits=setup.centroid_bits,
        arithmetic=setup.arithmetic,
        raw_distance=setup.raw_distance,
        block_ram=setup.block_ram,
    )
    simulator = Simulator(mac)
    simulator.add_clock(1e-6)
    beats: list[tuple[int, ...]] = []
    strobed: list[int] = []
    latencies: list[int] = []
    count = sum(operation.last for operation in operations)

    async def driver(ctx: Any) -> None:
        waiting = list(operations)
        in_flight: list[tuple[int, ...] | None] = [None] * READ_LATENCY
        cycle = credit = 0
        while waiting or any(in_flight):
            go = bool(waiting) and rng.random() >= stall / 2 and (credit or not waiting[0].last)
            operation = waiting.pop(0) if go else None
            ctx.set(mac.strobe, int(go))
            if operation:
                for name in ("centroid", "rotation", "zero", "accumulator", "filter", "tile", "first", "last"):
                    ctx.set(getattr(mac.control, name), getattr(operation, name))
                if operation.last:
                    strobed.append(cycle)
            in_flight.append(operation.pixels if operation else None)
            pixels = in_flight.pop(0) or tuple(int(byte) for byte in rng.integers(0, 256, setup.source_lanes))
            ctx.set(Value.cast(mac.pixels), int.from_bytes(bytes(pixels), "little"))
            _, _, credit = await ctx.tick().sample(mac.credit)
            cycle += 1
        ctx.set(mac.strobe, 0)

    async def sink(ctx: Any) -> None:
        cycle = 0
        while len(beats) < count:
            ready = int(rng.random() >= stall)
            ctx.set(mac.output.ready, ready)
            _, _, valid, payload = await ctx.tick().sample(mac.output.valid, Value.cast(mac.output.payload))
            if valid and ready:
                beats.append(tuple(payload.to_bytes(setup.output.lanes, "little")))
                latencies.append(cycle - strobed[len(beats) - 1])
            cycle += 1
            assert cycle < 500 + 20 * len(operations)

    watch(simulator, mac.output, "output")
    simulator.add_testbench(driver, background=True)
    simulator.add_testbench(sink)
    simulator.run()
    return beats, latencies


def simple(arithmetic: Arithmetic, *, centroid_bits: int = 8, lanes: int = 1, accumulators: int = 1) -> Setup:
    return Setup(LaneLayout.natural(lanes=lanes, tiles=1, width=lanes), lanes, (0,), accumulators, centroid_bits, arithmetic)


@pytest.mark.parametrize("seed", range(12))
def test_mac_computes_random_sums(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lanes, tiles, filters, accumulators = (int(rng.integers(1, top)) for top in (5, 4, 4, 6))
    centroid_bits = int(rng.integers(2, 11))
    source_lanes = lanes + int(rng.integers(0, 3))
    max_rotation = source_lanes if rng.random() < 0.5 else 1
    rotations = tuple(sorted({0, *(int(rotation) for rotation in rng.integers(-max_rotation, max_rotation + 1, 3))}))
    limit = 1 << (centroid_bits - 1)
    initial_values = tuple(int(value) for value in rng.integers(-5000, 5000, filters))
    setup = Setup(
        output=LaneLayout.natural(lanes=lanes, tiles=tiles, width=int(rng.integers(1, lanes * tiles + 1))),
        source_lanes=source_lanes,
        rotations=rotations,
        accumulators=accumulators,
        centroid_bits=centroid_bits,
        arithmetic=Arithmetic(initial_values, 26, int(rng.integers(0, 10)), lut_multipliers=seed % 3 == 0),
    )

    def operation(**ends: int) -> Operation:
        limits = {"rotation": len(rotations), "filter": filters, "tile": tiles, "zero": 2}
        fields = {name: int(rng.integers(0, limit)) for name, limit in limits.items()}
        pixels = tuple(int(pixel) for pixel in rng.choice([0, 1, 100, 254, 255], source_lanes))
        return Operation(pixels, int(rng.integers(-limit, limit)), **fields, **ends)

    operations = [operation(accumulator=index, first=1) for index in range(accumulators)]
    for _ in range(60):
        operations.append(
            operation(accumulator=int(rng.integers(0, accumulators)), first=int(rng.random() < 0.2), last=int(rng.random() < 0.4))
        )
    beats, _ = run(setup, operations, rng=rng, stall=float(rng.choice([0.0, 0.5, 0.8])))
    assert beats == setup.expected(operations)


@pytest.mark.parametrize(
    ("accumulators", "block_ram"),
    [(2, False), (3, False), (40, False), (MIN_BLOCK_RAM_RAW_DISTANCE, True), (MIN_BLOCK_RAM_RAW_DISTANCE + 2, True)],
)
def test_mac_reads_accumulators_ahead(accumulators: int, block_ram: bool) -> None:
    rng = np.random.default_rng(accumulators)
    setup = replace(simple(Arithmetic((7, -9), 24, 3), lanes=2, accumulators=accumulators), raw_distance=accumulators, block_ram=block_ram)
    operations = []
    for visit in range(20):
        ends = {"first": int(visit % 5 == 0), "last": int(visit % 5 == 4), "filter": int(visit > 9)}
        for index in range(accumulators):
            pixels = (int(rng.integers(0, 256)), int(rng.integers(0, 256)))
            operations.append(Operation(pixels, int(rng.integers(-128, 128)), accumulator=index, **ends))
    beats, _ = run(setup, operations, rng=rng)
    assert beats == setup.expected(operations)


def test_mac_rejects_a_raw_distance_too_small_for_block_ram() -> None:
    setup = replace(simple(Arithmetic((0,), 20, 0), accumulators=2), raw_distance=2, block_ram=True)
    with pytest.raises(
        ValueError, match=f"raw_distance must be at least {MIN_BLOCK_RAM_RAW_DISTANCE} for accumulators in block RAM, not 2"
    ):
        run(setup, [], rng=np.random.default_rng(0))


def test_mac_takes_a_product_every_cycle_and_keeps_its_latency() -> None:
    setup = simple(Arithmetic((3,), 20, 0))
    operations = [Operation((index,), 1, first=1, last=1) for index in range(40)]
    beats, latencies = run(setup, operations, rng=np.random.default_rng(0))
    assert beats == setup.expected(operations)
    assert latencies == [MacArray.LATENCY] * 40


@pytest.mark.parametrize("rotation", [-3, -1, 0, 1, 2])
def test_mac_rotates_pixels_and_pads_with_zeros(rotation: int) -> None:
    setup = replace(simple(Arithmetic((0,), 20, 0), lanes=4), rotations=(rotation,), source_lanes=5)
    beats, _ = run(setup, [Operation((1, 2, 3, 4, 5), 1, first=1, last=1)], rng=np.random.default_rng(0))
    assert beats == [tuple([0, 0, 0, 1, 2, 3, 4, 5, 0, 0][3 + rotation : 7 + rotation])]


def test_mac_takes_zero_for_rows_outside_the_map() -> None:
    setup = simple(Arithmetic((7,), 20, 0))
    beats, _ = run(setup, [Operation((255,), 100, zero=1, first=1, last=1)], rng=np.random.default_rng(0))
    assert beats == [(7,)]


@pytest.mark.parametrize(("total", "pixel"), [(-1, 0), (-4000, 0), (0, 0), (15, 0), (16, 1), (4079, 254), (4080, 255), (9999, 255)])
def test_mac_requantises(total: int, pixel: int) -> None:
    beats, _ = run(simple(Arithmetic((total,), 16, 4)), [Operation((0,), 1, first=1, last=1)], rng=np.random.default_rng(0))
    assert beats == [(pixel,)]


@pytest.mark.parametrize(("bits", "shift"), [(10, 0), (10, 1), (10, 2), (10, 9), (9, 0), (8, 0), (2, 0), (2, 5)])
@pytest.mark.parametrize("start", ["lowest", "highest"])
def test_mac_requantises_at_the_ends_of_its_accumulator(start: str, bits: int, shift: int) -> None:
    value = -(1 << (bits - 1)) if start == "lowest" else (1 << (bits - 1)) - 1
    setup = simple(Arithmetic((value,), bits, shift))
    operations = [Operation((0,), 1, first=1, last=1)]
    beats, _ = run(setup, operations, rng=np.random.default_rng(0))
    assert beats == setup.expected(operations)


@pytest.mark.parametrize("centroid", [511, -511, (1 << 15) - 1, -(1 << 15)])
def test_mac_needs_the_proven_accumulator_width_and_no_more(centroid: int) -> None:
    operations = [Operation((255,), centroid, first=int(index == 0), last=int(index == 2)) for index in range(3)]
    bits = (3 * 255 * abs(centroid)).bit_length() + 1
    proven, too_narrow = (simple(Arithmetic((0,), width, bits - 9), centroid_bits=16) for width in (bits, bits - 1))
    assert run(proven, operations, rng=np.random.default_rng(0))[0] == proven.expected(operations)
    assert run(too_narrow, operations, rng=np.random.default_rng(0))[0] != too_narrow.expected(operations)


def test_mac_gives_no_more_credit_than_its_fifo_holds() -> None:
    mac = MacArray(
        output=LaneLayout.natural(lanes=1, tiles=1, width=1),
        source_lanes=1,
        rotations=(0,),
        accumulators=1,
        centroid_bits=4,
        arithmetic=Arithmetic((5,), 12, 0),
    )
    strobes = 0

    async def bench(ctx: Any) -> None:
        nonlocal strobes
        credit = 0
        ctx.set(mac.control.first, 1)
        ctx.set(mac.control.last, 1)
        for _ in range(60):
            ctx.set(mac.strobe, credit)
            strobes += credit
            _, _, credit = await ctx.tick().sample(mac.credit)
        ctx.set(mac.strobe, 0)
        assert strobes <= OUTPUT_FIFO_DEPTH
        ctx.set(mac.output.ready, 1)
        for _ in range(strobes):
            assert ctx.get(mac.output.valid)
            await ctx.tick()
        assert not ctx.get(mac.output.valid)

    simulator = Simulator(mac)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert strobes >= MacArray.LATENCY
