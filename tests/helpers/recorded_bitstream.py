# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A recorded bitstream and its ROM map, so that read-back is tested without synthesis, placement and routing.

`tests/hw/verify/recorded/tiny.json.gz` has the ROM map, look-up tables and block RAMs of a build of `model()`. The slow tests build such a
bitstream and read it back with the real tools.
"""

import gzip
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from firebrick.hw.verify.block_ram import PlacedBank, write_bank
from firebrick.hw.verify.device_descriptor import PlacedDescriptor
from firebrick.hw.verify.ecp5_bitstream import BLOCK_UNITS, Configuration, parse_configuration
from firebrick.hw.verify.rom_map import PlacedRom, roms_from_record
from firebrick.sim.small_models import randomly_initialised
from firebrick.sw.link.identity import DeviceDescriptor, architecture_hash, model_checksum
from firebrick.sw.model.quantized import Model, QuantizedLayer
from firebrick.sw.network.graph import Conv, Fire, GlobalAverage, MaxPool, Network, Shape

RECORDED = Path(__file__).parents[1] / "hw" / "verify" / "recorded" / "tiny.json.gz"
TINY = Network(
    "tiny",
    Shape(3, 16, 16),
    (Conv("conv1", 4, 3, stride=2), MaxPool("pool1"), Fire("fire2", 16, 32, 32), Conv("conv10", 5, 1), GlobalAverage("pool10")),
)
ROM_BLOCK = 4
"""The number of the block RAM that holds most of fire2/expand."""
DESCRIPTOR_BLOCK, DESCRIPTOR_BEL = 7, "X8/Y25/EBR0"
"""A block RAM for the device descriptor. The recorded build, without --swappable, has its descriptor in logic, so this one is added."""


@cache
def recorded() -> dict[str, Any]:
    """The file: ``record`` (the ROM map), ``device``, ``luts``, ``numbers`` and ``contents``. Copy before changing anything in it."""
    document: dict[str, Any] = json.loads(gzip.decompress(RECORDED.read_bytes()))
    return document


def recorded_roms() -> list[PlacedRom]:
    return roms_from_record(recorded()["record"])


@cache
def model() -> Model:
    """The model whose weights the bitstream holds."""
    return randomly_initialised(TINY, np.random.default_rng(0), density=0.5)


def changed(name: str, **values: Any) -> Model:
    """The model with other values in one layer."""
    layer: QuantizedLayer = replace(model().layers[name], **values)
    return replace(model(), layers={**model().layers, name: layer})


def exchanged(count: int) -> Model:
    """The model with two nonzero weights exchanged in ``count`` filters of fire2/expand3x3; all values stay as frequent as they are."""
    codes = model().layers["fire2/expand3x3"].codes.copy()
    flat = codes.reshape(len(codes), -1)
    for row in flat[:count]:
        first, second = np.flatnonzero(row)[:2]
        row[[first, second]] = row[[second, first]]
    return changed("fire2/expand3x3", codes=codes)


@cache
def descriptor() -> DeviceDescriptor:
    shape, network = TINY.input, TINY
    return DeviceDescriptor(
        *(shape.channels, shape.height, shape.width, network.classes, 2, 40_000_000, 7, 1234, model_checksum(model()), network.name)
    )


@cache
def placed_descriptor() -> PlacedDescriptor:
    return PlacedDescriptor(PlacedBank(0, len(descriptor().encode()), (0,), DESCRIPTOR_BEL, 9), architecture_hash(TINY))


def configuration(
    luts: Mapping[str, int] | None = None, units: Mapping[int, int] | None = None, payload: bytes | None = None
) -> Configuration:
    """The recorded bitstream, written as text and parsed again.

    ``luts`` replaces look-up tables by BEL, ``units`` units of the block RAM ROM_BLOCK, and ``payload`` the device descriptor.
    """
    block = list(recorded()["contents"][str(ROM_BLOCK)])
    for index, unit in (units or {}).items():
        block[index] = unit
    descriptor_block = write_bank(placed_descriptor().bank, payload or descriptor().encode(), (0,) * BLOCK_UNITS)
    lines = [f".device {recorded()['device']}", ""]
    for bel, table in (recorded()["luts"] | dict(luts or {})).items():
        tile, slice_ = bel.rsplit("/", 1)
        column, row = tile[1:].split("/Y")
        lines += [f".tile R{row}C{column}:PLC2", f"word: {slice_}.INIT {table:016b}", ""]
    for bel, number in (recorded()["numbers"] | {DESCRIPTOR_BEL: DESCRIPTOR_BLOCK}).items():
        column, row, index = bel[1:].replace("/Y", "/").replace("EBR", "").split("/")
        lines += [f".tile MIB_R{row}C{int(column) + 1}:MIB_EBR{2 * int(index) + 1}", f"word: EBR{index}.WID {f'{number:09b}'[::-1]}", ""]
    for number, contents in {ROM_BLOCK: block, DESCRIPTOR_BLOCK: descriptor_block}.items():
        rows = (contents[start : start + 8] for start in range(0, len(contents), 8))
        lines += [f".bram_init {number}", *(" ".join(f"{unit:03x}" for unit in row) for row in rows), ""]
    return parse_configuration("\n".join([*lines, ""]))


def verdicts(report: Mapping[str, Any]) -> dict[str, str]:
    """The verdict on each layer, by name."""
    return {layer["name"]: layer["verdict"] for layer in report["layers"]}
