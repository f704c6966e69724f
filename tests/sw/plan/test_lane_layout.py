# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The layout of columns in beats."""

import numpy as np
import pytest

from firebrick.sw.plan.lane_layout import LaneLayout


def random_layout(rng: np.random.Generator) -> LaneLayout:
    lanes, tiles = (int(size) for size in rng.integers(1, 9, 2))
    return LaneLayout(lanes, int(rng.integers(1, lanes * tiles + 1)), tuple(int(tile) for tile in rng.permutation(tiles)))


@pytest.mark.parametrize("seed", range(10))
def test_lane_layout_unpacks_what_it_packs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    layout = random_layout(rng)
    row = rng.integers(0, 256, (3, layout.width), dtype=np.uint8)
    beats = layout.pack(row)
    assert beats.shape == (3, layout.tiles, layout.lanes)
    assert np.array_equal(layout.unpack(beats), row)


@pytest.mark.parametrize("seed", range(10))
def test_lane_layout_holds_zero_beyond_the_map(seed: int) -> None:
    rng = np.random.default_rng(seed)
    layout = random_layout(rng)
    beats = layout.pack(np.full((2, layout.width), 255, np.uint8))
    assert np.array_equal(beats == 255, np.broadcast_to(layout.valid, beats.shape))
    assert layout.valid.sum() == layout.width


def test_lane_layout_gives_each_lane_neighbouring_columns() -> None:
    layout = LaneLayout.natural(lanes=3, tiles=4, width=11)
    assert layout.columns.T.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert layout.valid.T.tolist() == [[True] * 4, [True] * 4, [True, True, True, False]]


def test_lane_layout_sends_tiles_in_its_order() -> None:
    layout = LaneLayout(2, 6, (2, 0, 1))
    assert layout.pack(np.arange(6, dtype=np.uint8)[None]).tolist() == [[[2, 5], [0, 3], [1, 4]]]
    assert not layout.is_natural


@pytest.mark.parametrize("seed", range(10))
def test_downsized_layout_holds_the_same_columns_in_the_same_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    layout = random_layout(rng)
    for lanes in (lanes for lanes in range(1, layout.lanes + 1) if layout.lanes % lanes == 0):
        ratio = layout.lanes // lanes
        downsized = layout.downsized(lanes)
        assert (downsized.lanes, downsized.tiles, downsized.width) == (lanes, layout.tiles * ratio, layout.width)
        expected = layout.columns.reshape(layout.tiles, lanes, ratio).transpose(0, 2, 1).reshape(-1, lanes)
        assert np.array_equal(downsized.columns, expected)


def test_lane_layout_downsized_to_its_own_lanes_is_the_same() -> None:
    layout = LaneLayout(4, 7, (1, 0))
    assert layout.downsized(4) == layout


@pytest.mark.parametrize("order", [(0, 2), (0, 0), (1, 2), (-1, 0)])
def test_lane_layout_rejects_an_order_that_is_no_permutation(order: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="order must be a permutation"):
        LaneLayout(2, 2, order)


@pytest.mark.parametrize("width", [0, -1, 7])
def test_lane_layout_rejects_a_width_that_does_not_fit(width: int) -> None:
    with pytest.raises(ValueError, match=f"width must be 1 to 6, not {width}"):
        LaneLayout.natural(lanes=2, tiles=3, width=width)


@pytest.mark.parametrize("lanes", [3, 8])
def test_lane_layout_rejects_lanes_that_do_not_divide(lanes: int) -> None:
    with pytest.raises(ValueError, match=f"lanes must divide 4, not {lanes}"):
        LaneLayout.natural(lanes=4, tiles=2, width=8).downsized(lanes)
