# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Registers of the ECP5's multipliers and block RAMs, which lanes at twice the clock need and Yosys does not use.

A multiplication takes as long as a cycle at twice the clock, and so does reading a block RAM; with registers inside the block either is
divided. ``FastMultiplier`` becomes a MULT18X18D with all its registers before synthesis. After it, the registers behind block RAMs that
are read at twice the clock move into them.
"""

from collections import defaultdict
from typing import Any

from ...sw.errors import FirebrickError
from ..module_names import FAST_CLOCK, FAST_MULTIPLIER_PREFIX, FAST_READ_WORD

_REGISTERS = ", ".join(f'.REG_{name}_CLK("CLK0")' for name in ("INPUTA", "INPUTB", "PIPELINE", "OUTPUT"))
_PORTS = ", ".join(
    [f".A{bit}(pixel[{bit}])" for bit in range(8)]
    + [f".A{bit}(1'b0)" for bit in range(8, 18)]
    + [f".B{bit}(weight[{bit}]), .C{bit}(1'b0)" for bit in range(18)]
    + [f".P{bit}(product[{bit}])" for bit in range(26)]
)
MULTIPLIER_VERILOG = f"""\
module firebrick_fast_multiplier (fast_clk, fast_rst, pixel, weight, product);
  input fast_clk, fast_rst;
  input [7:0] pixel;
  input [17:0] weight;
  output [25:0] product;
  MULT18X18D #({_REGISTERS}, .GSR("DISABLED"), .SOURCEB_MODE("B_SHIFT"), .RESETMODE("SYNC")) multiplier (
    .CLK0(fast_clk), .CE0(1'b1), .RST0(1'b0), .SIGNEDA(1'b0), .SIGNEDB(1'b1), .SOURCEA(1'b0), .SOURCEB(1'b0), {_PORTS}
  );
endmodule
"""
"""The multiplier that takes the place of ``FastMultiplier``. A reset of the domain is left out: what it would clear is not used."""
MAP_FAST_MULTIPLIERS = f"""\
read_verilog <<EOT
{MULTIPLIER_VERILOG}EOT
chtype -set firebrick_fast_multiplier */c:{FAST_MULTIPLIER_PREFIX}*
"""
"""The Yosys commands that put it there."""
_PORTS_OF_BLOCK_RAM = ("A", "B")
_WHOLE_WIDTH = 36
"""Bits of a word for which a block RAM takes the data pins of both ports: it is then written at port A and read at port B."""


def use_output_registers(netlist: dict[str, Any]) -> int:
    """Move the registers behind block RAMs that are read at twice the clock into them; returns how many flip-flops that saves.

    ``netlist``: the synthesised design, as Yosys writes it in JSON; it is changed. Raises FirebrickError if a block RAM that is read at
    twice the clock has something else behind it.
    """
    return sum(_use_output_registers(module) for module in netlist["modules"].values() if "cells" in module)


def _use_output_registers(module: dict[str, Any]) -> int:
    """The same within one module: a block RAM and the registers behind it are of the same engine."""
    fast_bits = {bit for name, net in module["netnames"].items() if name.split(".")[-1] == FAST_CLOCK for bit in net["bits"]}
    if not fast_bits:
        return 0
    cells: dict[str, Any] = module["cells"]
    sinks: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for name, cell in cells.items():
        for port, bits in cell["connections"].items():
            if cell["port_directions"].get(port) == "input":
                for bit in bits:
                    sinks[bit].append((name, port))
    for name, port in module["ports"].items():
        for bit in port["bits"] if port["direction"] == "output" else ():
            sinks[bit].append((name, ""))
    moved: dict[int, int] = {}
    for name, cell in list(cells.items()):
        if cell["type"] != "DP16KD":
            continue
        parameters, connections = cell["parameters"], cell["connections"]
        whole = int(parameters["DATA_WIDTH_B"], 2) == _WHOLE_WIDTH
        for port in _PORTS_OF_BLOCK_RAM:
            clock = "CLKB" if whole else f"CLK{port}"
            outputs = [bit for pin, bits in connections.items() if pin.startswith(f"DO{port}") for bit in bits if sinks[bit]]
            if connections[clock][0] not in fast_bits or not outputs:
                continue
            behind = [(bit, *sink) for bit in outputs for sink in sinks[bit]]
            if not all(_is_register(cells.get(sink), pin, fast_bits) for _, sink, pin in behind):
                raise FirebrickError(f"block RAM {name} has no register behind it ({FAST_READ_WORD}); this is a bug")
            parameters[f"REGMODE_{port}"], connections[f"OCE{port}"] = "OUTREG", ["1"]
            for bit, sink, _ in behind:
                moved[cells.pop(sink)["connections"]["Q"][0]] = bit
    for cell in cells.values():
        cell["connections"] = {port: [moved.get(bit, bit) for bit in bits] for port, bits in cell["connections"].items()}
    for named in (*module["ports"].values(), *module["netnames"].values()):
        named["bits"] = [moved.get(bit, bit) for bit in named["bits"]]
    return len(moved)


def _is_register(cell: dict[str, Any] | None, pin: str, clocks: set[int]) -> bool:
    """Whether a pin of a cell is the data input of a flip-flop that has one of the clocks, and that nothing enables or resets."""
    if cell is None or cell["type"] != "TRELLIS_FF" or pin not in ("DI", "M"):
        return False
    wires, enable = cell["connections"], cell["parameters"].get("CEMUX", "1").strip()
    return wires["CLK"][0] in clocks and enable == "1" and wires.get("LSR", ["0"]) == ["0"]
