# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The proof that a finished bitstream holds a model: its ROMs are read back and decoded, and its tables in logic checked."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import accumulate
from typing import Any

import numpy as np

from ...sw.errors import FirebrickError
from ...sw.model.quantized import Model
from ...sw.plan.rom_layout import PartitionRom, decode_layers, layer_shapes, model_accumulator_init
from .block_ram import read_bank
from .decoder_checks import TableCheck, check_tables, read_lut_bank
from .ecp5_bitstream import Configuration
from .identity import PlacedIdentity, verify_identity
from .rom_map import PlacedRom

Words = list[tuple[int, ...]]
"""The lists of words of a ROM."""


def verify_weights(
    configuration: Configuration, parts: Sequence[PlacedRom], model: Model, identity: PlacedIdentity | None = None
) -> dict[str, Any]:
    """A JSON document: which layers' weights the bitstream holds, which not, and of which that cannot be told.

    A layer is ``proven`` when all words of its ROMs were read out of the bitstream and decode to its weights, every one, and all that
    the decoder has in logic was read out and is what they were decoded with; ``different`` when something is not so; ``unknown`` when
    something cannot be told, and ``roms`` says what. Wires between look-up tables are those of the routed netlist. ``identity`` is what
    the device tells of its model, ``proven`` or ``different``; null where the build has that in logic.
    """
    read = {placed.rom.name: read_words(placed, configuration) for placed in parts}
    tables = {placed.rom.name: list(check_tables(placed, configuration)) for placed in parts}
    layers = [_layer(layer, parts, read, tables, model) for layer in model.layers]
    told = verify_identity(identity, configuration, model) if identity else None
    verdicts = [one["verdict"] for one in (*layers, *([told] if told else []))]
    return {
        "network": model.network.name,
        "device": configuration.device,
        "proven": all(verdict == "proven" for verdict in verdicts),
        "weights": sum(layer["weights"] for layer in layers),
        "weights_proven": sum(layer["weights"] for layer in layers if layer["verdict"] == "proven"),
        "layers": layers,
        "identity": told,
        "roms": [_rom(placed, read[placed.rom.name], tables[placed.rom.name]) for placed in parts],
    }


def read_words(placed: PlacedRom, configuration: Configuration) -> Words | None:
    """The words of a part's ROM as the bitstream has them; None where those of a bank in logic cannot be told.

    Raises FirebrickError where the bitstream has no block RAM at the place of a bank.
    """
    width = placed.rom.weights.codes.width
    sizes = [len(one) for one in placed.rom.word_lists()]
    ends = list(accumulate(sizes))
    found: list[list[int]] = [[0] * size for size in sizes]
    for bank in placed.banks:
        words = read_bank(bank, width, configuration) if bank.bel else read_lut_bank(placed, bank, configuration)
        if words is None:
            return None
        for port in bank.ports:
            start = ends[port] - sizes[port]
            for place in range(max(start, bank.first), min(ends[port], bank.first + bank.count)):
                found[port][place - start] = words[place - bank.first]
    return [tuple(one) for one in found]


def _layer(
    name: str, parts: Sequence[PlacedRom], read: dict[str, Words | None], tables: dict[str, list[TableCheck]], model: Model
) -> dict[str, Any]:
    """What is known of one layer."""
    wanted = model.layers[name].weights
    mine = [placed.rom for placed in parts if name in placed.rom.layers]
    found: dict[str, Any] = {"name": name, "weights": wanted.size, "nonzero": int(np.count_nonzero(wanted)), "equal": 0}
    unread = [part.name for part in mine if read[part.name] is None]
    unknown = [f"{part.name}: {check.table}" for part in mine for check in tables[part.name] if check.unknown]
    reasons = list(_differences(name, mine, tables, model))
    if not unread and not reasons:
        try:
            decoded = decode_layers([part.with_words(read[part.name] or []) for part in mine]).get(name)
        except FirebrickError as error:
            decoded, reasons = None, [*reasons, str(error)]
        if decoded is not None and decoded.shape == wanted.shape:
            found["equal"] = int((decoded == wanted).sum())
        if found["equal"] != wanted.size:
            reasons.append(f"{wanted.size - found['equal']:,} of {wanted.size:,} weights are others")
    if reasons:
        return found | {"verdict": "different", "reasons": reasons}
    if unread or unknown:
        return found | {"verdict": "unknown", "reasons": [*(f"{one}: words in logic" for one in unread), *unknown]}
    return found | {"verdict": "proven", "reasons": []}


def _differences(name: str, parts: Sequence[PartitionRom], tables: dict[str, list[TableCheck]], model: Model) -> Iterator[str]:
    """What is not as the model has it, besides the weights."""
    if not parts:
        yield "the build has no such layer"
    layer = model.layers[name]
    if parts and layer_shapes(parts)[name] != layer.codes.shape:
        yield f"its weights have shape {layer_shapes(parts)[name]} in the build, in the model {layer.codes.shape}"
        return
    for part in parts:
        if part.shift != layer.shift:
            yield f"{part.name} shifts sums by {part.shift}, the model by {layer.shift}"
        if all(one in model.layers for one in part.layers) and model_accumulator_init(part, model.layers) != part.accumulator_init:
            yield f"{part.name} has other biases than the model"
        for check in tables[part.name]:
            if check.wrong:
                yield f"{part.name} has other {check.table} in logic than its record says, in {check.wrong:,} of {check.cases:,} cases"


def _rom(placed: PlacedRom, words: Words | None, tables: list[TableCheck]) -> dict[str, Any]:
    """One engine's ROM: where its words lie, and what was found in logic."""
    width = placed.rom.weights.codes.width
    blocks = [bank for bank in placed.banks if bank.bel]
    return {
        "name": placed.rom.name,
        "block_rams": [bank.bel for bank in blocks],
        "block_bits": sum(bank.count for bank in blocks) * width,
        "logic_bits": sum(bank.count for bank in placed.banks if not bank.bel) * width,
        "read": words is not None,
        "tables": [asdict(check) for check in tables],
    }
