# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Other weights in a finished bitstream, without synthesis, placement and routing: only the contents of block RAMs change."""

from collections.abc import Sequence

from ...sw.coding.decoder import reencode_weights
from ...sw.errors import FirebrickError
from ...sw.model.quantized import Model
from ...sw.plan.rom_layout import PartitionRom, layer_shapes, model_accumulator_init, weight_groups
from .block_ram import write_bank
from .ecp5_bitstream import Configuration
from .identity import PlacedIdentity, reloaded_identity
from .rom_map import PlacedRom
from .weight_verification import read_words


def reload_weights(configuration: Configuration, parts: Sequence[PlacedRom], model: Model, identity: PlacedIdentity | None) -> str:
    """The configuration with a model's weights in place of those that it has, and what the device tells of its model.

    What is in logic stays: biases, shifts, codebooks, code lengths, which weights are zero by having no entry, and the banks of ROMs
    that are no block RAMs. Raises FirebrickError, which says why, where the model needs other logic.
    """
    model.verify()
    if identity is None:
        raise FirebrickError(
            "the bitstream cannot take another model: what the device tells the host of its model is in logic; "
            "build it with --swappable, which keeps that in block RAM"
        )
    changed: dict[int, list[int]] = {}
    weights = {name: layer.weights for name, layer in model.layers.items()}
    if layer_shapes([placed.rom for placed in parts]) != {name: layer.codes.shape for name, layer in model.layers.items()}:
        raise FirebrickError("the model does not fit the bitstream: its layers are others, or of other shapes; build a bitstream for it")
    for placed in parts:
        part = placed.rom
        _check(part, model)
        old = read_words(placed, configuration)
        if old is None:
            raise FirebrickError(f"the bitstream cannot take another model: the words of {part.name} that are in logic cannot be told")
        try:
            again = reencode_weights(part.with_words(old).weights, weight_groups(part, weights))
        except FirebrickError as error:
            raise FirebrickError(f"the model does not fit the bitstream: in {part.name} {error}; build a bitstream for it") from error
        new = [again.codes.words, *([again.zero_runs.words] if again.zero_runs else [])]
        before, after = ([word for one in lists for word in one] for lists in (old, new))
        for bank in placed.banks:
            span = slice(bank.first, bank.first + bank.count)
            if before[span] == after[span]:
                continue
            if not bank.bel:
                raise FirebrickError(
                    f"the model does not fit the bitstream: {bank.count} ROM words of {part.name} are logic; "
                    "build it with --swappable, which keeps all of them in block RAM"
                )
            number = configuration.block_ram_id(bank.bel)
            changed[number] = write_bank(bank, after[span], configuration.block_rams[number])
    number = configuration.block_ram_id(identity.bank.bel)
    changed[number] = write_bank(identity.bank, reloaded_identity(identity, configuration, model), configuration.block_rams[number])
    return configuration.with_block_rams(changed)


def _check(part: PartitionRom, model: Model) -> None:
    """Raise FirebrickError where sums start, end or are as wide as this part's logic cannot do."""

    def refuse(what: str) -> FirebrickError:
        return FirebrickError(f"the model does not fit the bitstream: in {part.name} {what}; build a bitstream for it")

    kinds = [model.layers[name] for name in part.layers]
    if any(layer.shift != part.shift for layer in kinds):
        raise refuse(f"sums are shifted by {kinds[0].shift}, in the bitstream by {part.shift}")
    if model_accumulator_init(part, model.layers) != part.accumulator_init:
        raise refuse("biases are others, and they are in logic")
    if any(layer.accumulator_bits > part.accumulator_bits for layer in kinds):
        raise refuse(f"sums need more than {part.accumulator_bits} bits")
