# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Logic cones of a routed netlist: extracted, and evaluated for many cases at once with the look-up tables of a bitstream."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .netlist import ONE, ZERO, Gate

UNIT_BITS = 9
"""Bits of a unit, as which block RAM contents are stored; a word of 18 bits is two units, the lower half first."""


class ConfigurationMemory(Protocol):
    """The contents of look-up tables and block RAMs, by BEL."""

    def lut(self, bel: str) -> int:
        """The 16 bits of a look-up table; bit i is the output for inputs i."""

    def block_ram(self, bel: str) -> Sequence[int]:
        """The contents of a block RAM in units of 9 bits."""


NetValues: TypeAlias = tuple[NDArray[np.bool_], NDArray[np.bool_]]
"""For each case, whether a net can be zero and whether it can be one: (1, 0) is zero, (0, 1) is one, (1, 1) is unknown."""

REGISTERS = ("ff", "block")
"""Gates whose output follows a clock edge later."""


def extract_cone(gates: Mapping[int, Gate], targets: Iterable[int], sources: Iterable[int], crossings: int) -> dict[int, Gate]:
    """The gates that lie between ``sources`` and ``targets``, through at most ``crossings`` flip-flops, not counting the targets.

    ::

        sources --> logic --> ff --> logic --> ff --> logic --> target (ff)
                              2                1                0           crossings used up so far

    The walk runs backwards, breadth first, and keeps for each net the crossings that are left. A target is entered even if it is also a
    source, which is how the next state of a register is found from its present state.
    """
    inside: dict[int, Gate] = {}
    stops = set(sources)
    frontier = dict.fromkeys(targets, crossings)
    entered = set(frontier)  # targets, in the first round
    while frontier:
        next_frontier: dict[int, int] = {}
        for net, left in frontier.items():
            gate = gates.get(net)
            if gate is None or (net in stops and net not in entered):
                continue
            left -= gate.kind in REGISTERS and net not in entered
            if left < 0:
                continue
            inside[net] = gate
            passes = gate.kind == "ff" and net not in entered  # a register on the way stands for its data, and its enable does not matter
            for wire in gate.inputs[:2] if passes else gate.inputs:
                if wire not in inside and next_frontier.get(wire, -1) < left:
                    next_frontier[wire] = left
        entered = set()
        frontier = next_frontier
    return inside


class ConeEvaluator:
    """Evaluates nets of a logic cone in many cases at once, in three-valued logic: zero, one, or unknown.

    Each net is a pair of boolean vectors over the cases (`NetValues`). With T the look-up table of a gate, split by its last input s into
    the halves T1 and T0, Shannon expansion gives T(x, s) = T1(x) if s else T0(x), and a choice with an unknown s can be whatever either
    side can be::

        can be zero = (s can be one & T1 can be zero) | (s can be zero & T0 can be zero)
        can be one  = (s can be one & T1 can be one)  | (s can be zero & T0 can be one)

    A net that comes out as zero or one therefore has that value whatever the unknown inputs are. The reverse does not hold: inputs
    that depend on each other can make a net look unknown that is not. A check then reports "unknown", never a false match.

    A flip-flop inside the cone stands for its data input, so a pipeline is evaluated as if its registers were wires: all values belong to
    one piece of data, not to one clock cycle. A loop without a known net in it is unknown.

    Parameters
    ----------
    gates: what drives each net; a net without a gate is unknown
    memory: contents of look-up tables and block RAMs
    known: the nets that are given, with their value in each case
    cases: number of cases
    """

    def __init__(self, gates: Mapping[int, Gate], memory: ConfigurationMemory, known: Mapping[int, NDArray[np.bool_]], cases: int) -> None:
        self._gates = gates
        self._memory = memory
        no, yes = np.zeros(cases, np.bool_), np.ones(cases, np.bool_)
        self._unknown: NetValues = (yes, yes)
        self._constants: tuple[NetValues, NetValues] = ((yes, no), (no, yes))
        self._values: dict[int, NetValues] = {net: (~value, value) for net, value in known.items()}
        self._values[ZERO], self._values[ONE] = self._constants

    def word(self, nets: Sequence[int], *, next_state: bool = False, signed: bool = False) -> NDArray[np.int64] | None:
        """The integer on ``nets``, lowest bit first, in each case; None if any bit is unknown in any case.

        With ``next_state``, the nets are flip-flops and the result is their value after the next clock edge.
        """
        total = np.zeros(len(self._unknown[0]), np.int64)
        for index, net in enumerate(nets):
            can_be_zero, can_be_one = self.next_value(net) if next_state else self.net_value(net)
            if (can_be_zero & can_be_one).any():
                return None
            total += can_be_one.astype(np.int64) << index
        if signed and nets:
            total -= (total >> len(nets) - 1 & 1) << len(nets)
        return total

    def net_value(self, net: int) -> NetValues:
        """The value of a net in each case."""
        if net not in self._values:
            self._values[net] = self._unknown  # a loop that comes back here sees this
            gate = self._gates.get(net)
            if gate is not None:
                self._values[net] = self._gate_value(gate)
        return self._values[net]

    def next_value(self, net: int) -> NetValues:
        """The value of a flip-flop after the next clock edge, in each case; unknown for any other gate.

        Synthesis makes an enable of a bit that keeps its value in some cases. Where it is known to be 0, the bit has its present value;
        where it is unknown, it is taken for 1: what is given says that the register advances.
        """
        gate = self._gates.get(net)
        if gate is not None and gate.kind == "ff":
            after = self._gate_value(gate)
            if len(gate.inputs) == 2:
                return after
            enable_can_be_one = self.net_value(gate.inputs[2])[1]
            return _choose((~enable_can_be_one, enable_can_be_one), after, self._values.get(net, self._unknown))
        return self._constants[net] if net in (ZERO, ONE) else self._unknown

    def _gate_value(self, gate: Gate) -> NetValues:
        """The formulas of the table in `Gate`."""
        match gate.kind:
            case "lut":
                return self._lut(gate)
            case "mux":
                select, one, zero = (self.net_value(net) for net in gate.inputs)
                return _choose(select, one, zero)
            case "ff":
                data, reset = (self.net_value(net) for net in gate.inputs[:2])
                return _choose(reset, self._constants[gate.option], data)
            case "sum":
                table = self._lut(gate)
                if gate.option:
                    return table
                carry = self.net_value(gate.inputs[4])
                return _choose(carry, table[::-1], table)  # the reversed pair is the inverted value
            case "carry":
                table, carry = self._lut(gate), self.net_value(gate.inputs[4])
                a, b = (self.net_value(net) for net in gate.inputs[:2])
                low = self._constants[0] if gate.option else self._look_up(self._memory.lut(gate.bel) & 0xF, [a, b])
                return _choose(table, carry, low)
            case "block":
                return self._block_ram(gate)

    def _lut(self, gate: Gate) -> NetValues:
        return self._look_up(self._memory.lut(gate.bel), [self.net_value(net) for net in gate.inputs[:4]])

    def _block_ram(self, gate: Gate) -> NetValues:
        """A bit of the addressed word, unknown if the address is unknown in any case."""
        address = self.word(gate.inputs)
        if address is None:
            return self._unknown
        units, units_per_word = np.array(self._memory.block_ram(gate.bel), np.int64), 2 if gate.option else 1
        bit = (units[address * units_per_word + gate.bit // UNIT_BITS] >> gate.bit % UNIT_BITS & 1).astype(np.bool_)
        return ~bit, bit

    def _look_up(self, table: int, inputs: list[NetValues]) -> NetValues:
        """The Shannon expansion of a look-up table. An input that both halves agree on is skipped, so that it may be unknown."""
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
    """``one`` where ``select`` is one, ``zero`` where it is zero, and whatever either can be where it is unknown."""
    can_be_zero = (select[1] & one[0]) | (select[0] & zero[0])
    can_be_one = (select[1] & one[1]) | (select[0] & zero[1])
    return can_be_zero, can_be_one
