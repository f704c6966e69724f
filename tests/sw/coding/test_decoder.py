# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""ROM words back to weights: of random groups, of whole plans, and what is refused."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firebrick.sim.small_models import randomly_initialised
from firebrick.sw.coding.decoder import decode_weights, reencode_weights
from firebrick.sw.coding.encoder import WeightGroup, encode_weights
from firebrick.sw.compiler.lowering import compile_model
from firebrick.sw.errors import FirebrickError
from firebrick.sw.network.graph import Bypass, Conv, Fire, GlobalAverage, MaxPool, Network, Shape
from firebrick.sw.plan.rom_layout import PartitionRom, decode_layers, layer_shapes, partition_roms, weight_groups
from firebrick.sw.plan.rom_record import rom_from_record, rom_to_record

NETWORK = Network(
    "small",
    Shape(3, 20, 20),
    (
        *(Conv("conv1", 6, 3, stride=2), MaxPool("pool1"), Fire("fire2", 3, 5, 7), Fire("fire3", 4, 6, 6, Bypass.SIMPLE)),
        *(Fire("fire4", 4, 3, 8, Bypass.COMPLEX), Conv("conv10", 5, 1), GlobalAverage("pool10")),
    ),
)


@st.composite
def group_lists(draw: st.DrawFn) -> tuple[list[WeightGroup], int, int]:
    inner, taps = draw(st.integers(1, 90)), draw(st.sampled_from([1, 9]))
    kinds = draw(st.lists(st.integers(0, int(taps > 1)), min_size=1, max_size=6))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    density = draw(st.sampled_from([0.0, 0.02, 0.4, 1.0]))
    largest = draw(st.sampled_from([1, 30, 2000]))
    groups = []
    for kind in kinds:
        size = inner if kind else inner * taps
        weights = rng.integers(-largest, largest + 1, size) * (rng.random(size) < density)
        groups.append(WeightGroup(kind, weights.astype(np.int32), required=draw(st.booleans())))
    return groups, inner, taps


@given(group_lists())
def test_decode_gives_back_what_was_scheduled(lists: tuple[list[WeightGroup], int, int]) -> None:
    groups, inner, taps = lists
    try:
        weights = encode_weights(groups, inner=inner, taps=taps)
    except FirebrickError:
        return  # more different weights than code words of the longest length
    assert all((mine == group.weights).all() for mine, group in zip(decode_weights(weights), groups, strict=True))
    assert reencode_weights(weights, [group.weights for group in groups]) == weights


def parts(seed: int = 0, lanes: int = 40) -> tuple[list[PartitionRom], dict[str, np.ndarray]]:
    model = randomly_initialised(NETWORK, np.random.default_rng(seed))
    return partition_roms(compile_model(model, lanes)), {name: layer.weights for name, layer in model.layers.items()}


@pytest.mark.parametrize("lanes", [13, 40, 90])
@pytest.mark.parametrize("seed", [0, 1])
def test_parts_of_a_plan_decode_to_every_layer(seed: int, lanes: int) -> None:
    found, layers = parts(seed, lanes)
    decoded = decode_layers(found)
    assert decoded.keys() == layers.keys()
    assert all((decoded[name] == weights).all() for name, weights in layers.items())
    assert layer_shapes(found) == {name: weights.shape for name, weights in layers.items()}


def test_parts_survive_their_record() -> None:
    found, layers = parts()
    for part in found:
        kept = rom_from_record(json.loads(json.dumps(rom_to_record(part))))
        assert list(map(len, kept.word_lists())) == list(map(len, part.word_lists()))
        assert kept.with_words(part.word_lists()) == part
        assert reencode_weights(part.weights, weight_groups(part, layers)) == part.weights


def test_part_rejects_damaged_records() -> None:
    whole = rom_to_record(parts()[0][0])
    for name in whole:
        with pytest.raises(FirebrickError, match="ROM map of the build is damaged"):
            rom_from_record({key: value for key, value in whole.items() if key != name})
    others: list[Any] = [None, [], "x", {**whole, "filters": ["a"]}, {**whole, "weights": {**whole["weights"], "codes": None}}]
    for broken in others:
        with pytest.raises(FirebrickError, match="ROM map of the build is damaged"):
            rom_from_record(broken)


@pytest.mark.parametrize("seed", range(8))
def test_any_flipped_bit_shows(seed: int) -> None:
    """A wrong bit gives other weights or no stream at all; only padding behind a list's last symbol may differ."""
    rng = np.random.default_rng(seed)
    found, layers = parts()
    number = int(rng.integers(len(found)))
    part = found[number]
    lists = part.word_lists()
    which = int(rng.integers(len(lists)))
    stream = (part.weights.codes, part.weights.zero_runs)[which]
    assert stream is not None
    place, bit = divmod(int(rng.integers(stream.bits)), stream.width)
    words = list(lists[which])
    words[place] ^= 1 << stream.width - 1 - bit
    lists[which] = tuple(words)
    try:
        decoded = decode_layers([*found[:number], part.with_words(lists), *found[number + 1 :]])
    except FirebrickError:
        return
    assert any((decoded[name] != weights).any() for name, weights in layers.items())


def test_parts_must_have_every_filter_once() -> None:
    found, _ = parts(lanes=90)
    several = next(part for part in found if part.partition)
    with pytest.raises(FirebrickError, match="leave filters out"):
        decode_layers([part for part in found if part != several])
    with pytest.raises(FirebrickError, match="is in another part too"):
        decode_layers([*found, several])


def test_encode_again_rejects_what_the_decoder_cannot_make() -> None:
    found, layers = parts(lanes=13)
    part = found[0]
    groups = weight_groups(part, layers)
    beyond = [np.where(group == 0, np.int32(1), group).astype(np.int32) for group in groups]
    with pytest.raises(FirebrickError, match="are nonzero where the decoder skips zeros"):
        reencode_weights(part.weights, beyond)
    other = [np.where(group == 0, group, np.int32(1999)).astype(np.int32) for group in groups]
    with pytest.raises(FirebrickError, match="a weight is 1999, which is not in its codebook"):
        reencode_weights(part.weights, other)
    lengths = part.weights.codes.lengths
    rarest = [next(value for book in part.weights.codebooks for value in book[len(lengths) - 1 :])]
    with pytest.raises(FirebrickError, match=r"codes take .* ROM words, and the decoder reads"):
        reencode_weights(part.weights, [np.where(group == 0, group, np.int32(rarest[0])).astype(np.int32) for group in groups])


def test_decode_rejects_streams_that_do_not_close() -> None:
    part = next(part for part in parts()[0] if part.weights.zero_runs is not None)
    weights = part.weights
    assert weights.zero_runs is not None
    longer = tuple(value + 1 for value in weights.run_lengths)
    with pytest.raises(FirebrickError, match="positions from where it began"):
        decode_weights(replace(weights, run_lengths=longer))
    short = replace(weights, codes=replace(weights.codes, count=weights.codes.count * 2))
    with pytest.raises(FirebrickError, match="ends before its"):
        decode_weights(short)
