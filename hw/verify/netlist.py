# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The routed ECP5 netlist that nextpnr writes: its gates, the BEL of each look-up table and block RAM, and signals by name."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

ZERO, ONE = 0, 1
"""The constant nets; all other nets have greater numbers."""
LUT_PINS = "ABCD"
ADDRESS_START = {9: 3, 18: 4}
"""The lowest address pin in use of a block RAM, by the bits of a data word: narrower words need the pins below it."""
ADDRESS_END = 14
"""One more than the highest address pin of a block RAM."""

_SINK = re.compile(r"(X\d+/Y\d+)/([ABCD])(\d)_SLICE")
_PERMUTED = re.compile(r"0_0_([ABCD])\d->")


@dataclass(frozen=True)
class Gate:
    """What drives one net, as a function of other nets.

    ========  ===========================  =========================================================================
    kind      inputs                       value of the net
    ========  ===========================  =========================================================================
    lut       A, B, C, D                   bit ``D C B A`` of the look-up table (LUT)
    sum       A, B, C, D, carry in         LUT(A, B, C, D) xor carry in
    carry     A, B, C, D, carry in         carry in where LUT(A, B, C, D) is 1; otherwise the low half of the LUT at (A, B)
    mux       select, one, zero            ``one`` if ``select`` else ``zero``
    ff        data, reset, enable          after a clock edge: ``option`` if ``reset`` else ``data``, or no change if not ``enable``
    block     address, lowest bit first    bit ``bit`` of the addressed word of a block RAM
    ========  ===========================  =========================================================================
    """

    kind: Literal["lut", "sum", "carry", "mux", "ff", "block"]
    inputs: tuple[int, ...]
    bel: str = ""
    """nextpnr's name of the site of a look-up table, ``X20/Y7/SLICEA.K0``, or of a block RAM, ``X6/Y25/EBR1``."""
    option: bool = False
    """Of a flip-flop: its value after configuration and reset. Of sum and carry: the carry in is ignored. Of a block RAM: its words have
    18 bits instead of 9."""
    bit: int = 0
    """Of a block RAM: which bit of the word."""


class Netlist:
    """The routed netlist of one build.

    Parameters
    ----------
    routed: the JSON netlist that nextpnr writes with ``--write``
    synthesised: the JSON netlist that Yosys writes. It has every name of each net; nextpnr keeps only one of them
    """

    def __init__(self, routed: Mapping[str, Any], synthesised: Mapping[str, Any]) -> None:
        top = next(iter(routed["modules"].values()))
        self._modules = synthesised["modules"]
        self._nets = {name: net["bits"][0] for name, net in top["netnames"].items()}
        self._aliases: dict[str, dict[int, list[str]]] = {}
        self.block_rams: dict[str, tuple[str, int]] = {}
        """The BEL and the bits of a data word of each block RAM, by the name of its cell."""
        self.gates: dict[int, Gate] = {}
        """What drives each net, as far as look-up tables, flip-flops and read-only block RAMs do."""
        pins = dict(_permuted_pins(top["netnames"]))
        for name, cell in top["cells"].items():
            wires = {port: bits[0] for port, bits in cell["connections"].items() if bits}
            bel, parameters = cell["attributes"].get("NEXTPNR_BEL", ""), cell["parameters"]
            match cell["type"]:
                case "TRELLIS_COMB":
                    self._add_lut(bel, wires, parameters, pins)
                case "TRELLIS_FF" if "Q" in wires:
                    self._add_flip_flop(wires, parameters)
                case "DP16KD":
                    self.block_rams[name] = (bel, int(parameters["DATA_WIDTH_A"], 2))
                    self._add_block_ram(bel, wires, parameters)

    def find_nets(self, module: str, names: Sequence[str]) -> list[int] | None:
        """The nets of a signal of a module, lowest bit first; ``names`` are tried in order. None if no name is known or a net is lost."""
        known = self._modules.get(module, {}).get("netnames", {})
        name = next((name for name in names if name in known), None)
        if name is None:
            return None
        nets = [self._net(module, bit) for bit in known[name]["bits"]]
        return None if None in nets else [net for net in nets if net is not None]

    def signal_names(self, module: str, prefix: str) -> list[str]:
        """The names of a module's signals that start with ``prefix``."""
        return [name for name in self._modules.get(module, {}).get("netnames", {}) if name.startswith(prefix)]

    def _add_flip_flop(self, wires: dict[str, int], parameters: dict[str, str]) -> None:
        data = wires.get("DI" if parameters.get("SD", "0").strip() == "1" else "M", ZERO)
        enabled_by_net = "CE" in wires and parameters.get("CEMUX", "CE").strip() == "CE"
        enable = (wires["CE"],) if enabled_by_net else ()
        # A flip-flop whose reset input is inverted or constant is not evaluated, and an inverted enable is not.
        if parameters.get("LSRMUX", "LSR").strip() == "LSR":
            option = parameters.get("REGSET", "RESET").strip() == "SET"
            self.gates[wires["Q"]] = Gate("ff", (data, wires.get("LSR", ZERO), *enable), option=option)

    def _add_block_ram(self, bel: str, wires: dict[str, int], parameters: dict[str, str]) -> None:
        """The outputs of both ports of a block RAM that is never written."""
        if any(f"WE{port}" in wires for port in "AB"):
            return
        for port in "AB":
            width = int(parameters.get(f"DATA_WIDTH_{port}", "0"), 2)
            if width not in ADDRESS_START:
                continue
            pins = [f"AD{port}{bit}" for bit in range(ADDRESS_START[width], ADDRESS_END)]
            address = tuple(wires.get(pin, ONE if parameters.get(f"{pin}MUX", "").strip() == "1" else ZERO) for pin in pins)
            for bit in range(width):
                if f"DO{port}{bit}" in wires:
                    self.gates[wires[f"DO{port}{bit}"]] = Gate("block", address, bel, width == max(ADDRESS_START), bit)

    def _add_lut(self, bel: str, wires: dict[str, int], parameters: dict[str, str], pins: dict[tuple[str, str], int]) -> None:
        """A look-up table, on its own, in a carry chain, or with the multiplexer that joins two of them."""
        mode = parameters.get("MODE", "LOGIC").strip()
        if mode not in ("LOGIC", "CCU2"):
            return
        inputs = [ONE] * len(LUT_PINS)  # an input without a net reads as one
        for port in LUT_PINS:
            if port in wires:
                inputs[pins.get((bel, port), LUT_PINS.index(port))] = wires[port]
        if mode == "CCU2":
            ignores_carry = parameters.get("CCU2_INJECT1", "NO").strip() == "YES"
            for port, kind in (("F", "sum"), ("FCO", "carry")):
                if port in wires:
                    self.gates[wires[port]] = Gate(kind, (*inputs, wires.get("FCI", ZERO)), bel, ignores_carry)  # type: ignore[arg-type]
            return
        if "F" in wires:
            self.gates[wires["F"]] = Gate("lut", tuple(inputs), bel)
        if "OFX" in wires:
            one, zero = (wires.get("F1", ZERO), wires.get("F", ZERO)) if "F1" in wires else (wires["FXB"], wires["FXA"])
            self.gates[wires["OFX"]] = Gate("mux", (wires.get("M", ZERO), one, zero))

    def _net(self, module: str, bit: int | str) -> int | None:
        """The routed net of a bit of the synthesised module. An undefined bit is zero; None stands for a net that routing has removed."""
        if isinstance(bit, str):
            return ONE if bit == "1" else ZERO
        if module not in self._aliases:
            self._aliases[module] = self._names_by_bit(module)
        prefix = module.partition(".")[2]
        return next((self._nets[f"{prefix}.{name}"] for name in self._aliases[module][bit] if f"{prefix}.{name}" in self._nets), None)

    def _names_by_bit(self, module: str) -> dict[int, list[str]]:
        names: dict[int, list[str]] = {}
        for name, net in self._modules[module]["netnames"].items():
            for index, bit in enumerate(net["bits"]):
                names.setdefault(bit, []).append(f"{name}[{index + net.get('offset', 0)}]" if len(net["bits"]) > 1 else name)
        return names


def _permuted_pins(nets: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], int]]:
    """For each routed input of a look-up table, (BEL, logical pin) and the physical pin: the router may permute the inputs.

    ``ROUTING`` of a net is a list of wire;pip;strength. A pip ``0_0_D2->0_0_A2_SLICE`` into the wire ``X3/Y4/A2_SLICE`` says that pin A
    of the third slice's first table is fed through the physical pin D.
    """
    for net in nets.values():
        route = net["attributes"].get("ROUTING", "").split(";")
        for wire, pip in zip(route[0::3], route[1::3], strict=False):
            sink, source = _SINK.fullmatch(wire), _PERMUTED.search(pip)
            if sink and source:
                table = int(sink[3])
                yield (f"{sink[1]}/SLICE{'ABCD'[table // 2]}.K{table % 2}", sink[2]), LUT_PINS.index(source[1])
