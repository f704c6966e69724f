# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Resources of a design on an ECP5 by synthesis out of context: without a board, placement or routing."""

import json
import tempfile
from collections import Counter
from pathlib import Path

from amaranth.back.rtlil import convert
from amaranth.lib import wiring

from ...sw.fpga.resources import Resources
from ...sw.plan.nodes import Plan
from ...sw.utils.progress import Progress, no_progress
from ..accelerator import Accelerator
from ..codegen.top import Top
from ..eda.runner import ToolStep
from ..flows.ecp5 import Ecp5Flow, map_to_ecp5
from ..module_names import COMPONENT_NODE_MODULE_PREFIX, TOP
from .yosys_script import synthesis_script


def plan_resources(plan: Plan, cache: Path, progress: Progress = no_progress) -> Resources:
    """The resources of a plan's accelerator, without a link to a host; results are cached in a folder.

    Raises FirebrickError where Yosys is missing or fails.
    """
    return component_resources(Accelerator(plan=plan), cache, progress, fast=plan.fast)


def component_resources(component: wiring.Component, cache: Path, progress: Progress = no_progress, *, fast: bool = False) -> Resources:
    """The resources of a component; ``fast``: some of its lanes are at twice the clock.

    Raises FirebrickError as ``plan_resources`` does.
    """
    return Ecp5Flow.cell_costs.resources(component_cells(component, cache, progress, fast=fast))


def component_cells(component: wiring.Component, cache: Path, progress: Progress = no_progress, *, fast: bool = False) -> Counter[str]:
    """How many cells of each kind a component takes. Raises FirebrickError as ``plan_resources`` does."""
    text = convert(Top(component=component, fast=fast), name=TOP, platform=None, emit_src=False)
    return synthesised_cells(text, f"{TOP}.il", cache, progress, fast=fast)


def synthesise(text: str, file: str, cache: Path, progress: Progress = no_progress) -> Resources:
    """The resources of a design; ``file`` is the name of its top module with the suffix .il for RTLIL or .v for Verilog.

    Raises FirebrickError as ``plan_resources`` does.
    """
    return Ecp5Flow.cell_costs.resources(synthesised_cells(text, file, cache, progress))


def synthesised_cells(text: str, file: str, cache: Path, progress: Progress = no_progress, *, fast: bool = False) -> Counter[str]:
    """How many cells of each kind a design takes. Raises FirebrickError as ``plan_resources`` does."""
    top = file.rpartition(".")[0]
    script = synthesis_script(file, top, COMPONENT_NODE_MODULE_PREFIX, map_to_ecp5(top, fast=fast), write_netlist=False)
    with tempfile.TemporaryDirectory(prefix="firebrick-") as name:
        inputs = {Path(name) / file: text, Path(name) / f"{top}.ys": script}
        for path, content in inputs.items():
            path.write_text(content)
        products = ToolStep("synthesis", ["yosys", f"{top}.ys"], list(inputs), [f"{top}.stat.json"]).run(cache, progress)
    modules = json.loads(products[f"{top}.stat.json"].read_text())["modules"].values()
    return sum((Counter(module["num_cells_by_type"]) for module in modules), Counter[str]())
