# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The routed netlist as nextpnr writes it: the gates of an ECP5, where each look-up table lies, and signals found by their names."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

ZERO, ONE = 0, 1
"""Nets that are constant; all others have greater numbers."""
INPUTS = "ABCD"
ADDRESS_START = {9: 3, 18: 4}
"""The least bit of a block RAM's address, by the bits of a word."""
ADDRESS_END = 14

_SINK = re.compile(r"(X\d+/Y\d+)/([ABCD])(\d)_SLICE")
_PERMUTED = re.compile(r"0_0_([ABCD])\d->")


@dataclass(frozen=True)
class Gate:
    """What makes a net, from other nets.

    ``lut``: a look-up table of four inputs, ``sum`` and ``carry``: one of a chain, with the carry as fifth input, ``mux``: of the
    second and third input the one that the first selects (1: the second), ``ff``: a flip-flop of (data, reset), ``block``: a bit of the
    word that a block RAM reads at an address, whose inputs come least significant first.
    """

    kind: Literal["lut", "sum", "carry", "mux", "ff", "block"]
    inputs: tuple[int, ...]
    bel: str = ""
    """Of a look-up table, ``X20/Y7/SLICEA.K0``, or a block RAM, ``X6/Y25/EBR1``."""
    option: bool = False
    """Of a flip-flop: its value at reset and in the beginning; of a carry chain: the carry that comes in is not looked at."""
    bit: int = 0
    """Of a block RAM: which bit of the word."""


class Netlist:
    """The routed netlist of one build.

    Parameters
    ----------
    routed: what nextpnr wrote with ``--write``
    synthesised: what Yosys wrote, which knows all names of a net, of which nextpnr keeps one
    """

    def __init__(self, routed: Mapping[str, Any], synthesised: Mapping[str, Any]) -> None:
        whole = next(iter(routed["modules"].values()))
        self._modules = synthesised["modules"]
        self._nets = {name: net["bits"][0] for name, net in whole["netnames"].items()}
        self._aliases: dict[str, dict[int, list[str]]] = {}
        self.block_rams: dict[str, tuple[str, int]] = {}
        """Where each block RAM is, and the bits of a word, by the name of its cell."""
        pins = dict(_pins(whole["netnames"]))
        self.gates: dict[int, Gate] = {}
        for name, cell in whole["cells"].items():
            wires = {port: bits[0] for port, bits in cell["connections"].items() if bits}
            place, parameters = cell["attributes"].get("NEXTPNR_BEL", ""), cell["parameters"]
            match cell["type"]:
                case "TRELLIS_COMB":
                    self._add_table(place, wires, parameters, pins)
                case "TRELLIS_FF" if "Q" in wires:
                    data = wires.get("DI" if parameters.get("SD", "0").strip() == "1" else "M", ZERO)
                    reset = wires.get("LSR", ZERO) if parameters.get("LSRMUX", "LSR").strip() == "LSR" else -1
                    if reset >= 0:
                        self.gates[wires["Q"]] = Gate("ff", (data, reset), option=parameters.get("REGSET", "RESET").strip() == "SET")
                case "DP16KD":
                    self.block_rams[name] = (place, int(parameters["DATA_WIDTH_A"], 2))
                    self._add_block(place, wires, parameters)

    def _add_block(self, place: str, wires: dict[str, int], parameters: dict[str, str]) -> None:
        """What a block RAM that is only read gives at its two ports."""
        if any(f"WE{port}" in wires for port in "AB"):
            return
        for port in "AB":
            width = int(parameters.get(f"DATA_WIDTH_{port}", "0"), 2)
            if width in ADDRESS_START:
                pins = [f"AD{port}{bit}" for bit in range(ADDRESS_START[width], ADDRESS_END)]
                address = tuple(wires.get(pin, ONE if parameters.get(f"{pin}MUX", "").strip() == "1" else ZERO) for pin in pins)
                for bit in range(width):
                    if f"DO{port}{bit}" in wires:
                        self.gates[wires[f"DO{port}{bit}"]] = Gate("block", address, place, width == max(ADDRESS_START), bit)

    def _add_table(self, place: str, wires: dict[str, int], parameters: dict[str, str], pins: dict[tuple[str, str], int]) -> None:
        mode = parameters.get("MODE", "LOGIC").strip()
        if mode not in ("LOGIC", "CCU2"):
            return
        # An input without a net reads as one.
        inputs = [ONE] * len(INPUTS)
        for port in INPUTS:
            if port in wires:
                inputs[pins.get((place, port), INPUTS.index(port))] = wires[port]
        if mode == "CCU2":
            skips = parameters.get("CCU2_INJECT1", "NO").strip() == "YES"
            for port, kind in (("F", "sum"), ("FCO", "carry")):
                if port in wires:
                    self.gates[wires[port]] = Gate(kind, (*inputs, wires.get("FCI", ZERO)), place, skips)  # type: ignore[arg-type]
            return
        if "F" in wires:
            self.gates[wires["F"]] = Gate("lut", tuple(inputs), place)
        if "OFX" in wires:
            ones, zeros = (wires.get("F1", ZERO), wires.get("F", ZERO)) if "F1" in wires else (wires["FXB"], wires["FXA"])
            self.gates[wires["OFX"]] = Gate("mux", (wires.get("M", ZERO), ones, zeros))

    def find_nets(self, module: str, names: Sequence[str]) -> list[int] | None:
        """The nets of a signal of a module, least significant first, under the first of these names that is known; None without any."""
        known = self._modules.get(module, {}).get("netnames", {})
        name = next((name for name in names if name in known), None)
        if name is None:
            return None
        found = [self._net(module, bit) for bit in known[name]["bits"]]
        return None if None in found else [net for net in found if net is not None]

    def signal_names(self, module: str, start: str) -> list[str]:
        """The names of a module's signals that begin so."""
        return [name for name in self._modules.get(module, {}).get("netnames", {}) if name.startswith(start)]

    def _net(self, module: str, bit: int | str) -> int | None:
        """The net of a bit of the synthesised module; what is undefined is zero, and what routing has lost is None."""
        if isinstance(bit, str):
            return ONE if bit == "1" else ZERO
        if module not in self._aliases:
            self._aliases[module] = {}
            for name, net in self._modules[module]["netnames"].items():
                for place, mine in enumerate(net["bits"]):
                    full = f"{name}[{place + net.get('offset', 0)}]" if len(net["bits"]) > 1 else name
                    self._aliases[module].setdefault(mine, []).append(full)
        prefix = module.partition(".")[2]
        return next((self._nets[f"{prefix}.{name}"] for name in self._aliases[module][bit] if f"{prefix}.{name}" in self._nets), None)


def _pins(nets: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], int]]:
    """For each input of a look-up table that a net reaches, the pin at which it arrives: the router may permute them."""
    for net in nets.values():
        route = net["attributes"].get("ROUTING", "").split(";")
        for wire, pip in zip(route[0::3], route[1::3], strict=False):
            sink, source = _SINK.fullmatch(wire), _PERMUTED.search(pip)
            if sink and source:
                half = int(sink[3])
                yield (f"{sink[1]}/SLICE{'ABCD'[half // 2]}.K{half % 2}", sink[2]), INPUTS.index(source[1])
