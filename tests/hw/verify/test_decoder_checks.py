# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The checks of a weight decoder's logic: each finds a fault in the recorded bitstream that no other check finds.

The faults are single bits of look-up tables and initial values of flip-flops, chosen so that only one compared signal is affected. A check
that compares nothing therefore fails its test here.
"""

from dataclasses import replace

import pytest

from firebrick.hw.verify.decoder_checks import check_tables
from firebrick.hw.verify.netlist import ZERO
from firebrick.hw.verify.rom_map import PlacedRom
from firebrick.hw.verify.weight_verification import verify_weights
from tests.helpers.recorded_bitstream import configuration, model, recorded, recorded_roms

LUT_FAULTS = [
    pytest.param("conv1", "codes: code words", "X2/Y26/SLICEA.K1", 0, id="code-next-offset"),
    pytest.param("conv1", "codes: code words", "X2/Y23/SLICEC.K0", 0, id="code-symbol"),
    pytest.param("conv1", "zero runs: code words", "X11/Y34/SLICEB.K1", 11, id="zero-run-code-next-offset"),
    pytest.param("conv1", "zero runs: code words", "X10/Y35/SLICEB.K0", 5, id="zero-run-code-symbol"),
    pytest.param("conv1", "codebooks", "X3/Y23/SLICED.K1", 14, id="codebook"),
    pytest.param("conv1", "zero runs", "X10/Y36/SLICEA.K0", 3, id="zero-run"),
    pytest.param("conv1", "filter order", "X10/Y39/SLICEA.K1", 14, id="filter-order-position"),
    pytest.param("conv1", "filter order", "X7/Y39/SLICEB.K0", 14, id="filter-order-tap"),
    pytest.param("conv1", "filter order", "X9/Y38/SLICEA.K0", 5, id="filter-order-group"),
    pytest.param("fire2/expand", "filter order", "X23/Y29/SLICEA.K0", 3, id="filter-order-type"),
    pytest.param("conv1", "biases", "X7/Y23/SLICEA.K0", 13, id="accumulator-init"),
]
"""Engine, the check that finds the fault, and the bit of a look-up table that is wrong."""


def reasons_for(roms: list[PlacedRom], engine: str, luts: dict[str, int]) -> list[str]:
    """Why the layers of an engine are different, where all other layers must be verified."""
    report = verify_weights(configuration(luts), roms, model())
    assert not report["proven"]
    layers = next(placed.rom.layers for placed in roms if placed.rom.engine == engine)
    for layer in report["layers"]:
        assert layer["verdict"] == ("different" if layer["name"] in layers else "proven")
    return sorted({reason for layer in report["layers"] for reason in layer["reasons"]})


@pytest.mark.parametrize(("engine", "table", "bel", "bit"), LUT_FAULTS)
def test_check_finds_a_wrong_bit_of_a_look_up_table(engine: str, table: str, bel: str, bit: int) -> None:
    reasons = reasons_for(recorded_roms(), engine, {bel: recorded()["luts"][bel] ^ 1 << bit})
    assert len(reasons) == 1
    assert reasons[0].startswith(f"{engine} part 0: ")
    assert reasons[0].endswith(f" cases of '{table}' in logic differ from the ROM map")


@pytest.mark.parametrize("register", ["held.inner", "held.tap", "held.group"])
@pytest.mark.parametrize(("engine", "bits"), [("conv1", 8), ("fire2/expand", 14)])
def test_check_finds_a_wrong_initial_position(engine: str, bits: int, register: str) -> None:
    roms = recorded_roms()
    number, placed = next((number, placed) for number, placed in enumerate(roms) if placed.rom.engine == engine)
    # A flip-flop without a reset: one that synthesis gives a reset also decides about the filter order.
    net, gate = next((net, placed.gates[net]) for net in placed.targets[register] if placed.gates[net].inputs[1] == ZERO)
    roms[number] = replace(placed, gates={**placed.gates, net: replace(gate, option=not gate.option)})
    assert reasons_for(roms, engine, {}) == [f"{engine} part 0: 1 of {bits} cases of 'initial position' in logic differ from the ROM map"]


def test_every_check_has_cases() -> None:
    """Nothing is verified by a check that compares no values."""
    checks = [check for placed in recorded_roms() for check in check_tables(placed, configuration())]
    assert len(checks) == 4 * 7
    assert all(check.cases > 0 for check in checks)
    assert not any(check.wrong or check.unknown for check in checks)
