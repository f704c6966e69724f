# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The ROM map of a build: where each bank of each weight ROM is on the FPGA, and the gates of what the decoders have in logic.

The build writes it beside the bitstream, as JSON; read-back verification and weight reload read it. It is a file like any other, so
everything in it is checked before it is used.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from amaranth.utils import ceil_log2

from ...sw.errors import FirebrickError
from ...sw.plan.nodes import Plan
from ...sw.plan.rom_layout import PartitionRom, partition_roms
from ...sw.plan.rom_record import rom_from_record, rom_to_record
from ..module_names import partition_module
from ..weights.probes import SOURCE_SIGNALS, TARGET_SIGNALS
from ..weights.rom import READ_LATENCY, RomBank, bank_depth, split_into_banks
from .block_ram import PlacedBank
from .ecp5_bitstream import UNIT_BITS
from .logic_cones import extract_cone
from .netlist import ADDRESS_END, ADDRESS_START, ONE, ZERO, Gate, Netlist

FORMAT = 1
"""Version of the file."""
DAMAGED = "the ROM map of the build is damaged; build the bitstream again"
GATE_INPUTS = {"lut": (4,), "sum": (5,), "carry": (5,), "mux": (3,), "ff": (2, 3)}
"""Numbers of inputs that each kind of gate may have but block RAMs, whose address width varies. Enables of flip-flops are optional."""
SIGNAL_BITS_MAX = 48
"""Bits that a signal may have: more than any signal of a decoder has, and few enough for 64-bit integers."""
ROM_CROSSINGS = 2
"""Flip-flops between the address of a bank in look-up tables and its output: behind each tree of tables, and behind their choice."""


@dataclass(frozen=True)
class PlacedRom:
    """The weight ROM of a partition after placement and routing."""

    rom: PartitionRom
    banks: tuple[PlacedBank, ...]
    sources: dict[str, tuple[int, ...]] = field(repr=False)
    """Nets of the signals that checks give values to (`SOURCE_SIGNALS`), lowest bit first."""
    targets: dict[str, tuple[int, ...]] = field(repr=False)
    """Nets of the signals that checks evaluate (`TARGET_SIGNALS`), lowest bit first."""
    gates: dict[int, Gate] = field(repr=False)
    """The logic cones of all targets, and of the banks in look-up tables."""

    def as_dict(self) -> dict[str, Any]:
        """The entry of the ROM map, which `roms_from_record` reads."""
        return {
            "part": rom_to_record(self.rom),
            "banks": [_bank_to_record(bank) for bank in self.banks],
            "sources": self.sources,
            "targets": self.targets,
            "gates": [[net, gate.kind, gate.inputs, gate.bel, gate.option, gate.bit] for net, gate in self.gates.items()],
        }


def rom_map(plan: Plan, netlist: Netlist, device: str, module_prefix: str) -> dict[str, Any]:
    """The JSON document of a build; the module of each node is named ``module_prefix`` and the node's name."""
    roms = [_locate(rom, netlist, module_prefix + rom.engine.replace("/", "_")) for rom in partition_roms(plan)]
    return {"format": FORMAT, "device": device, "network": plan.name, "parts": [rom.as_dict() for rom in roms]}


def roms_from_record(document: Any) -> list[PlacedRom]:
    """The weight ROMs of a build, from its ROM map.

    Raises FirebrickError if the ROM map is damaged, or of another version.
    """
    try:
        if document["format"] != FORMAT:
            raise FirebrickError("the ROM map of the build is of another version; build the bitstream again")
        roms = [_rom_from_record(entry) for entry in document["parts"]]
        if len({placed.rom.name for placed in roms}) != len(roms):
            raise ValueError  # each would be evaluated again
        return roms
    except FirebrickError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise FirebrickError(DAMAGED) from error


def _rom_from_record(entry: Mapping[str, Any]) -> PlacedRom:
    placed = PlacedRom(
        rom_from_record(entry["part"]),
        tuple(_bank_from_record(bank) for bank in entry["banks"]),
        {str(name): tuple(map(int, nets)) for name, nets in entry["sources"].items()},
        {str(name): tuple(map(int, nets)) for name, nets in entry["targets"].items()},
        {int(net): _gate_from_record(*gate) for net, *gate in entry["gates"]},
    )
    lists = placed.rom.word_lists()
    words, ports = sum(map(len, lists)), set(range(len(lists)))
    if max(map(len, placed.targets.values()), default=0) > SIGNAL_BITS_MAX:
        raise ValueError
    if not all(_is_valid_bank(bank, words, ports) for bank in placed.banks) or not all(map(_is_valid_gate, placed.gates.values())):
        raise ValueError
    return placed


def _is_valid_bank(bank: PlacedBank, words: int, ports: set[int]) -> bool:
    return 0 <= bank.first < bank.first + bank.count <= words and set(bank.ports) <= ports and (not bank.bel or bank.fits)


def _is_valid_gate(gate: Gate) -> bool:
    address_bits = ADDRESS_END - ADDRESS_START[2 * UNIT_BITS if gate.option else UNIT_BITS]
    widths = (address_bits,) if gate.kind == "block" else GATE_INPUTS[gate.kind]
    return len(gate.inputs) in widths and 0 <= gate.bit < UNIT_BITS * (1 + gate.option)


def _gate_from_record(kind: Any, nets: Any, bel: Any, option: Any, bit: Any) -> Gate:
    return Gate(kind, tuple(map(int, nets)), str(bel), bool(option), int(bit))


def _bank_to_record(bank: PlacedBank) -> dict[str, Any]:
    return {
        "first": bank.first,
        "count": bank.count,
        "ports": bank.ports,
        "place": bank.bel,
        "bits": bank.word_bits,
        "data": bank.data_nets,
        "address": bank.address_nets,
        **({"offset": bank.address_offset} if bank.address_offset else {}),
    }


def _bank_from_record(entry: Mapping[str, Any]) -> PlacedBank:
    ports, data, address = (tuple(map(int, entry[name])) for name in ("ports", "data", "address"))
    first, offset = int(entry["first"]), int(entry.get("offset", 0))
    if max(len(data), len(address)) > SIGNAL_BITS_MAX or not 0 <= offset <= first:
        raise ValueError
    return PlacedBank(first, int(entry["count"]), ports, str(entry["place"]), int(entry["bits"]), data, address, offset)


def _locate(rom: PartitionRom, netlist: Netlist, module: str) -> PlacedRom:
    """Find a partition's banks, its signals by name, and the logic cones between them."""
    prefix = f"{partition_module(rom.partition)}."

    def find(names: tuple[str, ...]) -> tuple[int, ...]:
        return tuple(netlist.find_nets(module, [prefix + name for name in names]) or ())

    sources = {name: nets for name, names in SOURCE_SIGNALS.items() if (nets := find(names))}
    # Several nets may have a name that begins so; those that are given under another name are left out.
    valid = [netlist.find_nets(module, [name]) or [] for name in netlist.signal_names(module, f"{prefix}weights.output__valid")]
    given = {net for name in ("ranks.valid", "steps.valid") for net in sources.get(name, ())}
    sources["output.valid"] = tuple(net for nets in valid for net in nets if net not in given)
    targets = {name: nets for name, (names, _) in TARGET_SIGNALS.items() if (nets := find(names))}

    known = {net for nets in sources.values() for net in nets}
    gates: dict[int, Gate] = {}
    for name, nets in targets.items():
        crossings = TARGET_SIGNALS[name][1]
        # A target that is a source too is evaluated in its next state, so its own present state is not entered again.
        gates |= extract_cone(netlist.gates, nets, known - set(nets) if crossings else known, crossings)
    banks = tuple(_locate_banks(rom, netlist, module, prefix, gates))
    return PlacedRom(rom, banks, sources, targets, gates)


def _locate_banks(rom: PartitionRom, netlist: Netlist, module: str, prefix: str, gates: dict[int, Gate]) -> Iterator[PlacedBank]:
    """Find each bank of a ROM. The gates of banks in look-up tables are added to ``gates``."""
    for number, bank in enumerate(split_into_banks(rom.word_lists(), rom.weights.codes.width, rom.weights.lut_rom_bits)):
        if bank.in_luts:
            placed, cone = _locate_lut_bank(rom, bank, number, netlist, module, f"{prefix}weights.rom.")
            gates |= cone
            yield placed
        else:
            cell = f"{module.partition('.')[2]}.{prefix}weights.rom.bank_{number}.0.0"
            bel, word_bits = netlist.block_rams.get(cell, ("", 0))
            yield PlacedBank(bank.first, len(bank.words), bank.ports, bel or "missing", word_bits)


def _locate_lut_bank(
    partition: PartitionRom, bank: RomBank, number: int, netlist: Netlist, module: str, rom: str
) -> tuple[PlacedBank, dict[int, Gate]]:
    """Find the output nets of a bank, and its address nets, which synthesis may have given any of several names.

    The right address is the one whose nets alone determine the output: its cone depends on the fewest other nets, normally none.
    """
    port = bank.ports[0]
    data = netlist.find_nets(module, [f"{rom}data_{number}_{port}"]) or []
    if not data:
        return _locate_equal_words(partition, bank, netlist, module, rom)
    names = [
        f"{rom}address_{port}",
        *netlist.signal_names(module, f"{rom}address_{port}"),
        *netlist.signal_names(module, f"{rom}port__addr"),
    ]
    candidates = [nets for name in names if (nets := netlist.find_nets(module, [name]))]
    cones = [(extract_cone(netlist.gates, data, nets, ROM_CROSSINGS), nets) for nets in candidates]
    cone, address = min(cones, key=lambda candidate: _other_inputs(*candidate), default=({}, []))
    return PlacedBank(bank.first, len(bank.words), bank.ports, "", data_nets=tuple(data), address_nets=tuple(address)), cone


def _locate_equal_words(
    partition: PartitionRom, bank: RomBank, netlist: Netlist, module: str, rom: str
) -> tuple[PlacedBank, dict[int, Gate]]:
    """Find a bank whose words are all equal, of which synthesis leaves no register: as what the multiplexer behind it gives for it.

    ::

        data of the bank before --> mux --> word register        with the bank's number the constant comes, whatever the other bank has
                                     ^
        number of the bank ----------+    = address // words of a bank - that of the list's first word
    """
    port, depth = bank.ports[0], bank_depth(partition.weights.codes.width)
    start = sum(map(len, partition.word_lists()[:port]))
    chosen = netlist.find_nets(module, [f"{rom}bank_{port}_{READ_LATENCY - 1}"]) or []
    word = netlist.find_nets(module, [f"{rom}word_{port}", f"{rom}fifo_{port}.fifo.w_data"]) or []
    address = (ZERO,) * ceil_log2(depth) + tuple(chosen)
    bank_nets = PlacedBank(bank.first, len(bank.words), bank.ports, "", 0, tuple(word) if chosen else (), address, start // depth * depth)
    return bank_nets, extract_cone(netlist.gates, word, chosen, 0)


def _other_inputs(cone: dict[int, Gate], address: list[int]) -> int:
    """The number of nets besides the address that a cone depends on."""
    return len({net for gate in cone.values() for net in gate.inputs} - cone.keys() - set(address) - {ZERO, ONE})
