# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What a build keeps beside its bitstream: where each bank of each weight ROM lies, and the gates of what stands in logic."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...sw.errors import FirebrickError
from ...sw.plan.nodes import Plan
from ...sw.plan.rom_layout import PartitionRom, partition_roms
from ...sw.plan.rom_record import rom_from_record, rom_to_record
from ..weights.probes import SOURCE_SIGNALS, TARGET_SIGNALS
from ..weights.rom import split_into_banks
from .block_ram import PlacedBank
from .ecp5_bitstream import UNIT_BITS
from .logic_cones import extract_cone
from .netlist import ADDRESS_END, ADDRESS_START, Gate, Netlist

FORMAT = 1
DAMAGED = "the record of the build's ROMs is damaged; build the bitstream again"
GATE_INPUTS = {"lut": 4, "sum": 5, "carry": 5, "mux": 3, "ff": 2}
SIGNAL_MAX = 48
"""Bits that a signal may have."""

ROM_CROSSINGS = 2


@dataclass(frozen=True)
class PlacedRom:
    """An engine's weights on the chip."""

    rom: PartitionRom
    banks: tuple[PlacedBank, ...]
    sources: dict[str, tuple[int, ...]] = field(repr=False)
    targets: dict[str, tuple[int, ...]] = field(repr=False)
    gates: dict[int, Gate] = field(repr=False)

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "part": rom_to_record(self.rom),
            "banks": [_bank_to_record(bank) for bank in self.banks],
            "sources": self.sources,
            "targets": self.targets,
            "gates": [[net, gate.kind, gate.inputs, gate.bel, gate.option, gate.bit] for net, gate in self.gates.items()],
        }


def rom_map(plan: Plan, netlist: Netlist, device: str, modules: str) -> dict[str, Any]:
    """The JSON document of a build; ``modules`` is how the names of nodes' modules begin."""
    parts = [_placed(part, netlist, modules + part.engine.replace("/", "_")) for part in partition_roms(plan)]
    return {"format": FORMAT, "device": device, "network": plan.name, "parts": [part.as_dict() for part in parts]}


def roms_from_record(document: Any) -> list[PlacedRom]:
    """The parts of a build from its record. Raises FirebrickError where it is damaged."""
    try:
        if document["format"] != FORMAT:
            raise FirebrickError("the record of the build's ROMs is of another version; build the bitstream again")
        return [_placed_from(entry) for entry in document["parts"]]
    except FirebrickError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise FirebrickError(DAMAGED) from error


def _placed_from(entry: Mapping[str, Any]) -> PlacedRom:
    part = rom_from_record(entry["part"])
    lists = part.word_lists()
    found = PlacedRom(
        part,
        tuple(_bank(one) for one in entry["banks"]),
        {str(name): tuple(map(int, nets)) for name, nets in entry["sources"].items()},
        {str(name): tuple(map(int, nets)) for name, nets in entry["targets"].items()},
        {int(net): _gate(*one) for net, *one in entry["gates"]},
    )
    words = sum(map(len, lists))
    sound = all(
        0 <= bank.first < bank.first + bank.count <= words and set(bank.ports) <= set(range(len(lists))) and (not bank.bel or bank.fits)
        for bank in found.banks
    )
    wide = {option: len(range(start, ADDRESS_END)) for option, start in zip((False, True), ADDRESS_START.values(), strict=True)}
    for gate in found.gates.values():
        sound &= len(gate.inputs) == (wide[gate.option] if gate.kind == "block" else GATE_INPUTS[gate.kind])
        sound &= 0 <= gate.bit < UNIT_BITS * (1 + gate.option)
    if not sound:
        raise ValueError
    return found


def _gate(kind: Any, nets: Any, place: Any, option: Any, bit: Any) -> Gate:
    return Gate(kind, tuple(map(int, nets)), str(place), bool(option), int(bit))


def _bank_to_record(bank: PlacedBank) -> dict[str, Any]:
    return {
        "first": bank.first,
        "count": bank.count,
        "ports": bank.ports,
        "place": bank.bel,
        "bits": bank.word_bits,
        "data": bank.data_nets,
        "address": bank.address_nets,
    }


def _bank(entry: Mapping[str, Any]) -> PlacedBank:
    ports, data, address = (tuple(map(int, entry[name])) for name in ("ports", "data", "address"))
    if max(len(data), len(address)) > SIGNAL_MAX:
        raise ValueError
    return PlacedBank(int(entry["first"]), int(entry["count"]), ports, str(entry["place"]), int(entry["bits"]), data, address)


def _placed(part: PartitionRom, netlist: Netlist, module: str) -> PlacedRom:
    prefix = f"part_{part.partition}."

    def find(names: tuple[str, ...]) -> tuple[int, ...]:
        return tuple(netlist.find_nets(module, [prefix + name for name in names]) or ())

    sources = {name: nets for name, names in SOURCE_SIGNALS.items() if (nets := find(names))}
    full = [netlist.find_nets(module, [name]) or [] for name in netlist.signal_names(module, f"{prefix}weights.output__valid")]
    sources["output.valid"] = tuple(net for nets in full for net in nets if net not in _nets(sources, "ranks.valid", "steps.valid"))
    targets = {name: nets for name, (names, _) in TARGET_SIGNALS.items() if (nets := find(names))}
    known = {net for nets in sources.values() for net in nets}
    gates: dict[int, Gate] = {}
    for name, nets in targets.items():
        inside = known - set(nets) if TARGET_SIGNALS[name][1] else known
        gates |= extract_cone(netlist.gates, nets, inside, TARGET_SIGNALS[name][1])
    places = list(_banks(part, netlist, module, prefix, gates))
    return PlacedRom(part, tuple(places), sources, targets, gates)


def _banks(part: PartitionRom, netlist: Netlist, module: str, prefix: str, gates: dict[int, Gate]) -> Iterator[PlacedBank]:
    """Where each bank of a part's ROM is; the gates of those in logic are added to ``gates``."""
    rom = f"{prefix}weights.rom."
    for number, bank in enumerate(split_into_banks(part.word_lists(), part.weights.codes.width, part.weights.lut_rom_bits)):
        if not bank.in_luts:
            cell = f"{module.partition('.')[2]}.{rom}bank_{number}.0.0"
            place, bits = netlist.block_rams.get(cell, ("", 0))
            yield PlacedBank(bank.first, len(bank.words), bank.ports, place or "missing", bits)
            continue
        port = bank.ports[0]
        data = netlist.find_nets(module, [f"{rom}data_{number}_{port}"]) or []
        names = [
            f"{rom}address_{port}",
            *netlist.signal_names(module, f"{rom}address_{port}"),
            *netlist.signal_names(module, f"{rom}port__addr"),
        ]
        found = [nets for name in names if (nets := netlist.find_nets(module, [name]))]
        reads = [(extract_cone(netlist.gates, data, nets, ROM_CROSSINGS), nets) for nets in found]
        mine, address = min(reads, key=lambda read: _strangers(read[0], read[1]), default=({}, []))
        gates |= mine
        yield PlacedBank(bank.first, len(bank.words), bank.ports, "", data_nets=tuple(data), address_nets=tuple(address))


def _strangers(gates: dict[int, Gate], address: list[int]) -> int:
    """How many nets, besides the address, a bank's gates depend on: none, where that is its address."""
    return len({net for gate in gates.values() for net in gate.inputs} - gates.keys() - set(address) - {0, 1})


def _nets(signals: dict[str, tuple[int, ...]], *names: str) -> set[int]:
    return {net for name in names for net in signals.get(name, ())}
