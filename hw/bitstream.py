# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From a plan to a bitstream for a board: synthesis, place and route, packing, and a report of all three."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..sw.errors import FirebrickError
from ..sw.files import write_whole
from ..sw.model import Model
from ..sw.report import plan_report
from ..sw.resources import Resources, estimate, shortage, total
from ..sw.spec import NarrowSpec, Plan, walk
from .boards import BoardTop, board, resources
from .netlist import Netlist
from .romrecord import record
from .seeds import try_seeds
from .timing import critical_path, slowest_paths
from .tools import Step, Tell, tool

TOP = "firebrick"
PIPELINE = f"{TOP}.device.accelerator.pipeline."
"""How the names of nodes' modules begin."""
COMB_LUTS = {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6}
"""LUTs that a cell takes; distributed RAM takes two more for its writing port."""
SYNTHESIS = """\
synth_ecp5 -top {top} -no-rw-check -cmp2softlogic -run begin:map_luts
rename -hide w:*[[]*
synth_ecp5 -top {top} -no-rw-check -cmp2softlogic -run map_luts:check
hierarchy -check
"""
"""From a design to cells of the ECP5. Reading and writing never meet in one word of a memory. Wires whose names look like a bit of another
wire confuse the mapper."""
SCRIPT = f"""\
read_rtlil {TOP}.il
hierarchy -top {TOP}
setattr -mod -set keep_hierarchy 1 {PIPELINE}*
setattr -mod -unset keep_hierarchy {PIPELINE}*.*
{SYNTHESIS.format(top=TOP)}\
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
    router: str = "router2"
    more_seeds: tuple[int, ...] = ()
    """Seeds to try besides the first; the fastest result is kept."""
    jobs: int = 1
    """Placements at a time."""


def build(plan: Plan, model: Model, name: str, options: Options, output: Path, tell: Tell) -> dict[str, Any]:
    """Write the bitstream of a model's plan for a board to a folder, with a report; steps done before are not done again.

    ``synthesis.json`` says what the plan takes, also where that does not fit, and ``timing.json`` what was reached where that is too slow.

    Raises FirebrickError where the plan needs more than the board has, a tool fails, or the timing is not met.
    """
    platform = board(name)
    cache = output / "steps"
    tell("generating")
    sources = platform.prepare(BoardTop(plan=plan, model=model, frequency=options.frequency), name=TOP)
    for file in (f"{TOP}.il", f"{TOP}.lpf"):
        content = sources.files[file]
        write_whole(cache / file, content if isinstance(content, bytes) else content.encode())
    write_whole(cache / f"{TOP}.ys", SCRIPT.encode())
    synthesised = Step(
        "synthesis",
        [*tool("yosys"), f"{TOP}.ys"],
        [cache / f"{TOP}.ys", cache / f"{TOP}.il"],
        [f"{TOP}.json", f"{TOP}.stat.json"],
    ).run(cache / "synthesis", tell)
    report = _synthesis_report(plan, name, resources(platform), json.loads(synthesised[f"{TOP}.stat.json"].read_text()))
    write_whole(output / "synthesis.json", (json.dumps(report, indent=2) + "\n").encode())
    if short := shortage(resources(platform), Resources(**report["actual"])):
        raise FirebrickError(f"the plan does not fit {name}: it needs {short}; give fewer lanes, a smaller model or another board")
    tried = try_seeds(
        lambda seed, listen: _routing(platform, replace(options, seed=seed), synthesised, cache).run(cache / "routing", listen),
        lambda routed: _clock(json.loads(routed[f"{TOP}.timing.json"].read_text()), options)["achieved"],
        (options.seed, *options.more_seeds),
        options.jobs,
        tell,
    )
    best, routed = tried[0], tried[0].result or {}
    report = _timing_report(report, replace(options, seed=best.seed), json.loads(routed[f"{TOP}.timing.json"].read_text()))
    report["seeds"] = [{"seed": one.seed, "fmax_mhz": round(one.megahertz, 3)} for one in tried]
    if report["fmax_mhz"] < report["frequency_mhz"]:
        write_whole(output / "timing.json", (json.dumps(report, indent=2) + "\n").encode())
        seeds = f"seed {best.seed}, the best of {len(tried)}" if len(tried) > 1 else f"seed {best.seed}"
        raise FirebrickError(
            f"frequency must be at most {report['fmax_mhz']:.1f} MHz with {seeds}, not {report['frequency_mhz']:.1f}; "
            "ask for less or try other seeds"
        )
    packed = Step(
        "packing",
        [*tool("ecppack"), "--compress", "--input", f"{TOP}.config", "--bit", f"{TOP}.bit"],
        [routed[f"{TOP}.config"]],
        [f"{TOP}.bit"],
    ).run(cache / "packing", tell)
    tell("recording where the ROMs are")
    netlist = Netlist(*(json.loads(path.read_text()) for path in (routed[f"{TOP}.routed.json"], synthesised[f"{TOP}.json"])))
    roms = record(plan, netlist, platform.device, PIPELINE)
    write_whole(output / f"{TOP}.roms.json", json.dumps(roms, separators=(",", ":")).encode())
    write_whole(output / f"{TOP}.bit", packed[f"{TOP}.bit"].read_bytes())
    write_whole(output / "report.json", (json.dumps(report, indent=2) + "\n").encode())
    return report


def _routing(platform: Any, options: Options, synthesised: dict[str, Path], cache: Path) -> Step:
    """Place and route from one seed."""
    return Step(
        f"place and route with seed {options.seed}",
        [*tool("nextpnr-ecp5"), *_place(platform, options)],
        [synthesised[f"{TOP}.json"], cache / f"{TOP}.lpf"],
        [f"{TOP}.config", f"{TOP}.timing.json", f"{TOP}.routed.json"],
    )


def _place(platform: Any, options: Options) -> list[str]:
    device = platform._nextpnr_device_options[platform.device]
    package = platform._nextpnr_package_options[platform.package].upper()
    return [
        *(device, "--package", package, "--speed", str(platform.speed)),
        *("--json", f"{TOP}.json", "--lpf", f"{TOP}.lpf", "--textcfg", f"{TOP}.config", "--report", f"{TOP}.timing.json"),
        *("--write", f"{TOP}.routed.json"),
        *("--seed", str(options.seed), "--placer", options.placer, "--router", options.router),
        *("--freq", f"{options.frequency / 1e6:.3f}", "--timing-allow-fail", "--detailed-timing-report"),
    ]


def _synthesis_report(plan: Plan, name: str, available: Resources, stat: dict[str, Any]) -> dict[str, Any]:
    """What each node was expected to take, and what it takes."""
    cells = {module.removeprefix("\\"): _resources(entry["num_cells_by_type"]) for module, entry in stat["modules"].items()}
    predicted = estimate(plan)
    actual: dict[str, Resources] = {}
    carried = Resources()
    for number, node in enumerate(walk(plan.nodes)):
        module = f"narrow_{number}" if isinstance(node, NarrowSpec) else node.name.replace("/", "_")
        carried += cells.get(PIPELINE + module, Resources())
        if not isinstance(node, NarrowSpec):
            actual[node.name] = carried
            carried = Resources()
    return {
        "board": name,
        "network": plan.name,
        "classes": plan.average.channels,
        "lanes": plan.lanes,
        "cycles_per_frame": plan.cycles,
        "available": asdict(available),
        "predicted": asdict(total(predicted)),
        "actual": asdict(total(cells)),
        "nodes": [
            {"name": node, "predicted": asdict(predicted[node]), "actual": asdict(actual[node])} for node in predicted
        ],
        "plan": plan_report(plan),
    }


def _resources(cells: dict[str, int]) -> Resources:
    return Resources(
        luts=sum(cells.get(kind, 0) * luts for kind, luts in COMB_LUTS.items()),
        block_rams=cells.get("DP16KD", 0) + cells.get("PDPW16KD", 0),
        multipliers=cells.get("MULT18X18D", 0),
    )


def _timing_report(report: dict[str, Any], options: Options, timing: dict[str, Any]) -> dict[str, Any]:
    """With what place and route say."""
    slowest = _clock(timing, options)
    return {
        "fps": round(min(slowest["constraint"], options.frequency / 1e6) * 1e6 / report["cycles_per_frame"], 3),
        "frequency_mhz": round(options.frequency / 1e6, 3),
        "fmax_mhz": round(slowest["achieved"], 3),
        "seed": options.seed,
        "critical_path": critical_path(timing),
        "slowest_ns": slowest_paths(timing),
        "utilization": timing["utilization"],
        **report,
    }


def _clock(timing: dict[str, Any], options: Options) -> dict[str, float]:
    """Constraint and achieved frequency of the accelerator's clock, in MHz."""
    clocks: list[dict[str, float]] = list(timing["fmax"].values())
    return min(clocks, key=lambda clock: abs(clock["constraint"] - options.frequency / 1e6))
