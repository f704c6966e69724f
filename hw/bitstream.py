# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From a plan to a bitstream for a board: synthesis, place and route, packing, and a report of all three."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..sw.errors import FirebrickError
from ..sw.files import write_whole
from ..sw.report import plan_report
from ..sw.resources import Resources, estimate, shortage, total
from ..sw.spec import NarrowSpec, Plan, walk
from .boards import BoardTop
from .flows.flow import Flow, OpenFlow
from .flows.vendor import VendorFlow
from .platforms import Board, board
from .project import finish
from .tools import Step, Tell, tool

TOP = "firebrick"
PIPELINE = f"{TOP}.accelerator.pipeline."
"""How the names of nodes' modules begin."""
BAUD = 1_000_000
SCRIPT = f"""\
{{read}} {{design}}
hierarchy -top {TOP}
setattr -mod -set keep_hierarchy 1 {PIPELINE}*
setattr -mod -unset keep_hierarchy {PIPELINE}*.*
{{synthesis}}
hierarchy -check
blackbox =A:whitebox
tee -q -o {TOP}.stat.json stat -json
write_json {TOP}.json
"""
"""Nodes keep their modules, so that what each takes can be told."""


@dataclass(frozen=True)
class Options:
    """How to place and route."""

    frequency: float
    """Of the accelerator's clock, in Hz."""
    seed: int = 1
    placer: str = "heap"
    router: str = ""
    """Unless given, the one that suits the family."""


def build(plan: Plan, name: str, options: Options, output: Path, tell: Tell) -> dict[str, Any]:
    """Write the bitstream of a plan for a board to a folder, with a report; steps done before are not done again.

    ``synthesis.json`` says what the plan takes, also where that does not fit, and ``timing.json`` what was reached where that is too slow.

    Raises FirebrickError where the plan needs more than the board has, a tool fails, or the timing is not met.
    """
    chosen = board(name)
    platform, flow, device = chosen.platform(), chosen.flow, chosen.device
    cache = output / "steps"
    tell("generating")
    sources = platform.prepare(BoardTop(plan=plan, flow=flow, frequency=options.frequency, baud=BAUD), name=TOP)
    for file in (flow.design, *([flow.constraints] if isinstance(flow, OpenFlow) else [])):
        content = sources.files[file]
        write_whole(cache / file, content if isinstance(content, bytes) else content.encode())
    write_whole(cache / f"{TOP}.ys", _script(flow, platform).encode())
    synthesised = Step(
        "synthesis",
        [*tool("yosys"), f"{TOP}.ys"],
        [cache / f"{TOP}.ys", cache / flow.design],
        [f"{TOP}.json", f"{TOP}.stat.json"],
    ).run(cache / "synthesis", tell)
    report = _synthesis_report(plan, chosen, json.loads(synthesised[f"{TOP}.stat.json"].read_text()))
    write_whole(output / "synthesis.json", (json.dumps(report, indent=2) + "\n").encode())
    if short := shortage(device.resources, Resources(**report["actual"])):
        raise FirebrickError(f"the plan does not fit {name}: it needs {short}; give fewer lanes, a smaller model or another board")
    if isinstance(flow, VendorFlow):
        report = _planned_report(report, options) | finish(sources, platform, flow, output, tell)
        write_whole(output / "report.json", (json.dumps(report, indent=2) + "\n").encode())
        return report
    routed = Step(
        f"place and route with seed {options.seed}",
        [*tool(flow.nextpnr), *flow.place(platform, options)],
        [synthesised[f"{TOP}.json"], cache / flow.constraints],
        [flow.routed, f"{TOP}.timing.json"],
    ).run(cache / "routing", tell)
    report = _timing_report(report, options, json.loads(routed[f"{TOP}.timing.json"].read_text()))
    if report["fmax_mhz"] < report["frequency_mhz"]:
        write_whole(output / "timing.json", (json.dumps(report, indent=2) + "\n").encode())
        raise FirebrickError(
            f"frequency must be at most {report['fmax_mhz']:.1f} MHz with seed {options.seed}, not {report['frequency_mhz']:.1f}; "
            "ask for less or try another seed"
        )
    packed = Step(
        "packing",
        [*tool(flow.packer), *flow.packing(platform)],
        [routed[flow.routed]],
        [flow.packed],
    ).run(cache / "packing", tell)
    write_whole(output / flow.packed, packed[flow.packed].read_bytes())
    write_whole(output / "report.json", (json.dumps(report, indent=2) + "\n").encode())
    return report


def _script(flow: Flow, platform: Any) -> str:
    read = "read_verilog" if flow.design.endswith(".v") else "read_rtlil"
    return SCRIPT.format(read=read, design=flow.design, synthesis=flow.synthesis(platform))


def _synthesis_report(plan: Plan, chosen: Board, stat: dict[str, Any]) -> dict[str, Any]:
    """What each node was expected to take, and what it takes."""
    taken = chosen.flow.cells.resources
    cells = {module.removeprefix("\\"): taken(entry["num_cells_by_type"]) for module, entry in stat["modules"].items()}
    predicted = estimate(plan, chosen.device.fabric)
    actual: dict[str, Resources] = {}
    carried = Resources()
    for number, node in enumerate(walk(plan.nodes)):
        module = f"narrow_{number}" if isinstance(node, NarrowSpec) else node.name.replace("/", "_")
        carried += cells.get(PIPELINE + module, Resources())
        if not isinstance(node, NarrowSpec):
            actual[node.name] = carried
            carried = Resources()
    return {
        "board": chosen.name,
        "bitstream": chosen.flow.packed,
        "network": plan.name,
        "classes": plan.average.channels,
        "lanes": plan.lanes,
        "cycles_per_frame": plan.cycles,
        "available": asdict(chosen.device.resources),
        "predicted": asdict(total(predicted)),
        "actual": asdict(total(cells)),
        "nodes": [
            {"name": node, "predicted": asdict(predicted[node]), "actual": asdict(actual[node])} for node in predicted
        ],
        "plan": plan_report(plan),
    }


def _timing_report(report: dict[str, Any], options: Options, timing: dict[str, Any]) -> dict[str, Any]:
    """With what place and route say: the accelerator's clock is the one whose constraint is the options' frequency."""
    clocks = timing["fmax"].values()
    slowest = min(clocks, key=lambda clock: abs(clock["constraint"] - options.frequency / 1e6))
    return {
        "fps": round(min(slowest["constraint"], options.frequency / 1e6) * 1e6 / report["cycles_per_frame"], 3),
        "frequency_mhz": round(options.frequency / 1e6, 3),
        "fmax_mhz": round(slowest["achieved"], 3),
        "utilization": timing["utilization"],
        **report,
    }


def _planned_report(report: dict[str, Any], options: Options) -> dict[str, Any]:
    """With what is hoped for, where a vendor's tools have the last word on timing."""
    frequency = round(options.frequency / 1e6, 3)
    fps = round(options.frequency / report["cycles_per_frame"], 3)
    return {"fps": fps, "frequency_mhz": frequency, "fmax_mhz": None, **report}
