# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Logic cones of a routed netlist: extracted, evaluated with known and unknown inputs, and read from the netlists of the tools."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firebrick.hw.verify.logic_cones import ConeEvaluator, extract_cone
from firebrick.hw.verify.netlist import ONE, ZERO, Gate, Netlist


@dataclass(frozen=True)
class Tables:
    """A configuration memory with these look-up tables, and one block RAM."""

    luts: Mapping[str, int]
    words: Sequence[int] = ()

    def lut(self, bel: str) -> int:
        return self.luts[bel]

    def block_ram(self, _bel: str) -> Sequence[int]:
        return self.words


@given(st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=6), st.integers(0, 1 << 32), st.sets(st.integers(2, 5), max_size=3))
def test_evaluator_only_knows_what_holds_for_every_value_of_unknown_inputs(tables: list[int], seed: int, unknown: set[int]) -> None:
    """Nets 2 to 5 are inputs. The oracle evaluates every net for all values of the unknown inputs: each value that occurs must be possible.

    The oracle is trustworthy because it only indexes look-up tables with known bits.
    """
    rng = np.random.default_rng(seed)
    gates, luts = {}, {}
    for number, table in enumerate(tables):
        inputs = tuple(int(net) for net in rng.integers(0, 6 + number, 4))
        gates[6 + number], luts[f"at {number}"] = Gate("lut", inputs, f"at {number}"), table

    def exact(values: dict[int, int]) -> dict[int, int]:
        nets = {ZERO: 0, ONE: 1, **values}
        for net, gate in gates.items():
            nets[net] = luts[gate.bel] >> sum(nets[wire] << index for index, wire in enumerate(gate.inputs)) & 1
        return nets

    grid = np.array(list(product((0, 1), repeat=4)))
    known = {net: grid[:, net - 2].astype(np.bool_) for net in range(2, 6) if net not in unknown}
    logic = ConeEvaluator(gates, Tables(luts), known, len(grid))
    for case, bits in enumerate(grid):
        for net in gates:
            possible = set()
            for others in product((0, 1), repeat=len(unknown)):
                values = dict(zip(range(2, 6), bits.tolist(), strict=True)) | dict(zip(sorted(unknown), others, strict=True))
                possible.add(exact(values)[net])
            zero, one = logic.net_value(net)
            assert possible <= {bit for bit, can in enumerate((zero[case], one[case])) if can}
            if not unknown:
                assert len(possible) == int(zero[case]) + int(one[case])


def test_evaluator_adds_along_a_carry_chain() -> None:
    """A + B in four bits: each look-up table is A xor B, and the carry out is A where that is 0, the carry in where it is 1."""
    bits, gates, carry = 4, {}, ZERO
    for bit in range(bits):
        inputs = (10 + bit, 20 + bit, ONE, ONE, carry)
        gates[30 + bit], gates[40 + bit] = Gate("sum", inputs, "add"), Gate("carry", inputs, "add")
        carry = 40 + bit
    a, b = (grid.reshape(-1) for grid in np.meshgrid(np.arange(16), np.arange(16)))
    known = {10 + bit: (a >> bit & 1).astype(np.bool_) for bit in range(bits)}
    known |= {20 + bit: (b >> bit & 1).astype(np.bool_) for bit in range(bits)}
    logic = ConeEvaluator(gates, Tables({"add": 0x666A}), known, len(a))
    total = logic.word([30, 31, 32, 33, 43])
    assert total is not None
    assert (total == a + b).all()


def test_evaluator_steps_flip_flops_and_leaves_loops_unknown() -> None:
    data, reset = np.array([0, 1, 0, 1], np.bool_), np.array([0, 0, 1, 1], np.bool_)
    gates = {5: Gate("ff", (2, 3), option=True), 6: Gate("ff", (6, ZERO)), 7: Gate("mux", (3, ONE, 2))}
    logic = ConeEvaluator(gates, Tables({}), {2: data, 3: reset, 5: ~data}, 4)
    after, now = logic.word([5], next_state=True), logic.word([5])
    assert after is not None
    assert after.tolist() == [0, 1, 1, 1]
    assert now is not None
    assert now.tolist() == (~data).tolist()
    assert logic.word([6]) is None
    assert logic.word([99]) is None
    assert logic.word([2], next_state=True) is None
    chosen = logic.word([7, ONE], signed=True)
    assert chosen is not None
    assert chosen.tolist() == [-2, -1, -1, -1]


def test_a_flip_flop_that_is_not_enabled_keeps_its_value() -> None:
    data, enable, present = (np.array(bits, np.bool_) for bits in ([0, 1, 0, 1], [1, 1, 0, 0], [1, 0, 1, 0]))
    gates = {5: Gate("ff", (2, ZERO, 3)), 6: Gate("ff", (2, ZERO, 99)), 7: Gate("ff", (2, ZERO, 3))}
    logic = ConeEvaluator(gates, Tables({}), {2: data, 3: enable, 5: present}, 4)
    after, unknown_enable = logic.word([5], next_state=True), logic.word([6], next_state=True)
    assert after is not None
    assert after.tolist() == [0, 1, 1, 0]
    assert unknown_enable is not None  # taken for enabled
    assert unknown_enable.tolist() == data.tolist()
    assert logic.word([7], next_state=True) is None  # what it keeps is not given


def test_cone_has_the_enables_of_its_targets_only() -> None:
    gates = {10: Gate("ff", (11, ZERO, 12)), 11: Gate("ff", (13, ZERO, 14)), 12: Gate("lut", (15,) * 4), 14: Gate("lut", (16,) * 4)}
    assert set(extract_cone(gates, [10], [], 1)) == {10, 11, 12}


@pytest.mark.parametrize(("wide", "bit"), [(False, 0), (False, 8), (True, 3), (True, 9), (True, 17)])
def test_evaluator_reads_block_rams(wide: bool, bit: int) -> None:
    rng = np.random.default_rng(bit)
    words = rng.integers(0, 512, 2048)
    inputs = tuple(range(10, 20 if wide else 21))
    addresses = rng.integers(0, 1 << len(inputs), 200)
    known = {net: (addresses >> index & 1).astype(np.bool_) for index, net in enumerate(inputs)}
    gates = {50: Gate("block", inputs, "X6/Y25/EBR1", wide, bit)}
    values = ConeEvaluator(gates, Tables({}, words.tolist()), known, len(addresses)).word([50])
    whole = words[2 * addresses] | words[2 * addresses + 1] << 9 if wide else words[addresses]
    assert values is not None
    assert (values == whole >> bit & 1).all()
    assert ConeEvaluator(gates, Tables({}, words.tolist()), {}, 1).word([50]) is None


def test_cone_ends_at_sources_and_after_the_given_number_of_flip_flops() -> None:
    gates = {net: Gate("ff", (net - 1, ZERO)) for net in range(10, 20)}
    assert set(extract_cone(gates, [19], [], 0)) == {19}
    assert set(extract_cone(gates, [19], [], 3)) == {19, 18, 17, 16}
    assert set(extract_cone(gates, [19], [17], 9)) == {19, 18}
    assert set(extract_cone(gates, [19], [19], 1)) == {19, 18}, "a target is entered even if it is a source"


def table(bel: str, inputs: dict[str, int], outputs: dict[str, int], **parameters: str) -> dict[str, Any]:
    wires = {port: [net] for port, net in (inputs | outputs).items()}
    return {"type": "TRELLIS_COMB", "parameters": parameters, "attributes": {"NEXTPNR_BEL": bel}, "connections": wires}


def test_netlist_follows_permuted_pins_and_finds_signals_by_any_name() -> None:
    route = "X3/Y4/A2_SLICE;X3/Y4/0_0_D2->0_0_A2_SLICE;1;X3/Y4/D2;X3/Y4/0_0_V01->0_0_D2;1"
    routed = {
        "modules": {
            "top": {
                "netnames": {
                    "part.kept[0]": {"bits": [50], "attributes": {"ROUTING": route}},
                    "part.kept[1]": {"bits": [51], "attributes": {}},
                    "part.z": {"bits": [52], "attributes": {}},
                },
                "cells": {
                    "lut": table("X3/Y4/SLICEB.K0", {"A": 50, "B": 51}, {"F": 52}),
                    "wide": table("X3/Y4/SLICEC.K0", {"M": 50, "F1": 51}, {"F": 55, "OFX": 53}),
                    "ram": table("X3/Y4/SLICED.K0", {"A": 50}, {"F": 54}, MODE="DPRAM"),
                    "rom": {
                        "type": "DP16KD",
                        "parameters": {"DATA_WIDTH_A": "1001"},
                        "attributes": {"NEXTPNR_BEL": "X6/Y25/EBR1"},
                        "connections": {},
                    },
                },
            }
        }
    }
    names = {"other": {"bits": [7, 8, "1", 7]}, "kept": {"bits": [7, 8]}, "z": {"bits": [9]}, "gone": {"bits": [10]}}
    netlist = Netlist(routed, {"modules": {"top.part": {"netnames": names}}})
    assert netlist.gates[52] == Gate("lut", (ONE, 51, ONE, 50), "X3/Y4/SLICEB.K0")
    assert netlist.gates[53] == Gate("mux", (50, 51, 55))
    assert 54 not in netlist.gates
    assert netlist.block_rams == {"rom": ("X6/Y25/EBR1", 9)}
    assert netlist.find_nets("top.part", ["unheard", "other"]) == [50, 51, ONE, 50]
    assert netlist.find_nets("top.part", ["gone"]) is None
    assert netlist.find_nets("top.part", ["unheard"]) is None
    assert netlist.signal_names("top.part", "k") == ["kept"]


@pytest.mark.parametrize("value", [0, 1])
def test_netlist_keeps_the_initial_values_of_flip_flops(value: int) -> None:
    cell = {
        "type": "TRELLIS_FF",
        "parameters": {"SD": "0 ", "LSRMUX": "LSR", "REGSET": "SET" if value else "RESET"},
        "attributes": {},
        "connections": {"M": [5], "DI": [6], "Q": [7], "LSR": [8]},
    }
    routed = {"modules": {"top": {"netnames": {}, "cells": {"ff": cell}}}}
    assert Netlist(routed, {"modules": {}}).gates == {7: Gate("ff", (5, 8), option=bool(value))}
