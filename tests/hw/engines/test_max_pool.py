# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Max pooling against the golden model."""

import numpy as np
import pytest

from firebrick.hw.engines.max_pool import MaxPoolEngine
from firebrick.sw import golden
from firebrick.sw.network.graph import pooled_length
from firebrick.sw.plan.lane_layout import LaneLayout
from firebrick.sw.plan.nodes import MaxPoolSpec
from tests.helpers.nodes import stream_beats_of
from tests.helpers.streams import simulate


def pool_spec(*, lanes: int, tiles: int, width: int, channels: int, height: int) -> MaxPoolSpec:
    source = LaneLayout.natural(lanes=lanes, tiles=2 * tiles, width=width)
    return MaxPoolSpec("pool", source, channels, height, LaneLayout.natural(lanes=lanes, tiles=tiles, width=pooled_length(width)))


def check_pool(spec: MaxPoolSpec, *, rng: np.random.Generator, stall: float, fill: int | None = None) -> list[int]:
    """Checks three frames; returns the cycles of the output beats."""
    maps = rng.integers(0, 256, (3, spec.channels, spec.height, spec.source.width), dtype=np.uint8)
    if fill is not None:
        maps[:] = fill
    expected = stream_beats_of(golden.max_pool(maps), spec.output)
    taken, cycles = simulate(
        MaxPoolEngine(spec=spec), {"input": stream_beats_of(maps, spec.source)}, {"output": len(expected)}, rng=rng, stall=stall
    )
    assert taken["output"] == expected
    return cycles["output"]


@pytest.mark.parametrize("seed", range(12))
def test_max_pool_pools_maps_of_random_shapes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lanes, tiles = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    width = int(rng.integers(min(3, 2 * lanes * tiles), 2 * lanes * tiles + 1))
    spec = pool_spec(lanes=lanes, tiles=tiles, width=width, channels=int(rng.integers(1, 5)), height=int(rng.integers(3, 9)))
    check_pool(spec, rng=rng, stall=float(rng.choice([0.0, 0.3, 0.6])))


@pytest.mark.parametrize("height", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("width", [5, 6, 7, 8])
def test_max_pool_takes_odd_and_even_sizes(width: int, height: int) -> None:
    check_pool(pool_spec(lanes=2, tiles=2, width=width, channels=2, height=height), rng=np.random.default_rng(0), stall=0.3)


@pytest.mark.parametrize("fill", [0, 255])
def test_max_pool_takes_extremes(fill: int) -> None:
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
    source = LaneLayout.natural(lanes=1, tiles=width, width=width)
    output = LaneLayout.natural(lanes=1, tiles=pooled_length(width), width=pooled_length(width))
    check_pool(MaxPoolSpec("pool", source, channels, 7, output), rng=np.random.default_rng(0), stall=stall)


def test_max_pool_takes_a_beat_a_cycle() -> None:
    spec = pool_spec(lanes=2, tiles=3, width=12, channels=3, height=5)
    cycles = check_pool(spec, rng=np.random.default_rng(0), stall=0.0)
    frame = spec.channels * spec.source.tiles * spec.height
    beats = len(cycles) // 3
    assert [cycles[index + beats] - cycles[index] for index in range(2 * beats)] == [frame] * 2 * beats
    # The last beat of a frame completes a window; the first beat is taken in cycle 1.
    assert cycles[-1] == 3 * frame + MaxPoolEngine.LATENCY


@pytest.mark.parametrize(
    ("source", "output"),
    [
        (LaneLayout.natural(lanes=2, tiles=4, width=8), LaneLayout.natural(lanes=1, tiles=2, width=2)),
        (LaneLayout.natural(lanes=2, tiles=3, width=6), LaneLayout.natural(lanes=2, tiles=2, width=2)),
        (LaneLayout(2, 8, (0, 2, 1, 3)), LaneLayout.natural(lanes=2, tiles=2, width=3)),
    ],
)
def test_max_pool_rejects_layouts_that_do_not_halve(source: LaneLayout, output: LaneLayout) -> None:
    with pytest.raises(ValueError, match="source must have the output's lanes and twice its tiles in natural order"):
        MaxPoolEngine(spec=MaxPoolSpec("pool", source, 1, 3, output))
