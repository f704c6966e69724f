# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From a model to its accelerator's Verilog, ROM files and report."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amaranth.back import verilog
from amaranth.lib import wiring

from ...sw.compiler.lowering import compile_model
from ...sw.model.quantized import Model
from ...sw.plan.nodes import Plan
from ...sw.plan.report import plan_report
from ...sw.utils.atomic_files import write_atomically
from ...sw.utils.progress import Progress, no_progress
from ..accelerator import Accelerator
from ..module_names import TOP
from ..weights.rom_contents import RomContents, RomFiles
from .top import Top

_ESCAPED = re.compile(r"\\\S+\[\S*")
"""An escaped name with an element of an array in it."""
_ELEMENT = re.compile(r"\[(\d+)\]")
_TRIGGER = re.compile(r"^(  reg (\\\$auto\$verilog_backend\S+) ) = 0;$", re.MULTILINE)
"""The declaration of the variable that starts a module's combinational blocks."""


@dataclass(frozen=True)
class Artefacts:
    """The products of generation. The same model and lanes give the same bytes."""

    verilog: str = field(repr=False)
    """The Verilog of the accelerator; its ROMs are initialised from files of hexadecimal words in the current folder."""
    roms: dict[str, str] = field(repr=False)
    """Those files: contents by name."""
    report: dict[str, Any]
    """The plan: engines, lanes and predicted cycles (sw/plan/report.py)."""

    def write(self, folder: Path) -> None:
        """Write firebrick.v, the ROM files and report.json, the last after all others."""
        for name, contents in self.roms.items():
            write_atomically(folder / name, contents.encode())
        write_atomically(folder / f"{TOP}.v", self.verilog.encode())
        write_atomically(folder / "report.json", (json.dumps(self.report, indent=2) + "\n").encode())


def generate(model: Model, lanes: int, progress: Progress = no_progress) -> Artefacts:
    """Generate the accelerator of a model for a total number of multiplier lanes.

    ``progress`` is called with the name of each step. Raises FirebrickError if the lanes do not suffice.
    """
    progress("planning")
    plan = compile_model(model, lanes)
    progress("writing Verilog")
    return generate_plan(plan)


def generate_plan(plan: Plan) -> Artefacts:
    """Generate the accelerator of a plan."""
    text, roms = to_verilog(Accelerator(plan=plan), TOP, fast=plan.fast)
    return Artefacts(text, roms, plan_report(plan))


def to_verilog(component: wiring.Component, name: str, *, fast: bool = False) -> tuple[str, dict[str, str]]:
    """The Verilog of one component as a top module, and its ROM files; ``fast``: some of its lanes are at twice the clock."""
    return convert_top(Top(component=component, fast=fast), name)


def convert_top(top: wiring.Component, name: str) -> tuple[str, dict[str, str]]:
    """The Verilog of a component that has its clocks and resets as ports, and its ROM files."""
    roms = RomFiles()
    return verilog_with_roms(top, name, roms), roms.files


def verilog_with_roms(top: wiring.Component, name: str, roms: RomContents) -> str:
    """The Verilog of a component that has its clocks and resets as ports, whose ROMs get their words in a given way."""
    text = verilog.convert(top, name=name, platform=roms, emit_src=False, strip_internal_attrs=True)
    return _start_combinational_blocks(_name_elements(text)) + roms.verilog


def _name_elements(text: str) -> str:
    """Name elements of arrays ``array.0`` instead of ``array[0]``, in which the ABC9 of Yosys sees bit 0 of a vector ``array``."""
    return _ESCAPED.sub(lambda match: _ELEMENT.sub(r".\1", match[0]), text)


def _start_combinational_blocks(text: str) -> str:
    """Make every ``always @*`` run once at time 0.

    Yosys has each of them wait for a variable too, which is initialised where it is declared. In Verilog-2005 that is an event, in
    SystemVerilog it is not (IEEE 1800-2017, 6.8), and blocks whose other inputs are constant would leave their outputs unknown for ever.
    A nonblocking assignment comes after all blocks have begun to wait, in either language.
    """
    return _TRIGGER.sub(r"\1;\n`ifndef SYNTHESIS\n  initial \2 <= 0;\n`endif", text)
