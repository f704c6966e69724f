# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The device descriptor in a block RAM of a reloadable bitstream: located, read back, verified, and adapted to another model."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...sw.errors import FirebrickError
from ...sw.link.identity import DeviceDescriptor, architecture_hash, decode_descriptor, model_checksum
from ...sw.link.packets import MAX_REPLY_PAYLOAD
from ...sw.model.quantized import Model
from .block_ram import PlacedBank, read_bank
from .ecp5_bitstream import Configuration
from .netlist import Netlist
from .rom_map import DAMAGED


@dataclass(frozen=True)
class PlacedDescriptor:
    """Where a bitstream has its device descriptor."""

    bank: PlacedBank
    architecture: str
    """The `architecture_hash` of the model that the engines were built for."""

    def as_dict(self) -> dict[str, Any]:
        """The entry of the ROM map, which `descriptor_from_record` reads."""
        return {"place": self.bank.bel, "bits": self.bank.word_bits, "size": self.bank.count, "architecture": self.architecture}


def locate_descriptor(netlist: Netlist, memory: str, size: int, model: Model) -> PlacedDescriptor:
    """Find the descriptor of ``size`` bytes in a build; ``memory`` is the name of its memory, of which the block RAM's name is made."""
    bel, word_bits = netlist.block_rams.get(f"{memory}.0.0", ("", 0))
    return PlacedDescriptor(PlacedBank(0, size, (0,), bel or "missing", word_bits), _architecture(model))


def descriptor_from_record(document: Mapping[str, Any]) -> PlacedDescriptor | None:
    """The descriptor in a ROM map; None if the build has it in logic.

    Raises FirebrickError if the ROM map is damaged.
    """
    entry = document.get("identity")
    if entry is None:
        return None
    try:
        bank = PlacedBank(0, int(entry["size"]), (0,), str(entry["place"]), int(entry["bits"]))
        descriptor = PlacedDescriptor(bank, str(entry["architecture"]))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise FirebrickError(DAMAGED) from error
    if not (1 <= bank.count <= MAX_REPLY_PAYLOAD and bank.bel and bank.fits):
        raise FirebrickError(DAMAGED)
    return descriptor


def reloaded_descriptor(placed: PlacedDescriptor, configuration: Configuration, model: Model) -> bytes:
    """The bytes of a bitstream's descriptor after another model has been loaded.

    Raises FirebrickError if the engines were built for another network.
    """
    if _architecture(model) != placed.architecture:
        what = "another network, or another zero point of its scores" if model.zero_point else "another network"
        raise FirebrickError(f"the model does not fit the bitstream, which was built for {what}; build a bitstream for the model")
    return _with_model(_read(placed, configuration), model).encode(placed.bank.count)


def verify_descriptor(placed: PlacedDescriptor, configuration: Configuration, model: Model) -> dict[str, Any]:
    """Compare the descriptor in a bitstream with a model: a JSON document with a verdict and the reasons for it."""
    report: dict[str, Any] = {"name": "identity", "place": placed.bank.bel, "network": None, "checksum": None}
    try:
        descriptor = _read(placed, configuration)
    except FirebrickError as error:
        return report | {"verdict": "different", "reasons": [str(error)]}
    report |= {"network": descriptor.network, "checksum": descriptor.checksum.hex()}
    reasons = []
    if _architecture(model) != placed.architecture:
        reasons.append("the engines were built for another network than the model's")
    if descriptor.checksum != model_checksum(model):
        reasons.append(f"the device reports another model, {report['checksum'][:8]} instead of {model_checksum(model).hex()[:8]}")
    elif descriptor.encode(placed.bank.count) != _with_model(descriptor, model).encode(placed.bank.count):
        reasons.append("the device reports another network than the model's")
    return report | {"verdict": "different" if reasons else "proven", "reasons": reasons}


def _architecture(model: Model) -> str:
    return architecture_hash(model.network, model.zero_point)


def _read(placed: PlacedDescriptor, configuration: Configuration) -> DeviceDescriptor:
    """Decode the descriptor. Raises FirebrickError if the block RAM is not used or holds no descriptor."""
    return decode_descriptor(bytes(read_bank(placed.bank, 8, configuration)))


def _with_model(descriptor: DeviceDescriptor, model: Model) -> DeviceDescriptor:
    """The descriptor of the same accelerator with another model; plan, clock and protocol stay."""
    shape, network = model.network.input, model.network
    return replace(
        descriptor,
        channels=shape.channels,
        rows=shape.height,
        columns=shape.width,
        classes=network.classes,
        checksum=model_checksum(model),
        network=network.name,
    )
