# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Other weights in a finished bitstream, without synthesis, placement and routing: only the contents of block RAMs change."""

from collections.abc import Sequence

from ...sw.coding.decoder import encode_again
from ...sw.errors import FirebrickError
from ...sw.model.quantized import Model
from ...sw.plan.rom_layout import RomPart, groups_of, shapes_of, starts_of
from .block_ram import contents_with
from .ecp5_bitstream import Configuration
from .identity import PlacedIdentity, identity_for
from .rom_map import PlacedPart
from .weight_proof import read_lists


def swapped(configuration: Configuration, parts: Sequence[PlacedPart], model: Model, identity: PlacedIdentity | None) -> str:
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
    if shapes_of([placed.part for placed in parts]) != {name: layer.codes.shape for name, layer in model.layers.items()}:
        raise FirebrickError("the model does not fit the bitstream: its layers are others, or of other shapes; build a bitstream for it")
    for placed in parts:
        part = placed.part
        _check(part, model)
        old = read_lists(placed, configuration)
        if old is None:
            raise FirebrickError(f"the bitstream cannot take another model: the words of {part.name} that are in logic cannot be told")
        try:
            again = encode_again(part.with_lists(old).weights, groups_of(part, weights))
        except FirebrickError as error:
            raise FirebrickError(f"the model does not fit the bitstream: in {part.name} {error}; build a bitstream for it") from error
        new = [again.codes.words, *([again.zero_runs.words] if again.zero_runs else [])]
        before, after = ([word for one in lists for word in one] for lists in (old, new))
        for bank in placed.banks:
            span = slice(bank.first, bank.first + bank.count)
            if before[span] == after[span]:
                continue
            if not bank.place:
                raise FirebrickError(
                    f"the model does not fit the bitstream: {bank.count} ROM words of {part.name} are logic; "
                    "build it with --swappable, which keeps all of them in block RAM"
                )
            number = configuration.number(bank.place)
            changed[number] = contents_with(bank, after[span], configuration.contents[number])
    number = configuration.number(identity.bank.place)
    changed[number] = contents_with(identity.bank, identity_for(identity, configuration, model), configuration.contents[number])
    return configuration.with_contents(changed)


def _check(part: RomPart, model: Model) -> None:
    """Raise FirebrickError where sums start, end or are as wide as this part's logic cannot do."""

    def refuse(what: str) -> FirebrickError:
        return FirebrickError(f"the model does not fit the bitstream: in {part.name} {what}; build a bitstream for it")

    kinds = [model.layers[name] for name in part.layers]
    if any(layer.shift != part.shift for layer in kinds):
        raise refuse(f"sums are shifted by {kinds[0].shift}, in the bitstream by {part.shift}")
    if starts_of(part, model.layers) != part.start:
        raise refuse("biases are others, and they are in logic")
    if any(layer.accumulator_bits > part.bits for layer in kinds):
        raise refuse(f"sums need more than {part.bits} bits")
