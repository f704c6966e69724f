# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What a piece of a routed netlist computes: gates evaluated for many cases at once, with look-up tables as a bitstream has them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .netlist import ONE, ZERO, Gate

WORD_BITS = 9
"""Bits of a block RAM's words on a chip; wider ones are two, the lower half first."""


class ConfigurationMemory(Protocol):
    """What stands in memory cells."""

    def lut(self, place: str) -> int:
        """The 16 bits of the look-up table at a place."""

    def block_ram(self, place: str) -> Sequence[int]:
        """The words of the block RAM at a place."""


NetValues: TypeAlias = tuple[NDArray[np.bool_], NDArray[np.bool_]]
"""For each case, whether a net can be zero and whether it can be one; both where that is not known."""

REGISTERS = ("ff", "block")
"""Gates whose output comes a cycle later."""


def extract_cone(gates: Mapping[int, Gate], targets: Iterable[int], sources: Iterable[int], crossings: int) -> dict[int, Gate]:
    """The gates between sources and targets, through at most so many flip-flops besides the targets themselves."""
    found: dict[int, Gate] = {}
    stops = set(sources)
    waiting = dict.fromkeys(targets, crossings)
    first = set(waiting)
    while waiting:
        later: dict[int, int] = {}
        for net, left in waiting.items():
            gate = gates.get(net)
            if gate is None or (net in stops and net not in first):
                continue
            left -= gate.kind in REGISTERS and net not in first
            if left < 0:
                continue
            found[net] = gate
            for wire in gate.inputs:
                if wire not in found and later.get(wire, -1) < left:
                    later[wire] = left
        first = set()
        waiting = later
    return found


class ConeEvaluator:
    """The values of nets in several cases. A flip-flop stands for what it takes over: cases are of one moment, pipelines or not.

    Parameters
    ----------
    gates: what drives each net; what nothing drives is unknown
    chip: what look-up tables and block RAMs hold
    known: for nets that are given, their value in each case
    cases: how many cases there are
    """

    def __init__(self, gates: Mapping[int, Gate], chip: ConfigurationMemory, known: Mapping[int, NDArray[np.bool_]], cases: int) -> None:
        self._gates = gates
        self._chip = chip
        no, yes = np.zeros(cases, np.bool_), np.ones(cases, np.bool_)
        self._unknown: NetValues = (yes, yes)
        self._constants: tuple[NetValues, NetValues] = ((yes, no), (no, yes))
        self._values: dict[int, NetValues] = {net: (~value, value) for net, value in known.items()}
        self._values[ZERO], self._values[ONE] = self._constants

    def word(self, nets: Sequence[int], *, after: bool = False, signed: bool = False) -> NDArray[np.int64] | None:
        """The number that nets hold, least significant first; None where a bit is not known in some case.

        ``after``: what they hold after the next clock edge, as flip-flops that take over.
        """
        total = np.zeros(len(self._unknown[0]), np.int64)
        for place, net in enumerate(nets):
            zero, one = self.next_value(net) if after else self.net_value(net)
            if (zero & one).any():
                return None
            total += one.astype(np.int64) << place
        if signed and nets:
            total -= (total >> len(nets) - 1 & 1) << len(nets)
        return total

    def net_value(self, net: int) -> NetValues:
        """What a net can be."""
        if net not in self._values:
            self._values[net] = self._unknown  # while it is being worked out: a loop
            gate = self._gates.get(net)
            if gate is not None:
                self._values[net] = self._gate(gate)
        return self._values[net]

    def next_value(self, net: int) -> NetValues:
        """What a net can be after the next clock edge."""
        gate = self._gates.get(net)
        if gate is not None and gate.kind == "ff":
            return self._gate(gate)
        return self._constants[net] if net in (ZERO, ONE) else self._unknown

    def _gate(self, gate: Gate) -> NetValues:
        match gate.kind:
            case "lut":
                return self._table(gate)
            case "mux":
                select, one, zero = (self.net_value(net) for net in gate.inputs)
                return _choose(select, one, zero)
            case "ff":
                data, reset = (self.net_value(net) for net in gate.inputs)
                return _choose(reset, self._constants[gate.option], data)
            case "sum":
                table = self._table(gate)
                if gate.option:
                    return table
                carry = self.net_value(gate.inputs[4])
                return _choose(carry, table[::-1], table)
            case "carry":
                table, carry = self._table(gate), self.net_value(gate.inputs[4])
                a, b = (self.net_value(net) for net in gate.inputs[:2])
                low = self._constants[0] if gate.option else self._look_up(self._chip.lut(gate.bel) & 0xF, [a, b])
                return _choose(table, carry, low)
            case "block":
                return self._read(gate)

    def _table(self, gate: Gate) -> NetValues:
        return self._look_up(self._chip.lut(gate.bel), [self.net_value(net) for net in gate.inputs[:4]])

    def _read(self, gate: Gate) -> NetValues:
        """A bit of what a block RAM reads, which is unknown where its address is."""
        address = self.word(gate.inputs)
        if address is None:
            return self._unknown
        words, pieces = np.array(self._chip.block_ram(gate.bel), np.int64), 2 if gate.option else 1
        one = (words[address * pieces + gate.bit // WORD_BITS] >> gate.bit % WORD_BITS & 1).astype(np.bool_)
        return ~one, one

    def _look_up(self, table: int, inputs: list[NetValues]) -> NetValues:
        """A table whose bit i is the output for inputs i, the first the least significant."""
        size = 1 << len(inputs)
        if table in (0, (1 << size) - 1):
            return self._constants[table != 0]
        *rest, last = inputs
        half = size // 2
        low, high = table & (1 << half) - 1, table >> half
        if low == high:
            return self._look_up(low, rest)
        return _choose(last, self._look_up(high, rest), self._look_up(low, rest))


def _choose(select: NetValues, one: NetValues, zero: NetValues) -> NetValues:
    """``one`` where ``select`` is one, ``zero`` where it is zero, and whatever both can be where that is unknown."""
    first = (select[1] & one[0]) | (select[0] & zero[0])
    second = (select[1] & one[1]) | (select[0] & zero[1])
    return first, second
