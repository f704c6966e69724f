# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The ECP5's flow with lanes at twice the clock: both clocks from one PLL, their constraints, and registers inside block RAMs."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from firebrick.hw.boards.board_top import BoardTop
from firebrick.hw.boards.registry import board
from firebrick.hw.boards.target import find_target
from firebrick.hw.core.folder import core_files
from firebrick.hw.flows.ecp5_fast_lanes import use_output_registers
from firebrick.hw.module_names import FAST_CLOCK, TOP
from firebrick.sw.cli.main import main
from firebrick.sw.compiler.engine_config import EngineConfig
from firebrick.sw.compiler.lane_allocation import allocate
from firebrick.sw.compiler.lowering import plan_with
from firebrick.sw.errors import FirebrickError
from firebrick.sw.plan.nodes import Plan
from firebrick.sw.zoo import catalogue

needs_boards = pytest.mark.skipif(find_spec("amaranth_boards") is None, reason="needs the extra `bitstream`")


@pytest.fixture(scope="module")
def plan() -> Plan:
    """The digits network, with the lanes of its first engine at twice the clock."""
    model = catalogue.load("digits")
    return plan_with(model, allocate(model, 8) | {"conv1": EngineConfig(1, fast=True)})


@needs_boards
@pytest.mark.parametrize(("name", "megahertz"), [("ulx3s_85f", 75.0), ("ecpix5_85f", 110.0), ("ulx3s_12f", 58.0)])
def test_both_clocks_come_from_one_pll_and_are_constrained(name: str, megahertz: float, plan: Plan) -> None:
    target = find_target(name, link="uart", frequency=megahertz * 1e6, fast_lanes=True)
    assert 0.95 * megahertz <= target.clock / 1e6 <= megahertz
    flow = target.board.fast_flow
    top = BoardTop(plan=plan, model=catalogue.load("digits"), flow=flow, frequency=target.clock, link="uart")
    files = target.board.platform().prepare(top, name=TOP, emit_src=False).files
    constraints = {float(hertz) for hertz in re.findall(r"FREQUENCY .* ([\d.]+) HZ", files[f"{TOP}.lpf"])}
    expected = {target.board.clock_hz or 0.0, target.clock * flow.overconstraint, 2 * target.clock * flow.overconstraint}
    assert sorted(constraints) == pytest.approx(sorted(expected))
    design = files[flow.design]
    assert design.count("cell \\EHXPLLL") == 1
    assert design.count("cell \\DCCA") == 2
    values = dict(re.findall(r"parameter \\(CLKO\w+) (\d+)", design))
    fast, slow = (int(values[f"{output}_DIV"]) for output in ("CLKOP", "CLKOS"))
    assert slow == 2 * fast
    assert [int(values[f"{output}_CPHASE"]) for output in ("CLKOP", "CLKOS")] == [fast - 1, slow - 1], "rising edges in step"


@needs_boards
def test_boards_without_fast_lanes_refuse_them(tmp_path: Path) -> None:
    output = tmp_path / "out"
    result = CliRunner().invoke(main, ["bitstream", "--board", "icebreaker", "--model", "digits", "--fast-lanes", "-o", str(output)])
    assert result.exit_code == 1
    assert "on which no lanes can run at twice the clock" in result.output
    assert "choose a board with an ECP5" in result.output
    assert not output.exists()


@needs_boards
def test_only_fast_targets_plan_fast_lanes() -> None:
    model = catalogue.load("digits")
    with_fast_lanes, without = (find_target("ulx3s_12f", fast_lanes=fast).plan(model) for fast in (True, False))
    assert with_fast_lanes.fast
    assert not without.fast
    assert with_fast_lanes.cycles < without.cycles
    assert not board("ulx3s_12f").device.fabric.fast_lanes, "it is asked for"


def test_cores_have_one_clock(plan: Plan) -> None:
    vectors: Any = None
    with pytest.raises(FirebrickError, match="plan it without fast lanes"):
        core_files(catalogue.load("digits"), plan, vectors, frequency=50.0)


def netlist(width: int = 18, behind: str = "TRELLIS_FF", pin: str = "DI", clock: int = 2, **changes: Any) -> dict[str, Any]:
    """A block RAM that is read at twice the clock, which is net 2, with a register behind each of two outputs."""
    directions = {"DI": "input", "M": "input", "CLK": "input", "CE": "input", "LSR": "input", "A": "input", "Q": "output", "Z": "output"}
    wires = {f"DOB{bit}": [10 + bit] for bit in range(2)} | {"DOB2": [12], "CLKA": [3], "CLKB": [2], "OCEB": ["1"]}
    block = {
        "type": "DP16KD",
        "parameters": {"DATA_WIDTH_A": f"{width:b}", "DATA_WIDTH_B": f"{width:b}"},
        "port_directions": {name: "output" if name.startswith("DO") else "input" for name in wires},
        "connections": wires,
    }
    register: dict[str, Any] = {"type": behind, "parameters": {"CEMUX": "1 "}, "port_directions": directions}
    cells: dict[str, Any] = {"memory": block} | {
        f"register_{bit}": register | {"connections": {pin: [10 + bit], "CLK": [clock], "LSR": ["0"], "Q": [20 + bit], **changes}}
        for bit in range(2)
    }
    cells["logic"] = {"type": "LUT4", "parameters": {}, "port_directions": directions, "connections": {"A": [20], "Z": [30]}}
    nets = {FAST_CLOCK: {"bits": [2]}, "clk": {"bits": [3]}, "read_word": {"bits": [20, 21]}}
    return {"modules": {"engine": {"ports": {"out": {"direction": "output", "bits": [21]}}, "cells": cells, "netnames": nets}}}


def test_registers_behind_block_rams_move_into_them() -> None:
    document = netlist()
    assert use_output_registers(document) == 2
    engine = document["modules"]["engine"]
    assert set(engine["cells"]) == {"memory", "logic"}
    assert engine["cells"]["memory"]["parameters"]["REGMODE_B"] == "OUTREG"
    assert "REGMODE_A" not in engine["cells"]["memory"]["parameters"], "nothing reads there"
    assert engine["cells"]["logic"]["connections"]["A"] == [10]
    assert engine["netnames"]["read_word"]["bits"] == [10, 11]
    assert engine["ports"]["out"]["bits"] == [11]


@pytest.mark.parametrize(
    "changes", [{"behind": "LUT4", "pin": "A"}, {"clock": 3}, {"LSR": [40]}, {"pin": "CE"}], ids=["logic", "clock", "reset", "enable"]
)
def test_a_block_ram_with_something_else_behind_it_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(FirebrickError, match="has no register behind it"):
        use_output_registers(netlist(**changes))


def test_block_rams_at_the_slow_clock_stay_as_they_are() -> None:
    document = netlist(clock=3)
    document["modules"]["engine"]["cells"]["memory"]["connections"]["CLKB"] = [3]
    before = str(document)
    assert use_output_registers(document) == 0
    assert str(document) == before
