# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From a plan to a bitstream for a board: synthesis, place and route, packing, and a report of all three."""

import json
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...sw.errors import FirebrickError
from ...sw.fpga.resources import Resources, deficit
from ...sw.link.identity import describe_device
from ...sw.model.quantized import Model
from ...sw.plan.nodes import Plan
from ...sw.utils.atomic_files import write_atomically
from ...sw.utils.progress import Progress
from ..boards.board_top import BoardTop
from ..boards.registry import Board, board
from ..eda.runner import USAGE_FILE, ToolStep
from ..flows.base import Flow, OpenFlow
from ..flows.options import Options
from ..flows.vendor import VendorFlow
from ..module_names import DESCRIPTOR_MEMORY, NODE_MODULE_PREFIX, TOP
from ..verify.identity import locate_identity
from ..verify.netlist import Netlist
from ..verify.rom_map import rom_map
from .reports import accelerator_clock, failing_clocks, planned_report, synthesis_report, timing_report
from .seed_sweep import sweep_seeds
from .vendor_project import build_vendor_project

SCRIPT = f"""\
{{read}} {{design}}
hierarchy -top {TOP}
setattr -mod -set keep_hierarchy 1 {NODE_MODULE_PREFIX}*
setattr -mod -unset keep_hierarchy {NODE_MODULE_PREFIX}*.*
{{synthesis}}
hierarchy -check
blackbox =A:whitebox
tee -q -o {TOP}.stat.json stat -json
write_json {TOP}.json
"""
"""Nodes keep their modules, so that what each takes can be told."""


class TooSlowError(FirebrickError):
    """A design does not meet its clock."""

    def __init__(self, message: str, reached: float) -> None:
        super().__init__(message)
        self.reached = reached
        """The clock that it meets, in Hz."""


def build(
    plan: Plan, model: Model, name: str, options: Options, output: Path, progress: Progress, elsewhere: Executor | None = None
) -> dict[str, Any]:
    """Write the bitstream of a model's plan for a board to a folder, with a report; steps done before are not done again.

    ``synthesis.json`` says what the plan takes, also where that does not fit, and ``timing.json`` what was reached where that is too slow.
    ``elsewhere``: what places and routes, as many seeds at a time as ``options`` say.

    Raises FirebrickError where the board lacks the link, the plan needs more than the board has or a tool fails, TooSlowError where the
    timing is not met.
    """
    chosen = board(name)
    link = chosen.link(options.link)
    options = replace(options, frequency=chosen.clock_for(options.frequency))
    platform, flow, device = chosen.platform(), chosen.flow, chosen.device
    cache = output / "steps"
    progress("generating")
    top = BoardTop(plan=plan, model=model, flow=flow, frequency=options.frequency, link=link, swappable=options.swappable)
    sources = platform.prepare(top, name=TOP, emit_src=False)  # so that the design is the same wherever its sources lie
    for file in (flow.design, *([flow.constraints] if isinstance(flow, OpenFlow) else [])):
        content = sources.files[file]
        write_atomically(cache / file, content if isinstance(content, bytes) else content.encode())
    write_atomically(cache / f"{TOP}.ys", _script(flow, platform).encode())
    synthesised = ToolStep(
        "synthesis",
        ["yosys", f"{TOP}.ys"],
        [cache / f"{TOP}.ys", cache / flow.design],
        [f"{TOP}.json", f"{TOP}.stat.json"],
    ).run(cache / "synthesis", progress)
    statistics = json.loads(synthesised[f"{TOP}.stat.json"].read_text())
    report = {"link": link, "simulated_cycles_per_frame": options.cycles, **synthesis_report(plan, chosen, options, statistics)}
    write_atomically(output / "synthesis.json", (json.dumps(report, indent=2) + "\n").encode())
    if short := deficit(device.resources, Resources(**report["actual"])):
        raise FirebrickError(f"the plan does not fit {name}: it needs {short}; give fewer lanes, a smaller model or another board")
    if isinstance(flow, VendorFlow):
        report = planned_report(report, options) | build_vendor_project(sources, platform, flow, output, progress)
        write_atomically(output / "report.json", (json.dumps(report, indent=2) + "\n").encode())
        return report
    aim = options.frequency * flow.overconstraint
    tried = sweep_seeds(
        lambda seed, listen: _routing(chosen, replace(options, seed=seed), synthesised, cache).run(cache / "routing", listen, elsewhere),
        lambda routed: accelerator_clock(json.loads(routed[f"{TOP}.timing.json"].read_text()), aim)["achieved"],
        (options.seed, *options.more_seeds),
        options.jobs,
        progress,
    )
    best, routed = tried[0], tried[0].result or {}
    timing = json.loads(routed[f"{TOP}.timing.json"].read_text())
    report = timing_report(report, replace(options, seed=best.seed), timing, aim)
    report["seeds"] = [{"seed": one.seed, "fmax_mhz": round(one.fmax_mhz, 3)} for one in tried]
    if report["fmax_mhz"] < report["frequency_mhz"]:
        write_atomically(output / "timing.json", (json.dumps(report, indent=2) + "\n").encode())
        seeds = f"seed {best.seed}, the best of {len(tried)}" if len(tried) > 1 else f"seed {best.seed}"
        raise TooSlowError(
            f"frequency must be at most {report['fmax_mhz']:.1f} MHz with {seeds}, not {report['frequency_mhz']:.1f}; "
            "ask for less or try other seeds",
            report["fmax_mhz"] * 1e6,
        )
    if late := failing_clocks(timing, aim):
        raise FirebrickError(f"the link's clock is too slow with seed {best.seed}, {late}; try other seeds")
    packed = ToolStep(
        "packing",
        [flow.packer, *flow.packer_arguments(platform)],
        [routed[flow.routed]],
        [flow.bitstream],
    ).run(cache / "packing", progress)
    if flow.verifiable:
        progress("recording where the ROMs are")
        netlist = Netlist(*(json.loads(path.read_text()) for path in (routed[f"{TOP}.routed.json"], synthesised[f"{TOP}.json"])))
        roms = rom_map(plan, netlist, platform.device, NODE_MODULE_PREFIX)
        if options.swappable:
            size = len(describe_device(model, plan, options.frequency).encode())
            roms["identity"] = locate_identity(netlist, DESCRIPTOR_MEMORY, size, model.network).as_dict()
        write_atomically(output / f"{TOP}.roms.json", json.dumps(roms, separators=(",", ":")).encode())
    report["steps"] = [json.loads(made[USAGE_FILE].read_text()) for made in (synthesised, routed, packed)]
    write_atomically(output / flow.bitstream, packed[flow.bitstream].read_bytes())
    write_atomically(output / "report.json", (json.dumps(report, indent=2) + "\n").encode())
    return report


def _routing(chosen: Board, options: Options, synthesised: dict[str, Path], cache: Path) -> ToolStep:
    """Place and route from one seed."""
    flow = chosen.flow
    assert isinstance(flow, OpenFlow)
    return ToolStep(
        f"place and route with seed {options.seed}",
        [flow.nextpnr, *flow.nextpnr_arguments(chosen.platform(), options)],
        [synthesised[f"{TOP}.json"], cache / flow.constraints],
        [flow.routed, f"{TOP}.timing.json", *([f"{TOP}.routed.json"] if flow.verifiable else [])],
    )


def _script(flow: Flow, platform: Any) -> str:
    read = "read_verilog" if flow.design.endswith(".v") else "read_rtlil"
    return SCRIPT.format(read=read, design=flow.design, synthesis=flow.synthesis(platform))
