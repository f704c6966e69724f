# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The layout of columns in words."""

import numpy as np
import pytest

from firebrick.sw.plan.lane_layout import LaneLayout


def random_strips(rng: np.random.Generator) -> LaneLayout:
    lanes, tiles = (int(size) for size in rng.integers(1, 9, 2))
    return LaneLayout(lanes, int(rng.integers(1, lanes * tiles + 1)), tuple(int(tile) for tile in rng.permutation(tiles)))


@pytest.mark.parametrize("seed", range(10))
def test_strips_unpack_what_they_pack(seed: int) -> None:
    rng = np.random.default_rng(seed)
    strips = random_strips(rng)
    row = rng.integers(0, 256, (3, strips.width), dtype=np.uint8)
    words = strips.pack(row)
    assert words.shape == (3, strips.tiles, strips.lanes)
    assert np.array_equal(strips.unpack(words), row)


@pytest.mark.parametrize("seed", range(10))
def test_strips_hold_zero_beyond_the_map(seed: int) -> None:
    rng = np.random.default_rng(seed)
    strips = random_strips(rng)
    words = strips.pack(np.full((2, strips.width), 255, np.uint8))
    assert np.array_equal(words == 255, np.broadcast_to(strips.valid, words.shape))
    assert strips.valid.sum() == strips.width


def test_strips_give_each_lane_neighbouring_columns() -> None:
    strips = LaneLayout.natural(lanes=3, tiles=4, width=11)
    assert strips.columns.T.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert strips.valid.T.tolist() == [[True] * 4, [True] * 4, [True, True, True, False]]


def test_strips_are_sent_in_their_order() -> None:
    strips = LaneLayout(2, 6, (2, 0, 1))
    assert strips.pack(np.arange(6, dtype=np.uint8)[None]).tolist() == [[[2, 5], [0, 3], [1, 4]]]
    assert not strips.is_natural


@pytest.mark.parametrize("seed", range(10))
def test_narrowed_strips_hold_the_same_columns_in_the_same_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    strips = random_strips(rng)
    for lanes in (lanes for lanes in range(1, strips.lanes + 1) if strips.lanes % lanes == 0):
        ratio = strips.lanes // lanes
        narrow = strips.downsized(lanes)
        assert (narrow.lanes, narrow.tiles, narrow.width) == (lanes, strips.tiles * ratio, strips.width)
        split = strips.columns.reshape(strips.tiles, lanes, ratio).transpose(0, 2, 1).reshape(-1, lanes)
        assert np.array_equal(narrow.columns, split)


def test_strips_narrowed_to_their_own_lanes_are_the_same() -> None:
    strips = LaneLayout(4, 7, (1, 0))
    assert strips.downsized(4) == strips


@pytest.mark.parametrize("order", [(0, 2), (0, 0), (1, 2), (-1, 0)])
def test_strips_reject_an_order_that_is_no_permutation(order: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="order must be a permutation"):
        LaneLayout(2, 2, order)


@pytest.mark.parametrize("width", [0, -1, 7])
def test_strips_reject_a_width_that_does_not_fit(width: int) -> None:
    with pytest.raises(ValueError, match=f"width must be 1 to 6, not {width}"):
        LaneLayout.natural(lanes=2, tiles=3, width=width)


@pytest.mark.parametrize("lanes", [3, 8])
def test_strips_reject_lanes_that_do_not_divide(lanes: int) -> None:
    with pytest.raises(ValueError, match=f"lanes must divide 4, not {lanes}"):
        LaneLayout.natural(lanes=4, tiles=2, width=8).downsized(lanes)
