# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The clock crossings of a design: which registers take a value that another clock, or none, has made.

A register is safe from metastability if all that its inputs depend on changes with its own clock. The walk goes back from the inputs of
each register and memory through combinational logic, up to the registers, memories, pins and black boxes that drive it::

    register a (clock x) ---+
                            |---> logic ---> register b (clock y): crossing x -> y
    pin, black box ---------+                                      crossing "" -> y

What crosses must be a synchroniser, or be held while it is taken; this says where to look.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Bit: TypeAlias = int | str
"""A net of one bit: its number in the netlist, or a constant."""

PREPARATION = ("hierarchy -auto-top", "proc", "flatten", "opt_clean", "memory_collect")
"""The Yosys commands before ``write_json``: registers, memories and logic of one flat module, clock nets without aliases."""
NO_CLOCK = ""
"""In place of a clock: what a pin or a black box makes changes at any time."""


@dataclass(frozen=True, order=True)
class Crossing:
    """A register or memory that takes what changes with another clock."""

    source: str
    """The clock net of what drives it, or ``NO_CLOCK``."""
    destination: str
    """The net of its own clock."""
    register: str
    """The name of its output, with its place in the hierarchy; of a memory its own, and of what is read from it "NAME, read"."""
    drivers: tuple[str, ...]
    """The names of what drives it from the other clock."""


def clock_crossings(netlist: Mapping[str, Any]) -> list[Crossing]:
    """The crossings of a flat design, in order.

    ``netlist`` is what Yosys writes by ``write_json`` after ``PREPARATION``. A memory counts as a register of its write ports; what is
    read from it without a clock changes with theirs. Raises ValueError if the top module has memories that are not collected.
    """
    top = next(module for module in netlist["modules"].values() if int(module["attributes"].get("top", "0"), 2))
    return sorted(_Design(top).crossings())


class _Design:
    """The drivers of each net of a flat module."""

    def __init__(self, module: Mapping[str, Any]) -> None:
        self._names = _names(module["netnames"])
        self._logic: dict[Bit, tuple[Bit, ...]] = {}
        """The inputs of the gate that drives a net."""
        self._states: dict[Bit, tuple[str, str]] = {}
        """Clock and name of the register, memory, pin or black box that drives a net."""
        self._sinks: list[tuple[str, str, list[Bit]]] = []
        """Clock, name and inputs of each register and memory port."""
        self._seen: dict[Bit, frozenset[tuple[str, str]]] = {}
        for name, port in module["ports"].items():
            if port["direction"] != "output":
                self._drive(port["bits"], NO_CLOCK, name)
        black_boxes: list[tuple[str, list[Bit]]] = []
        for name, cell in module["cells"].items():
            if cell["type"].startswith("$"):
                self._add(cell["type"], cell["connections"], cell)
            else:
                black_boxes += [(f"{name}.{port}", bits) for port, bits in cell["connections"].items()]
        for name, bits in black_boxes:  # of unknown directions: what nothing else drives is their output
            self._drive(
                [bit for bit in bits if isinstance(bit, int) and bit not in self._logic and bit not in self._states], NO_CLOCK, name
            )

    def crossings(self) -> Iterator[Crossing]:
        """What each register and memory takes from another clock."""
        for clock, name, inputs in self._sinks:
            foreign: dict[str, set[str]] = {}
            for driver_clock, driver in set().union(*(self._drivers(bit) for bit in inputs)):
                if driver_clock != clock:
                    foreign.setdefault(driver_clock, set()).add(driver)
            for source, drivers in foreign.items():
                yield Crossing(source, clock, name, tuple(sorted(drivers)))

    def _add(self, kind: str, wires: Mapping[str, list[Bit]], cell: Mapping[str, Any]) -> None:
        if kind.startswith("$mem"):
            self._add_memory(kind, wires, cell)
        elif "ff" in kind and "CLK" in wires:
            clock, output = self._name(wires["CLK"][0]), self._name(wires["Q"][0])
            self._drive(wires["Q"], clock, output)
            # An asynchronous reset is a crossing, too: its end must keep clear of the clock's edge.
            self._sinks.append((clock, output, [bit for port, bits in wires.items() if port not in ("CLK", "Q") for bit in bits]))
        else:
            inputs = tuple(bit for port, bits in wires.items() if cell["port_directions"][port] == "input" for bit in bits)
            for bit in wires.get("Y", ()):
                self._logic[bit] = inputs

    def _add_memory(self, kind: str, wires: Mapping[str, list[Bit]], cell: Mapping[str, Any]) -> None:
        """A memory: its write ports are registers, and so are its read ports that have a clock."""
        if kind != "$mem_v2":
            raise ValueError(f"{kind}: memories must be collected before crossings are looked for")
        parameters = cell["parameters"]
        name = parameters["MEMID"].removeprefix("\\")
        width, writers, readers = (int(parameters[key], 2) for key in ("WIDTH", "WR_PORTS", "RD_PORTS"))
        clocks = [self._name(bit) for bit in wires["WR_CLK"]]
        for port in range(writers):
            inputs = [bit for pin in ("WR_ADDR", "WR_DATA", "WR_EN") for bit in _part(wires[pin], port, writers)]
            self._sinks.append((clocks[port], name, inputs))
        clocked = int(parameters["RD_CLK_ENABLE"], 2)
        for port in range(readers):
            outputs = wires["RD_DATA"][port * width : (port + 1) * width]
            inputs = [bit for pin in ("RD_ADDR", "RD_EN", "RD_ARST", "RD_SRST") for bit in _part(wires[pin], port, readers)]
            if clocked >> port & 1:
                clock, output = self._name(wires["RD_CLK"][port]), f"{name}, read"
                self._drive(outputs, clock, output)
                contents = self._contents(name, clocks) if writers else []
                self._sinks.append((clock, output, [*inputs, *contents]))
            else:
                for bit in outputs:
                    self._logic[bit] = (*inputs, *self._contents(name, clocks))

    def _contents(self, name: str, clocks: list[str]) -> list[Bit]:
        """Nets that stand for what a memory contains, which changes with the clocks of its write ports."""
        nets: list[Bit] = [f"{name} written by {clock}" for clock in sorted(set(clocks))]
        for net, clock in zip(nets, sorted(set(clocks)), strict=True):
            self._states[net] = (clock, name)
        return nets

    def _drive(self, bits: list[Bit], clock: str, name: str) -> None:
        for bit in bits:
            self._states[bit] = (clock, name)

    def _drivers(self, net: Bit) -> frozenset[tuple[str, str]]:
        """Clock and name of what a net depends on through logic; constants depend on nothing."""
        stack = [net]
        while stack:  # depth first without recursion: chains of logic are long
            bit = stack[-1]
            if bit in self._seen:
                stack.pop()
            elif bit in self._states:
                self._seen[bit] = frozenset([self._states[bit]])
            else:
                inputs = self._logic.get(bit, ())
                missing = [wire for wire in inputs if wire not in self._seen]
                if missing:
                    stack.extend(missing)
                else:
                    self._seen[bit] = frozenset().union(*(self._seen[wire] for wire in inputs))
        return self._seen[net]

    def _name(self, bit: Bit) -> str:
        return self._names.get(bit, str(bit))


def _names(netnames: Mapping[str, Any]) -> dict[Bit, str]:
    """A name for each net: one that the source gave it, as near to the top as there is one, and the longest there, which says most."""
    names: dict[Bit, str] = {}
    for name in sorted(netnames, key=lambda name: (netnames[name].get("hide_name", 0), name.count("."), -len(name), name)):
        for bit in netnames[name]["bits"]:
            names.setdefault(bit, name)
    return names


def _part(bits: list[Bit], index: int, parts: int) -> list[Bit]:
    """The pins of one of several ports, which are one bundle in the netlist."""
    width = len(bits) // parts
    return bits[index * width : (index + 1) * width]
