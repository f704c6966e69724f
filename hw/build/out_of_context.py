# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What a design takes of an ECP5, by synthesis alone: no board, no placement."""

import hashlib
import json
import shutil
from collections import Counter
from pathlib import Path

from amaranth.back import rtlil  # type: ignore[attr-defined]  # the stubs leave it out
from amaranth.lib import wiring

from ...sw.fpga.resources import Resources
from ...sw.plan.nodes import Plan
from ...sw.utils.atomic_files import write_atomically
from ...sw.utils.progress import Progress, no_progress
from ..accelerator import Accelerator
from ..codegen.top import Top
from ..eda.runner import ToolStep
from ..flows.ecp5 import Ecp5Flow, map_to_ecp5
from ..module_names import TOP

NODES = f"{TOP}.component.pipeline."
"""How the names of nodes' modules begin."""
READ = {"il": "read_rtlil {file}", "v": "read_verilog {file}"}
SCRIPT = """\
{read}
hierarchy -top {top}
setattr -mod -set keep_hierarchy 1 {nodes}*
setattr -mod -unset keep_hierarchy {nodes}*.*
{mapped}
blackbox =A:whitebox
tee -q -o {top}.stat.json stat -json
"""
"""As for bitstreams: nodes keep their modules, which takes less time and memory, and reading and writing never meet in a word of memory."""


def plan_resources(plan: Plan, cache: Path, progress: Progress = no_progress) -> Resources:
    """What a plan's accelerator takes, without a link to a host; what was synthesised before is kept in a folder.

    Raises FirebrickError where Yosys is missing or fails.
    """
    return component_resources(Accelerator(plan=plan), cache, progress)


def component_resources(component: wiring.Component, cache: Path, progress: Progress = no_progress) -> Resources:
    """The same of a component."""
    text = rtlil.convert(Top(component=component), name=TOP, platform=None, emit_src=False)
    return synthesise(text, f"{TOP}.il", cache, progress)


def synthesise(text: str, file: str, cache: Path, progress: Progress = no_progress) -> Resources:
    """What a design in RTLIL or Verilog takes; ``file`` is the name of its top module with .il or .v behind it."""
    top, _, kind = file.rpartition(".")
    script = SCRIPT.format(read=READ[kind].format(file=file), top=top, nodes=NODES, mapped=map_to_ecp5(top))
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    source = cache / f"source-{name}"
    write_atomically(source / file, text.encode())
    write_atomically(source / f"{top}.ys", script.encode())
    try:
        step = ToolStep("synthesis", ["yosys", f"{top}.ys"], [source / file, source / f"{top}.ys"], [f"{top}.stat.json"])
        made = step.run(cache, progress)
    finally:
        shutil.rmtree(source, ignore_errors=True)
    modules = json.loads(made[f"{top}.stat.json"].read_text())["modules"].values()
    cells = sum((Counter(module["num_cells_by_type"]) for module in modules), Counter[str]())
    return Ecp5Flow.cell_costs.resources(cells)
