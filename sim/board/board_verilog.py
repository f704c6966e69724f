# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The Verilog of a board's top module, as it is synthesised, with models of the FPGA's cells and its pins as the harness wants them."""

import re
import tempfile
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from ...hw.boards.board_top import BoardTop
from ...hw.boards.standalone_ports import StandalonePorts
from ...hw.boards.target import Target
from ...hw.codegen.verilog import Artefacts
from ...hw.eda.process import run_logged
from ...hw.eda.tool_paths import tool_command
from ...sw.model.quantized import Model
from ...sw.plan.nodes import Plan

CELLS = ("ecp5_cells.v", "board_pins.v")
_TO_VERILOG = ("read_rtlil board.il", "proc -noopt", "memory_collect", "write_verilog -norename -noattr -extmem board.v")
"""Contents of memories go into files: Verilator would make a megabyte of C++ of each, and compile it for an hour in all."""
_PORTS = re.compile(r"^module board\((.*?)\);", re.MULTILINE | re.DOTALL)
_CONNECTIONS = "/* connections */"
_DISPLAY = ("blue", "green", "red", "clock")
"""The pins of a screen by the bits of the harness's ``tmds``."""
_OPEN = ("reset", "pwdn", "xclk")
"""Outputs to the camera that the harness does not look at."""


def generate_board(model: Model, plan: Plan, target: Target) -> Artefacts:
    """The Verilog of a board with a camera: the module ``firebrick`` has the ports that the harness drives."""
    ports = StandalonePorts(peripherals=target.peripherals, board=target.board.name)
    top = BoardTop(plan=plan, model=model, flow=target.board.flow, frequency=target.clock, link=target.link, ports=ports)
    design: str | bytes = target.board.platform().prepare(top, name="board", emit_src=False).files["board.il"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "board.il").write_bytes(design if isinstance(design, bytes) else design.encode())
        (folder / "board.ys").write_text("\n".join(_TO_VERILOG) + "\n")
        run_logged([*tool_command("yosys"), "board.ys"], folder, folder / "yosys.log", name="yosys")
        text = (folder / "board.v").read_text()
        roms = {path.name: path.read_text() for path in sorted(folder.glob("board-*.mem"))}
    cells, pins = (files(__package__).joinpath(name).read_text() for name in CELLS)
    found = _PORTS.search(text)
    assert found is not None
    pins = pins.replace(_CONNECTIONS, ",\n    ".join(_connections([port.strip() for port in found.group(1).split(",")])))
    bits = plan.global_sum.score_bits
    return Artefacts("\n".join([f"`define SCORE_BITS {bits}", cells, pins, text]), roms, {"score_bits": bits})


def _connections(ports: Sequence[str]) -> list[str]:
    """How the ports of a board, by amaranth's names of its pins, are connected to those of the harness."""
    harness = {f"camera_0__d{bit}__io": f"camera_data[{bit}]" for bit in range(8)}
    harness |= {f"camera_0__{name}__io": name for name in ("pclk", "vsync", "href", "scl", "sda")}
    harness |= {f"camera_0__{name}__io": "" for name in _OPEN}
    harness |= {f"display_0__{name}__io": f"tmds[{bit}]" for bit, name in enumerate(_DISPLAY)}
    harness |= {f"led_{bit}__io": f"leds[{bit}]" for bit in range(8)}
    harness |= {f"uart_0__{name}__io": name for name in ("rx", "tx")}
    unused = "1'b0"  # the board's clock, and buttons
    return [f".{port}({harness.get(port, unused)})" for port in ports]
