# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Block RAMs that memories take."""

import pytest

from firebrick.sw.fpga.fabric import ECP5
from firebrick.sw.fpga.memory_shapes import address_span, block_rams, row_span, shared_block_rams


@pytest.mark.parametrize(
    ("depth", "width", "count"), [(512, 36, 1), (513, 36, 2), (1024, 18, 1), (2048, 9, 1), (2048, 10, 2), (1024, 112, 7), (100, 8, 1)]
)
def test_block_rams_take_the_shape_that_wastes_least(depth: int, width: int, count: int) -> None:
    assert block_rams(depth, width) == count


@pytest.mark.parametrize(("depth", "width", "count"), [(512, 36, 2), (1024, 18, 1), (1024, 36, 2), (100, 8, 1)])
def test_shared_block_rams_have_half_the_width(depth: int, width: int, count: int) -> None:
    assert shared_block_rams(depth, width, ECP5) == count


def test_address_fields_are_rounded_up_to_powers_of_two() -> None:
    assert [address_span(3, inner) for inner in (1, 2, 3, 4, 5)] == [3, 6, 12, 12, 24]
    assert row_span(5, 3) == 8 * 4
