# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The global sum against the golden model."""

import numpy as np
import pytest

from firebrick.hw.engines.global_sum import GlobalSum
from firebrick.sim.payloads import score_payloads
from firebrick.sw import golden
from firebrick.sw.plan.lane_layout import LaneLayout
from firebrick.sw.plan.nodes import GlobalSumSpec
from tests.helpers.nodes import stream_beats_of
from tests.helpers.streams import simulate


def check_global_sum(spec: GlobalSumSpec, *, rng: np.random.Generator, stall: float, fill: int | None = None) -> list[int]:
    """Checks three frames; returns the cycles of the scores."""
    maps = rng.integers(0, 256, (3, spec.channels, spec.height, spec.source.width), dtype=np.uint8)
    if fill is not None:
        maps[:] = fill
    expected = score_payloads(golden.global_sum(maps), spec.score_bits)
    taken, cycles = simulate(
        GlobalSum(spec=spec), {"input": stream_beats_of(maps, spec.source)}, {"output": len(expected)}, rng=rng, stall=stall
    )
    assert taken["output"] == expected
    return cycles["output"]


@pytest.mark.parametrize("seed", range(12))
def test_global_sum_adds_maps_of_random_shapes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lanes, tiles = int(rng.integers(1, 8)), int(rng.integers(1, 5))
    source = LaneLayout(lanes, int(rng.integers(1, lanes * tiles + 1)), tuple(int(tile) for tile in rng.permutation(tiles)))
    spec = GlobalSumSpec("average", source, int(rng.integers(1, 8)), int(rng.integers(1, 6)))
    check_global_sum(spec, rng=rng, stall=float(rng.choice([0.0, 0.3, 0.6])))


@pytest.mark.parametrize("fill", [0, 255])
@pytest.mark.parametrize("lanes", [1, 3, 4])
def test_global_sum_takes_extremes(lanes: int, fill: int) -> None:
    spec = GlobalSumSpec("average", LaneLayout.natural(lanes=lanes, tiles=2, width=2 * lanes), 3, 4)
    check_global_sum(spec, rng=np.random.default_rng(0), stall=0.2, fill=fill)


@pytest.mark.parametrize("stall", [0.0, 0.5])
@pytest.mark.parametrize(("lanes", "tiles", "height", "channels"), [(1, 1, 1, 1), (1, 1, 4, 1), (1, 1, 1, 3), (1, 3, 1, 1), (2, 1, 3, 2)])
def test_global_sum_takes_the_smallest_maps(lanes: int, tiles: int, height: int, channels: int, stall: float) -> None:
    spec = GlobalSumSpec("average", LaneLayout.natural(lanes=lanes, tiles=tiles, width=lanes * tiles), channels, height)
    check_global_sum(spec, rng=np.random.default_rng(0), stall=stall)


def test_global_sum_takes_a_beat_a_cycle() -> None:
    spec = GlobalSumSpec("average", LaneLayout.natural(lanes=2, tiles=3, width=6), 4, 5)
    cycles = check_global_sum(spec, rng=np.random.default_rng(0), stall=0.0)
    frame = 3 * 4 * 5
    assert cycles[3::4] == [count * frame + GlobalSum.LATENCY for count in (1, 2, 3)]
