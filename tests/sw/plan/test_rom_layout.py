# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The weight ROMs of whole plans: decoded back to layers, recorded, damaged, and incomplete."""

import json
from typing import Any

import numpy as np
import pytest

from firebrick.sw.coding.decoder import reencode_weights
from firebrick.sw.errors import FirebrickError
from firebrick.sw.plan.rom_layout import decode_layers, layer_shapes, weight_groups
from firebrick.sw.plan.rom_record import rom_from_record, rom_to_record
from tests.helpers.weight_streams import small_roms


@pytest.mark.parametrize("lanes", [13, 40, 90])
@pytest.mark.parametrize("seed", [0, 1])
def test_roms_of_a_plan_decode_to_every_layer(seed: int, lanes: int) -> None:
    roms, layers = small_roms(seed, lanes)
    decoded = decode_layers(roms)
    assert decoded.keys() == layers.keys()
    assert all((decoded[name] == weights).all() for name, weights in layers.items())
    assert layer_shapes(roms) == {name: weights.shape for name, weights in layers.items()}


def test_rom_survives_its_record() -> None:
    roms, layers = small_roms()
    for rom in roms:
        copy = rom_from_record(json.loads(json.dumps(rom_to_record(rom))))
        assert list(map(len, copy.word_lists())) == list(map(len, rom.word_lists()))
        assert copy.with_words(rom.word_lists()) == rom
        assert reencode_weights(rom.weights, weight_groups(rom, layers)) == rom.weights


def test_rom_record_rejects_damage() -> None:
    record = rom_to_record(small_roms()[0][0])
    for name in record:
        with pytest.raises(FirebrickError, match="ROM map of the build is damaged"):
            rom_from_record({key: value for key, value in record.items() if key != name})
    damaged: list[Any] = [None, [], "x", {**record, "filters": ["a"]}, {**record, "weights": {**record["weights"], "codes": None}}]
    for document in damaged:
        with pytest.raises(FirebrickError, match="ROM map of the build is damaged"):
            rom_from_record(document)


@pytest.mark.parametrize("seed", range(8))
def test_any_flipped_bit_changes_weights_or_is_rejected(seed: int) -> None:
    """Only the padding bits behind the last symbol of a list may be wrong unnoticed, and those are not flipped here."""
    rng = np.random.default_rng(seed)
    roms, layers = small_roms()
    number = int(rng.integers(len(roms)))
    rom = roms[number]
    lists = rom.word_lists()
    list_number = int(rng.integers(len(lists)))
    stream = (rom.weights.codes, rom.weights.zero_runs)[list_number]
    assert stream is not None
    index, bit = divmod(int(rng.integers(stream.bits)), stream.width)
    words = list(lists[list_number])
    words[index] ^= 1 << stream.width - 1 - bit
    lists[list_number] = tuple(words)
    try:
        decoded = decode_layers([*roms[:number], rom.with_words(lists), *roms[number + 1 :]])
    except FirebrickError:
        return
    assert any((decoded[name] != weights).any() for name, weights in layers.items())


def test_roms_must_have_every_filter_once() -> None:
    roms, _ = small_roms(lanes=90)
    second = next(rom for rom in roms if rom.partition)
    with pytest.raises(FirebrickError, match="leave filters out"):
        decode_layers([rom for rom in roms if rom != second])
    with pytest.raises(FirebrickError, match="is in another partition too"):
        decode_layers([*roms, second])
