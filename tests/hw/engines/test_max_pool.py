# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Max pooling against the golden model."""

import numpy as np
import pytest

from firebrick.hw.engines.max_pool import MaxPoolEngine
from firebrick.sw import golden
from firebrick.sw.network.graph import POOLS, MaxPool
from firebrick.sw.plan.lane_layout import LaneLayout
from firebrick.sw.plan.nodes import MaxPoolSpec
from tests.helpers.nodes import stream_beats_of
from tests.helpers.streams import simulate

PAPER = MaxPool("pool")
ALL = [MaxPool("pool", *settings) for settings in POOLS]
UNPADDED = [pool for pool in ALL if not pool.padding]

every_pool = pytest.mark.parametrize("pool", ALL, ids=lambda pool: pool.geometry)
every_unpadded_pool = pytest.mark.parametrize("pool", UNPADDED, ids=lambda pool: pool.geometry)


def pool_spec(*, lanes: int, tiles: int, width: int, channels: int, height: int, pool: MaxPool = PAPER) -> MaxPoolSpec:
    source = LaneLayout.natural(lanes=lanes, tiles=2 * tiles, width=width)
    return MaxPoolSpec(pool, source, channels, height, LaneLayout.natural(lanes=lanes, tiles=tiles, width=pool.output_length(width)))


def single_lane_spec(*, width: int, channels: int, height: int, pool: MaxPool = PAPER) -> MaxPoolSpec:
    source, columns = LaneLayout.natural(lanes=1, tiles=width, width=width), pool.output_length(width)
    return MaxPoolSpec(pool, source, channels, height, LaneLayout.natural(lanes=1, tiles=columns, width=columns))


def check_pool(spec: MaxPoolSpec, *, rng: np.random.Generator, stall: float, fill: int | None = None) -> list[int]:
    """Checks three frames; returns the cycles of the output beats."""
    maps = rng.integers(0, 256, (3, spec.channels, spec.height, spec.source.width), dtype=np.uint8)
    if fill is not None:
        maps[:] = fill
    expected = stream_beats_of(golden.max_pool(maps, spec.pool), spec.output)
    inputs = {"input": stream_beats_of(maps, spec.source)}
    taken, cycles = simulate(MaxPoolEngine(spec=spec), inputs, {"output": len(expected)}, rng=rng, stall=stall, all_inputs=True)
    assert taken["output"] == expected
    return cycles["output"]


@pytest.mark.parametrize("seed", range(16))
def test_max_pool_pools_maps_of_random_shapes(seed: int) -> None:
    rng, pool = np.random.default_rng(seed), UNPADDED[seed % len(UNPADDED)]
    lanes, tiles = int(rng.integers(2, 5)), int(rng.integers(1, 3))
    width = int(rng.integers(pool.min_length, 2 * lanes * tiles + 1))
    height = int(rng.integers(pool.min_length, 9))
    spec = pool_spec(lanes=lanes, tiles=tiles, width=width, channels=int(rng.integers(1, 5)), height=height, pool=pool)
    check_pool(spec, rng=rng, stall=float(rng.choice([0.0, 0.3, 0.6])))


@pytest.mark.parametrize("seed", range(15))
def test_max_pool_pools_maps_of_random_shapes_in_a_single_lane(seed: int) -> None:
    rng, pool = np.random.default_rng(seed), ALL[seed % len(ALL)]
    height, width = (int(length) for length in rng.integers(pool.min_length, 9, 2))
    spec = single_lane_spec(width=width, channels=int(rng.integers(1, 4)), height=height, pool=pool)
    check_pool(spec, rng=rng, stall=float(rng.choice([0.0, 0.3, 0.6])))


@pytest.mark.parametrize("height", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("width", [5, 6, 7, 8])
def test_max_pool_takes_odd_and_even_sizes(width: int, height: int) -> None:
    check_pool(pool_spec(lanes=2, tiles=2, width=width, channels=2, height=height), rng=np.random.default_rng(0), stall=0.3)


@every_unpadded_pool
@pytest.mark.parametrize(("width", "height"), [(7, 6), (8, 5)])
def test_max_pool_takes_odd_and_even_sizes_of_every_pool(width: int, height: int, pool: MaxPool) -> None:
    check_pool(pool_spec(lanes=2, tiles=2, width=width, channels=1, height=height, pool=pool), rng=np.random.default_rng(0), stall=0.3)


@every_pool
@pytest.mark.parametrize("fill", [0, 255])
def test_max_pool_takes_extremes(fill: int, pool: MaxPool) -> None:
    check_pool(single_lane_spec(width=6, channels=2, height=5, pool=pool), rng=np.random.default_rng(0), stall=0.2, fill=fill)


@pytest.mark.parametrize("fill", [0, 255])
def test_max_pool_takes_extremes_in_several_lanes(fill: int) -> None:
    check_pool(pool_spec(lanes=2, tiles=2, width=7, channels=2, height=5), rng=np.random.default_rng(0), stall=0.2, fill=fill)


@pytest.mark.parametrize("stall", [0.0, 0.5])
@pytest.mark.parametrize(("tiles", "channels"), [(1, 1), (1, 2), (2, 1), (2, 2)])
def test_max_pool_takes_rows_of_few_beats(tiles: int, channels: int, stall: float) -> None:
    spec = pool_spec(lanes=3, tiles=tiles, width=6 * tiles, channels=channels, height=7)
    check_pool(spec, rng=np.random.default_rng(0), stall=stall)


@pytest.mark.parametrize("stall", [0.0, 0.5])
@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("width", [2, 3, 5])
def test_max_pool_takes_any_width_in_a_single_lane(width: int, channels: int, stall: float) -> None:
    check_pool(single_lane_spec(width=width, channels=channels, height=7), rng=np.random.default_rng(0), stall=stall)


@every_pool
@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_max_pool_of_every_kind_takes_the_narrowest_rows(stall: float, pool: MaxPool) -> None:
    """The memory of a single word is read again while it is written."""
    check_pool(single_lane_spec(width=pool.min_length, channels=1, height=5, pool=pool), rng=np.random.default_rng(0), stall=stall)


def test_max_pool_takes_a_beat_a_cycle() -> None:
    spec = pool_spec(lanes=2, tiles=3, width=12, channels=3, height=5)
    cycles = check_pool(spec, rng=np.random.default_rng(0), stall=0.0)
    frame = spec.channels * spec.source.tiles * spec.height
    beats = len(cycles) // 3
    assert [cycles[index + beats] - cycles[index] for index in range(2 * beats)] == [frame] * 2 * beats
    # The last beat of a frame completes a window; the first beat is taken in cycle 1.
    assert cycles[-1] == 3 * frame + MaxPoolEngine.LATENCY


@every_pool
@pytest.mark.parametrize("height", [5, 6])
def test_max_pool_takes_the_predicted_cycles(height: int, pool: MaxPool) -> None:
    """A frame takes the same cycles where its last rows and columns are in no window."""
    spec = single_lane_spec(width=height, channels=3, height=height, pool=pool)
    cycles = check_pool(spec, rng=np.random.default_rng(0), stall=0.0)
    beats = len(cycles) // 3
    assert {cycles[index + beats] - cycles[index] for index in range(2 * beats)} == {spec.cycles}


@pytest.mark.parametrize(
    ("source", "output", "pool"),
    [
        (LaneLayout.natural(lanes=2, tiles=4, width=8), LaneLayout.natural(lanes=1, tiles=2, width=2), PAPER),
        (LaneLayout.natural(lanes=2, tiles=3, width=6), LaneLayout.natural(lanes=2, tiles=2, width=2), PAPER),
        (LaneLayout(2, 8, (0, 2, 1, 3)), LaneLayout.natural(lanes=2, tiles=2, width=3), PAPER),
        (LaneLayout.natural(lanes=1, tiles=6, width=6), LaneLayout.natural(lanes=1, tiles=3, width=3), MaxPool("pool", ceil=False)),
        (LaneLayout.natural(lanes=2, tiles=4, width=8), LaneLayout.natural(lanes=2, tiles=2, width=4), MaxPool("pool", 3, 1, False)),
    ],
)
def test_max_pool_rejects_layouts_that_do_not_halve(source: LaneLayout, output: LaneLayout, pool: MaxPool) -> None:
    with pytest.raises(ValueError, match="source must have the output's lanes and twice its tiles in natural order"):
        MaxPoolEngine(spec=MaxPoolSpec(pool, source, 1, 3, output))
