# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Post-synthesis simulation: a component's Verilog as cells of the ECP5, with models of these cells."""

import json
import re
import tempfile
from importlib.util import find_spec
from pathlib import Path

from ..hw.eda.process import run_captured
from ..hw.eda.tool_paths import tool_command
from ..hw.flows.ecp5 import map_to_ecp5
from ..hw.flows.ecp5_fast_lanes import use_output_registers
from ..sw.errors import FirebrickError
from ..sw.utils.distribution import install_extra
from ..sw.utils.progress import no_progress

SECONDS = 1800.0
"""Time limit of the synthesis; the largest bench takes a few minutes."""
CELLS = Path("share") / "ecp5" / "cells_sim.v"
"""Yosys' models of look-up tables, carry chains, flip-flops and distributed RAM, inside the package pyosys."""

_INCLUDE = re.compile(r'^`include "([\w.]+)"$', re.MULTILINE)
_BLACK_BOX = re.compile(r"^\(\* blackbox \*\)\nmodule DP16KD\(.*?^endmodule$", re.MULTILINE | re.DOTALL)


def post_synthesis_verilog(text: str, roms: dict[str, str], top: str, *, fast: bool = False) -> str:
    """The Verilog of a design after synthesis for the ECP5, with models of all cells; ``roms`` are the files that its ROMs read.

    The mapping is that of ``firebrick bitstream``; ``fast``: of a design with lanes at twice the clock. Raises FirebrickError if Yosys is
    missing or fails.
    """
    with tempfile.TemporaryDirectory(prefix="firebrick-") as name:
        folder = Path(name)
        for file, contents in {"in.v": text, **roms}.items():
            (folder / file).write_text(contents)
        mapping = f"read_verilog -sv -defer in.v\nhierarchy -top {top}\n{map_to_ecp5(top, fast=fast)}\nhierarchy -check\n"
        write = "write_verilog -noattr out.v\n"
        if not fast:
            _run_yosys(folder, mapping + write)
        else:
            _run_yosys(folder, f"{mapping}blackbox =A:whitebox\nwrite_json mapped.json\n")
            netlist = json.loads((folder / "mapped.json").read_text())
            use_output_registers(netlist)
            (folder / "mapped.json").write_text(json.dumps(netlist))
            _run_yosys(folder, f"read_json mapped.json\n{write}")
        return (folder / "out.v").read_text() + _cells() + block_ram() + MULTIPLIER


def _run_yosys(folder: Path, script: str) -> None:
    (folder / "run.ys").write_text(script)
    code, printed = run_captured([*tool_command("yosys"), "run.ys"], folder, "synthesis", no_progress, SECONDS)
    if code:
        errors = [line for line in printed.splitlines() if "ERROR" in line]
        raise FirebrickError(f"synthesis failed ({errors[0] if errors else 'it printed no error'})")


def _cells() -> str:
    """Yosys' models with all includes resolved, each once; without the block RAM, which is only a declaration there."""
    package = find_spec("pyosys")
    if package is None or package.origin is None:
        raise FirebrickError(f"pyosys was not found, with the models of cells; {install_extra('bitstream')}")
    path = Path(package.origin).parent / CELLS
    seen: set[str] = set()

    def include(name: str) -> str:
        if name in seen:
            return ""
        seen.add(name)
        return _INCLUDE.sub(lambda match: include(match[1]), (path.parent / name).read_text())

    return _BLACK_BOX.sub("", include(path.name))


MULTIPLIER = f"""
module MULT18X18D(
    input {", ".join(f"{port}{bit}" for port in "ABC" for bit in range(18))},
    input SIGNEDA, SIGNEDB, SOURCEA, SOURCEB, CLK0, CE0, RST0,
    output {", ".join(f"P{bit}" for bit in range(36))}
);
    parameter REG_INPUTA_CLK = "NONE";
    parameter REG_INPUTB_CLK = "NONE";
    parameter REG_PIPELINE_CLK = "NONE";
    parameter REG_OUTPUT_CLK = "NONE";
    parameter GSR = "";
    parameter SOURCEB_MODE = "";
    parameter RESETMODE = "";
    wire signed [35:0] a = {{{{18{{SIGNEDA & A17}}}}, {", ".join(f"A{bit}" for bit in reversed(range(18)))}}};
    wire signed [35:0] b = {{{{18{{SIGNEDB & B17}}}}, {", ".join(f"B{bit}" for bit in reversed(range(18)))}}};
    reg signed [35:0] a_register, b_register, pipeline_register, output_register;
    wire signed [35:0] a_used = REG_INPUTA_CLK == "CLK0" ? a_register : a;
    wire signed [35:0] b_used = REG_INPUTB_CLK == "CLK0" ? b_register : b;
    wire signed [35:0] product = REG_PIPELINE_CLK == "CLK0" ? pipeline_register : a_used * b_used;
    always @(posedge CLK0) begin
        a_register <= a;
        b_register <= b;
        pipeline_register <= a_used * b_used;
        output_register <= product;
    end
    assign {{{", ".join(f"P{bit}" for bit in reversed(range(36)))}}} = REG_OUTPUT_CLK == "CLK0" ? output_register : product;
endmodule
"""
"""A model of the multiplier; inferred ones do not use its registers, those of fast lanes use all."""


def block_ram() -> str:
    """A model of the block RAM, for words of 9 and 18 bits; a write port reads the old word.

    Memory is 1024 words of 18 bits. Address bits 13 to 4 are the word, bit 3 selects a half of it in 9-bit mode, and bits 1 and 0 enable
    the halves for writing in 18-bit mode. INITVAL_xx holds 16 words, 20 bits apart.
    """
    sides = "AB"
    data = {side: [f"DI{side}{bit}" for bit in range(18)] for side in sides}
    address = {side: [f"AD{side}{bit}" for bit in range(14)] for side in sides}
    output = {side: [f"DO{side}{bit}" for bit in range(18)] for side in sides}
    controls = [f"{name}{side}" for side in sides for name in ("CLK", "CE", "OCE", "WE", "RST", "CS0", "CS1", "CS2")]
    controls = [re.sub(r"CS(\d)(\w)", r"CS\2\1", name) for name in controls]
    inputs = [*controls, *(pin for side in sides for pin in (*data[side], *address[side]))]
    parameters = {f"DATA_WIDTH_{side}": "18" for side in sides} | {f"CLK{side}MUX": f'"CLK{side}"' for side in sides}
    parameters |= {f"{name}_{side}": '""' for side in sides for name in ("REGMODE", "CSDECODE", "WRITEMODE")}
    parameters |= dict.fromkeys(("RESETMODE", "ASYNC_RESET_RELEASE", "GSR"), '""')
    parameters |= {f"INITVAL_{row:02X}": "320'd0" for row in range(64)}
    lines = [
        "",
        f"module DP16KD(input {', '.join(inputs)}, output {', '.join(pin for side in sides for pin in output[side])});",
        *(f"    parameter {name} = {value};" for name, value in parameters.items()),
        "    reg [17:0] words [0:1023];",
        "    integer word;",
        "    initial for (word = 0; word < 16; word = word + 1) begin",
        *(f"        words[{16 * row} + word] = INITVAL_{row:02X}[20 * word +: 18];" for row in range(64)),
        "    end",
    ]
    for side in sides:
        pins, address_pins = ", ".join(reversed(data[side])), ", ".join(reversed(address[side]))
        lines += [
            f"    wire [13:0] address_{side} = {{{address_pins}}};",
            f"    wire [17:0] in_{side} = {{{pins}}};",
            f"    reg [17:0] out_{side} = 0;",
            f"    reg [17:0] output_register_{side} = 0;",
            f"    always @(posedge CLK{side}) if (OCE{side}) output_register_{side} <= out_{side};",
            f'    assign {{{", ".join(reversed(output[side]))}}} = REGMODE_{side} == "OUTREG" ? output_register_{side} : out_{side};',
            f"    wire half_{side} = address_{side}[3];",
            f"    wire wide_{side} = DATA_WIDTH_{side} == 18;",
            f"    initial if (DATA_WIDTH_{side} != 18 && DATA_WIDTH_{side} != 9) $fatal;",
            f"    always @(posedge CLK{side}) if (CE{side}) begin",
            f"        out_{side} <= wide_{side} ? words[address_{side}[13:4]]",
            f"            : {{9'd0, half_{side} ? words[address_{side}[13:4]][17:9] : words[address_{side}[13:4]][8:0]}};",
            f"        if (WE{side} && (wide_{side} ? address_{side}[0] : !half_{side}))",
            f"            words[address_{side}[13:4]][8:0] <= in_{side}[8:0];",
            f"        if (WE{side} && (wide_{side} ? address_{side}[1] : half_{side}))",
            f"            words[address_{side}[13:4]][17:9] <= wide_{side} ? in_{side}[17:9] : in_{side}[8:0];",
            "    end",
        ]
    return "\n".join([*lines, "endmodule", ""])
