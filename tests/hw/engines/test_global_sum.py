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
    scores = golden.global_sum(maps, spec.zero_point)
    assert spec.score_signed or scores.min() >= 0
    expected = score_payloads(scores, spec.score_bits)
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


@pytest.mark.parametrize("seed", range(8))
def test_global_sum_subtracts_zero_points(seed: int) -> None:
    rng = np.random.default_rng([seed, 1])
    lanes, tiles = int(rng.integers(1, 6)), int(rng.integers(1, 4))
    source = LaneLayout(lanes, int(rng.integers(1, lanes * tiles + 1)), tuple(int(tile) for tile in rng.permutation(tiles)))
    spec = GlobalSumSpec("average", source, int(rng.integers(1, 8)), int(rng.integers(1, 6)), int(rng.integers(1, 256)))
    check_global_sum(spec, rng=rng, stall=float(rng.choice([0.0, 0.3, 0.6])))


@pytest.mark.parametrize("positions", [1, 2, 6, 64, 169])
@pytest.mark.parametrize("zero_point", [0, 1, 127, 128, 254, 255])
def test_scores_have_just_the_bits_for_all_bytes_0_and_all_bytes_255(zero_point: int, positions: int) -> None:
    spec = GlobalSumSpec("average", LaneLayout.natural(lanes=1, tiles=positions, width=positions), 1, 1, zero_point)
    lowest, highest = -zero_point * positions, (255 - zero_point) * positions

    def fits(bits: int) -> bool:
        low, high = (-(1 << bits >> 1), (1 << bits >> 1) - 1) if spec.score_signed else (0, (1 << bits) - 1)
        return low <= lowest <= highest <= high

    assert fits(spec.score_bits)
    assert not fits(spec.score_bits - 1)
    assert spec.score_signed == (lowest < 0)


@pytest.mark.parametrize("zero_point", [0, 1, 100, 255])
@pytest.mark.parametrize("fill", [0, 255])
@pytest.mark.parametrize("lanes", [1, 3, 4])
def test_global_sum_takes_extremes(lanes: int, fill: int, zero_point: int) -> None:
    spec = GlobalSumSpec("average", LaneLayout.natural(lanes=lanes, tiles=2, width=2 * lanes), 3, 4, zero_point)
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
