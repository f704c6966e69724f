# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The ROM map of a build: its format, and that nothing in a damaged one does harm."""

import copy
import json
import random
from contextlib import suppress
from typing import Any

import pytest

from firebrick.hw.verify.device_descriptor import descriptor_from_record
from firebrick.hw.verify.rom_map import roms_from_record
from firebrick.hw.verify.weight_reload import reload_weights
from firebrick.hw.verify.weight_verification import verify_weights
from firebrick.sw.errors import FirebrickError
from tests.helpers.recorded_bitstream import configuration, model, placed_descriptor, recorded, recorded_roms

HOSTILE: tuple[Any, ...] = (None, -1, 0, 1, 1 << 20, 10**15, -(10**30), 1.5, float("nan"), True, "x", [], {}, [[]], [10**12])


def test_rom_map_is_written_in_the_format_of_older_builds() -> None:
    """An older build wrote the recorded file, so its keys, their order and their values are what readers know."""
    assert json.dumps([placed.as_dict() for placed in recorded_roms()]) == json.dumps(recorded()["record"]["parts"])


def test_rom_map_rejects_damage() -> None:
    record = recorded()["record"]
    first = record["parts"][0]
    damaged: list[Any] = [None, [], {}, {**record, "parts": [1]}, {**record, "parts": [{**first, "gates": [[1, "lut"]]}]}]
    for document in damaged:
        with pytest.raises(FirebrickError, match="ROM map of the build is damaged"):
            roms_from_record(document)
    with pytest.raises(FirebrickError, match="of another version"):
        roms_from_record({**record, "format": 99})


@pytest.mark.parametrize(
    "damage", [1, [], {}, *({"size": size} for size in (0, 113, 10**30, float("inf"))), {"place": ""}, {"bits": "x"}, {"bits": 10**6}]
)
def test_rom_map_rejects_a_damaged_descriptor(damage: Any) -> None:
    entry = {**placed_descriptor().as_dict(), **damage} if damage and isinstance(damage, dict) else damage
    with pytest.raises(FirebrickError, match="ROM map of the build is damaged"):
        descriptor_from_record({"identity": entry})


@pytest.mark.parametrize("seed", range(40))
def test_rom_map_with_anything_in_it_is_verified_or_rejected(seed: int) -> None:
    """Up to three random values in the document are replaced; whatever follows is a verdict or a FirebrickError."""
    rng = random.Random(seed)
    document = copy.deepcopy(recorded()["record"]) | {"identity": placed_descriptor().as_dict()}
    for _ in range(3):
        node: Any = document
        while isinstance(node, dict | list) and node:
            keys = list(node) if isinstance(node, dict) else range(len(node))
            key = rng.choice(list(keys))
            if rng.random() < 0.25 or not isinstance(node[key], dict | list) or not node[key]:
                node[key] = rng.choice(HOSTILE)
                break
            node = node[key]
    with suppress(FirebrickError):
        roms = roms_from_record(document)
        descriptor = descriptor_from_record(document)
        verify_weights(configuration(), roms, model(), descriptor)
        reload_weights(configuration(), roms, model(), descriptor or placed_descriptor())


def test_rom_map_rejects_a_partition_that_is_there_twice_and_signals_of_too_many_bits() -> None:
    record = copy.deepcopy(recorded()["record"])
    record["parts"].append(record["parts"][0])
    with pytest.raises(FirebrickError, match="the ROM map of the build is damaged"):
        roms_from_record(record)
    record = copy.deepcopy(recorded()["record"])
    record["parts"][0]["targets"]["start"] *= 50
    with pytest.raises(FirebrickError, match="the ROM map of the build is damaged"):
        roms_from_record(record)
