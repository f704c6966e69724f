# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What a device tells the host of its model, in the block RAM of a swappable bitstream: where it lies, read back, and replaced."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...sw.errors import FirebrickError
from ...sw.link.identity import DeviceDescriptor, architecture_hash, decode_descriptor, model_checksum
from ...sw.link.packets import MAX_REPLY_PAYLOAD
from ...sw.model.quantized import Model
from ...sw.network.graph import Network
from .block_ram import PlacedBank, read_bank
from .ecp5_bitstream import Configuration
from .netlist import Netlist
from .rom_map import DAMAGED


@dataclass(frozen=True)
class PlacedIdentity:
    """An identity on the chip."""

    bank: PlacedBank
    architecture: str
    """Of the network that the engines were built for (``architecture``)."""

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {"place": self.bank.bel, "bits": self.bank.word_bits, "size": self.bank.count, "architecture": self.architecture}


def locate_identity(netlist: Netlist, memory: str, size: int, network: Network) -> PlacedIdentity:
    """Where a build has its identity, of so many bytes; ``memory`` is how its block RAM's name begins."""
    place, bits = netlist.block_rams.get(f"{memory}.0.0", ("", 0))
    return PlacedIdentity(PlacedBank(0, size, (0,), place or "missing", bits), architecture_hash(network))


def identity_from_record(document: Mapping[str, Any]) -> PlacedIdentity | None:
    """The identity in the record of a build; None where it is in logic. Raises FirebrickError where the record is damaged."""
    entry = document.get("identity")
    if entry is None:
        return None
    try:
        bank = PlacedBank(0, int(entry["size"]), (0,), str(entry["place"]), int(entry["bits"]))
        found = PlacedIdentity(bank, str(entry["architecture"]))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise FirebrickError(DAMAGED) from error
    if not (1 <= bank.count <= MAX_REPLY_PAYLOAD and bank.bel and bank.fits):
        raise FirebrickError(DAMAGED)
    return found


def reloaded_identity(placed: PlacedIdentity, configuration: Configuration, model: Model) -> bytes:
    """The identity in a bitstream, but of another model. Raises FirebrickError where the engines are of another network."""
    if architecture_hash(model.network) != placed.architecture:
        raise FirebrickError("the model does not fit the bitstream: its network is another; build a bitstream for it")
    return _of_model(_read(placed, configuration), model).encode(placed.bank.count)


def verify_identity(placed: PlacedIdentity, configuration: Configuration, model: Model) -> dict[str, Any]:
    """A JSON document: of which model the device will tell the host, and whether that is this one."""
    report: dict[str, Any] = {"name": "identity", "place": placed.bank.bel, "network": None, "checksum": None}
    try:
        told = _read(placed, configuration)
    except FirebrickError as error:
        return report | {"verdict": "different", "reasons": [str(error)]}
    report |= {"network": told.network, "checksum": told.checksum.hex()}
    reasons = []
    if architecture_hash(model.network) != placed.architecture:
        reasons.append("the engines are of another network than the model")
    if told.checksum != model_checksum(model):
        reasons.append(f"the device tells the host of another model, {report['checksum'][:8]} and not {model_checksum(model).hex()[:8]}")
    elif told.encode(placed.bank.count) != _of_model(told, model).encode(placed.bank.count):
        reasons.append("the device tells the host of another network than the model's")
    return report | {"verdict": "different" if reasons else "proven", "reasons": reasons}


def _read(placed: PlacedIdentity, configuration: Configuration) -> DeviceDescriptor:
    """The identity in a bitstream. Raises FirebrickError where there is none."""
    return decode_descriptor(bytes(read_bank(placed.bank, 8, configuration)))


def _of_model(identity: DeviceDescriptor, model: Model) -> DeviceDescriptor:
    """What an accelerator says that is as this one, but of another model."""
    shape, network = model.network.input, model.network
    return replace(
        identity,
        channels=shape.channels,
        rows=shape.height,
        columns=shape.width,
        classes=network.classes,
        checksum=model_checksum(model),
        network=network.name,
    )
