# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""ROM words decoded to weights, and weights encoded again for a decoder that exists."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firebrick.sw.coding.decoder import decode_weights, reencode_weights
from firebrick.sw.coding.encoder import WeightGroup, encode_weights
from firebrick.sw.errors import FirebrickError
from firebrick.sw.plan.rom_layout import weight_groups
from tests.helpers.weight_streams import small_roms


@st.composite
def group_lists(draw: st.DrawFn) -> tuple[list[WeightGroup], int, int]:
    inner, taps = draw(st.integers(1, 90)), draw(st.sampled_from([1, 9]))
    types = draw(st.lists(st.integers(0, int(taps > 1)), min_size=1, max_size=6))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    density = draw(st.sampled_from([0.0, 0.02, 0.4, 1.0]))
    largest = draw(st.sampled_from([1, 30, 2000]))
    groups = []
    for filter_type in types:
        size = inner if filter_type else inner * taps
        weights = rng.integers(-largest, largest + 1, size) * (rng.random(size) < density)
        groups.append(WeightGroup(filter_type, weights.astype(np.int32), required=draw(st.booleans())))
    return groups, inner, taps


@given(group_lists())
def test_decoder_inverts_the_encoder(lists: tuple[list[WeightGroup], int, int]) -> None:
    """The oracle is the input itself: what comes out must be what went in."""
    groups, inner, taps = lists
    try:
        weights = encode_weights(groups, inner=inner, taps=taps)
    except FirebrickError:
        return  # more different weights than code words of the longest length
    assert all((decoded == group.weights).all() for decoded, group in zip(decode_weights(weights), groups, strict=True))
    assert reencode_weights(weights, [group.weights for group in groups]) == weights


def test_reencoding_rejects_what_the_decoder_cannot_produce() -> None:
    roms, layers = small_roms(lanes=13)
    rom = roms[0]
    groups = weight_groups(rom, layers)
    beyond = [np.where(group == 0, np.int32(1), group).astype(np.int32) for group in groups]
    with pytest.raises(FirebrickError, match="are nonzero where the decoder skips zeros"):
        reencode_weights(rom.weights, beyond)
    other = [np.where(group == 0, group, np.int32(1999)).astype(np.int32) for group in groups]
    with pytest.raises(FirebrickError, match="a weight is 1999, which is not in its codebook"):
        reencode_weights(rom.weights, other)
    lengths = rom.weights.codes.lengths
    rarest = next(value for codebook in rom.weights.codebooks for value in codebook[len(lengths) - 1 :])
    with pytest.raises(FirebrickError, match=r"codes take .* ROM words, and the decoder reads"):
        reencode_weights(rom.weights, [np.where(group == 0, group, np.int32(rarest)).astype(np.int32) for group in groups])


def test_decoder_rejects_passes_that_do_not_end_where_they_began() -> None:
    rom = next(rom for rom in small_roms()[0] if rom.weights.zero_runs is not None)
    weights = rom.weights
    assert weights.zero_runs is not None
    longer = tuple(value + 1 for value in weights.run_lengths)
    with pytest.raises(FirebrickError, match="positions from where it began"):
        decode_weights(replace(weights, run_lengths=longer))
    short = replace(weights, codes=replace(weights.codes, count=weights.codes.count * 2))
    with pytest.raises(FirebrickError, match="ends before its"):
        decode_weights(short)
