# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Weight reload: another model's weights in a finished bitstream. Only block RAM contents change, so nothing is placed or routed again."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ...sw.coding.decoder import reencode_weights
from ...sw.errors import FirebrickError
from ...sw.model.quantized import Model
from ...sw.plan.rom_layout import PartitionRom, layer_shapes, model_accumulator_init, weight_groups
from .block_ram import write_bank
from .device_descriptor import PlacedDescriptor, reloaded_descriptor
from .ecp5_bitstream import Configuration
from .rom_map import PlacedRom
from .weight_verification import read_words


def reload_weights(configuration: Configuration, roms: Sequence[PlacedRom], model: Model, descriptor: PlacedDescriptor | None) -> str:
    """The text of the configuration with a model's weights and device descriptor in place of its own.

    Everything in logic stays: biases, shifts, codebooks, code lengths, the positions that have an entry, and ROM banks in look-up tables.

    Raises FirebrickError if the model needs other logic, or the build has its descriptor in logic; the message says what does not fit.
    """
    model.verify()
    if descriptor is None:
        raise FirebrickError(
            "the bitstream cannot take another model: its device descriptor is in logic; "
            "build it with --swappable, which keeps that in block RAM"
        )
    if layer_shapes([placed.rom for placed in roms]) != {name: layer.codes.shape for name, layer in model.layers.items()}:
        raise FirebrickError("the model does not fit the bitstream: its layers or their shapes are different; build a bitstream for it")
    weights = {name: layer.weights for name, layer in model.layers.items()}
    block_rams: dict[int, list[int]] = {}
    for placed in roms:
        _require_same_arithmetic(placed.rom, model)
        block_rams |= _changed_block_rams(placed, configuration, weights)
    number = configuration.block_ram_id(descriptor.bank.bel)
    payload = reloaded_descriptor(descriptor, configuration, model)
    block_rams[number] = write_bank(descriptor.bank, payload, configuration.block_rams[number])
    return configuration.with_block_rams(block_rams)


def _changed_block_rams(placed: PlacedRom, configuration: Configuration, layers: Mapping[str, NDArray[np.int32]]) -> dict[int, list[int]]:
    """The block RAMs of one ROM that change, by number. Raises FirebrickError if the weights need other logic."""
    rom = placed.rom
    old_lists = read_words(placed, configuration)
    if old_lists is None:
        raise FirebrickError(f"the bitstream cannot take another model: the ROM words of {rom.name} in look-up tables cannot be determined")
    try:
        weights = reencode_weights(rom.with_words(old_lists).weights, weight_groups(rom, layers))
    except FirebrickError as error:
        raise FirebrickError(f"the model does not fit the bitstream: in {rom.name} {error}; build a bitstream for it") from error
    new_lists = [weights.codes.words, *([weights.zero_runs.words] if weights.zero_runs else [])]
    old_words, new_words = ([word for words in lists for word in words] for lists in (old_lists, new_lists))
    changed: dict[int, list[int]] = {}
    for bank in placed.banks:
        addresses = slice(bank.first, bank.first + bank.count)
        if old_words[addresses] == new_words[addresses]:
            continue
        if not bank.bel:
            raise FirebrickError(
                f"the model does not fit the bitstream: {bank.count} ROM words of {rom.name} are in look-up tables; "
                "build it with --swappable, which keeps all of them in block RAM"
            )
        number = configuration.block_ram_id(bank.bel)
        changed[number] = write_bank(bank, new_words[addresses], configuration.block_rams[number])
    return changed


def _require_same_arithmetic(rom: PartitionRom, model: Model) -> None:
    """Raise FirebrickError if the model needs another shift, other biases or wider sums than the partition has in logic."""

    def misfit(what: str) -> FirebrickError:
        return FirebrickError(f"the model does not fit the bitstream: in {rom.name} {what}; build a bitstream for it")

    layers = [model.layers[name] for name in rom.layers]
    if any(layer.shift != rom.shift for layer in layers):
        raise misfit(f"the model shifts sums by {layers[0].shift}, the bitstream by {rom.shift}")
    if model_accumulator_init(rom, model.layers) != rom.accumulator_init:
        raise misfit("biases differ, and they are in logic")
    if any(layer.accumulator_bits > rom.accumulator_bits for layer in layers):
        raise misfit(f"sums need more than {rom.accumulator_bits} bits")
