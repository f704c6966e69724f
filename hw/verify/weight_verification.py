# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Read-back verification: decodes the weight ROMs of a finished bitstream, checks its decoder logic, and compares both with a model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import accumulate
from typing import Any

import numpy as np

from ...sw.errors import FirebrickError
from ...sw.model.quantized import Model
from ...sw.plan.rom_layout import PartitionRom, decode_layers, layer_shapes, model_accumulator_init
from .block_ram import read_bank
from .decoder_checks import TableCheck, check_tables, read_lut_bank
from .device_descriptor import PlacedDescriptor, verify_descriptor
from .ecp5_bitstream import Configuration
from .rom_map import PlacedRom

WordLists = list[tuple[int, ...]]
"""The word lists of a ROM: one for the codes, and one for the zero runs where there are any."""


def verify_weights(
    configuration: Configuration, roms: Sequence[PlacedRom], model: Model, descriptor: PlacedDescriptor | None = None
) -> dict[str, Any]:
    """Compare the weights in a bitstream with a model's: a JSON document with a verdict for each layer.

    The verdict of a layer is

    - ``proven`` if every word of its ROMs was read out of the bitstream, everything that its decoders have in logic was evaluated and
      equals the tables of the ROM map, and the words decode with those tables to the layer's weights, all of them;
    - ``different`` if any of this differs;
    - ``unknown`` if something could not be determined. ``roms`` says what.

    The wires between look-up tables and the initial values of flip-flops are those of the routed netlist, not of the bitstream.
    ``identity`` is the verdict on the device descriptor, null for builds that have it in logic.

    Raises FirebrickError if the bitstream does not use a block RAM of the ROM map, so it is of another build.
    """
    words = {placed.rom.name: read_words(placed, configuration) for placed in roms}
    tables = {placed.rom.name: list(check_tables(placed, configuration)) for placed in roms}
    layers = [_layer_report(layer, [placed.rom for placed in roms], words, tables, model) for layer in model.layers]
    identity = verify_descriptor(descriptor, configuration, model) if descriptor else None
    verdicts = [entry["verdict"] for entry in (*layers, *([identity] if identity else []))]
    return {
        "network": model.network.name,
        "device": configuration.device,
        "proven": all(verdict == "proven" for verdict in verdicts),
        "weights": sum(layer["weights"] for layer in layers),
        "weights_proven": sum(layer["weights"] for layer in layers if layer["verdict"] == "proven"),
        "layers": layers,
        "identity": identity,
        "roms": [_rom_report(placed, words[placed.rom.name], tables[placed.rom.name]) for placed in roms],
    }


def read_words(placed: PlacedRom, configuration: Configuration) -> WordLists | None:
    """Read the word lists of a ROM out of a bitstream; None if a bank in look-up tables cannot be determined.

    Raises FirebrickError if the bitstream does not use the block RAM of a bank.
    """
    width = placed.rom.weights.codes.width
    sizes = [len(words) for words in placed.rom.word_lists()]
    ends = list(accumulate(sizes))
    lists: list[list[int]] = [[0] * size for size in sizes]
    for bank in placed.banks:
        words = read_bank(bank, width, configuration) if bank.bel else read_lut_bank(placed, bank, configuration)
        if words is None:
            return None
        # The lists follow each other in the ROM's addresses, and a bank holds the end of one and the start of the next.
        for port in bank.ports:
            start = ends[port] - sizes[port]
            for address in range(max(start, bank.first), min(ends[port], bank.first + bank.count)):
                lists[port][address - start] = words[address - bank.first]
    return [tuple(words) for words in lists]


def _layer_report(
    name: str,
    roms: Sequence[PartitionRom],
    words: Mapping[str, WordLists | None],
    tables: Mapping[str, list[TableCheck]],
    model: Model,
) -> dict[str, Any]:
    """The verdict on one layer and the reasons for it."""
    expected = model.layers[name].weights
    layer_roms = [rom for rom in roms if name in rom.layers]
    report: dict[str, Any] = {"name": name, "weights": expected.size, "nonzero": int(np.count_nonzero(expected)), "equal": 0}
    unread = [rom.name for rom in layer_roms if words[rom.name] is None]
    unknown = [f"{rom.name}: {check.table}" for rom in layer_roms for check in tables[rom.name] if check.unknown]
    reasons = list(_differences(name, layer_roms, tables, model))
    # Weights are only decoded if the tables that decoding relies on are those of the logic.
    if not unread and not reasons:
        try:
            decoded = decode_layers([rom.with_words(words[rom.name] or []) for rom in layer_roms]).get(name)
        except FirebrickError as error:
            decoded, reasons = None, [*reasons, str(error)]
        if decoded is not None and decoded.shape == expected.shape:
            report["equal"] = int((decoded == expected).sum())
        if report["equal"] != expected.size:
            reasons.append(f"{expected.size - report['equal']:,} of {expected.size:,} weights differ")
    if reasons:
        return report | {"verdict": "different", "reasons": reasons}
    if unread or unknown:
        return report | {"verdict": "unknown", "reasons": [*(f"{rom}: ROM words in look-up tables" for rom in unread), *unknown]}
    return report | {"verdict": "proven", "reasons": []}


def _differences(name: str, roms: Sequence[PartitionRom], tables: Mapping[str, list[TableCheck]], model: Model) -> Iterator[str]:
    """How a layer's shape, shift, biases and decoder logic differ from the model, or from the tables that decoding relies on."""
    if not roms:
        yield "the build has no such layer"
        return
    layer = model.layers[name]
    if layer_shapes(roms)[name] != layer.codes.shape:
        yield f"its weights have shape {layer_shapes(roms)[name]} in the build, {layer.codes.shape} in the model"
        return
    for rom in roms:
        if rom.shift != layer.shift:
            yield f"{rom.name} shifts sums by {rom.shift}, the model by {layer.shift}"
        if (
            all(layer_name in model.layers for layer_name in rom.layers)
            and model_accumulator_init(rom, model.layers) != rom.accumulator_init
        ):
            yield f"{rom.name} has other biases than the model"
        for check in tables[rom.name]:
            if check.wrong:
                yield f"{rom.name}: {check.wrong:,} of {check.cases:,} cases of '{check.table}' in logic differ from the ROM map"


def _rom_report(placed: PlacedRom, words: WordLists | None, tables: list[TableCheck]) -> dict[str, Any]:
    """Where the words of one ROM are, and the results of its table checks."""
    width = placed.rom.weights.codes.width
    block_rams = [bank for bank in placed.banks if bank.bel]
    return {
        "name": placed.rom.name,
        "block_rams": [bank.bel for bank in block_rams],
        "block_bits": sum(bank.count for bank in block_rams) * width,
        "logic_bits": sum(bank.count for bank in placed.banks if not bank.bel) * width,
        "read": words is not None,
        "tables": [asdict(check) for check in tables],
    }
