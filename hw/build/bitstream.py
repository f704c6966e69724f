# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From a plan to a bitstream for a board: synthesis, place and route, packing, and a report of all three."""

import json
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..sw.errors import FirebrickError
from ..sw.files import write_whole
from ..sw.link.identity import identity_of
from ..sw.model import Model
from ..sw.report import plan_report
from ..sw.resources import Resources, estimate, link_resources, shortage, total
from ..sw.spec import Adapter, Plan, walk
from .accelerator import module_name
from .boards import BoardTop
from .flows.flow import Flow, OpenFlow
from .flows.vendor import VendorFlow
from .identity import place_identity
from .netlist import Netlist
from .platforms import Board, board
from .project import finish
from .romrecord import record
from .seeds import try_seeds
from .timing import BESIDE, critical_path, slowest_paths
from .tools import EFFORT, Step, Tell

TOP = "firebrick"
PIPELINE = f"{TOP}.device.accelerator.pipeline."
"""How the names of nodes' modules begin."""
IDENTITY = "device.link.transmitter.identity"
"""The name of the memory that holds a swappable bitstream's identity."""
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
    """How to build."""

    frequency: float
    """Of the accelerator's clock, in Hz; what is made of it, and met, may be up to 5 % less."""
    seed: int = 1
    placer: str = "heap"
    router: str = ""
    """Unless given, the one that suits the family."""
    more_seeds: tuple[int, ...] = ()
    """Seeds to try besides the first; the fastest result is kept."""
    jobs: int = 1
    """Placements at a time."""
    link: str | None = None
    """What carries bytes to the host: ``uart`` or ``usb``; what the board has unless given, ``uart`` where it has both."""
    cycles: int | None = None
    """Of a frame, as simulated; those of the plan unless given."""
    swappable: bool = False
    """What the device says of its model can be replaced in the bitstream."""


class TooSlowError(FirebrickError):
    """A design does not meet its clock."""

    def __init__(self, message: str, reached: float) -> None:
        super().__init__(message)
        self.reached = reached
        """The clock that it meets, in Hz."""


def build(
    plan: Plan, model: Model, name: str, options: Options, output: Path, tell: Tell, elsewhere: Executor | None = None
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
    tell("generating")
    top = BoardTop(plan=plan, model=model, flow=flow, frequency=options.frequency, link=link, swappable=options.swappable)
    sources = platform.prepare(top, name=TOP, emit_src=False)  # so that the design is the same wherever its sources lie
    for file in (flow.design, *([flow.constraints] if isinstance(flow, OpenFlow) else [])):
        content = sources.files[file]
        write_whole(cache / file, content if isinstance(content, bytes) else content.encode())
    write_whole(cache / f"{TOP}.ys", _script(flow, platform).encode())
    synthesised = Step(
        "synthesis",
        ["yosys", f"{TOP}.ys"],
        [cache / f"{TOP}.ys", cache / flow.design],
        [f"{TOP}.json", f"{TOP}.stat.json"],
    ).run(cache / "synthesis", tell)
    statistics = json.loads(synthesised[f"{TOP}.stat.json"].read_text())
    report = {"link": link, "simulated_cycles_per_frame": options.cycles, **_synthesis_report(plan, chosen, options, statistics)}
    write_whole(output / "synthesis.json", (json.dumps(report, indent=2) + "\n").encode())
    if short := shortage(device.resources, Resources(**report["actual"])):
        raise FirebrickError(f"the plan does not fit {name}: it needs {short}; give fewer lanes, a smaller model or another board")
    if isinstance(flow, VendorFlow):
        report = _planned_report(report, options) | finish(sources, platform, flow, output, tell)
        write_whole(output / "report.json", (json.dumps(report, indent=2) + "\n").encode())
        return report
    aim = options.frequency * flow.aim
    tried = try_seeds(
        lambda seed, listen: _routing(chosen, replace(options, seed=seed), synthesised, cache).run(cache / "routing", listen, elsewhere),
        lambda routed: _clock(json.loads(routed[f"{TOP}.timing.json"].read_text()), aim)["achieved"],
        (options.seed, *options.more_seeds),
        options.jobs,
        tell,
    )
    best, routed = tried[0], tried[0].result or {}
    timing = json.loads(routed[f"{TOP}.timing.json"].read_text())
    report = _timing_report(report, replace(options, seed=best.seed), timing, aim)
    report["seeds"] = [{"seed": one.seed, "fmax_mhz": round(one.megahertz, 3)} for one in tried]
    if report["fmax_mhz"] < report["frequency_mhz"]:
        write_whole(output / "timing.json", (json.dumps(report, indent=2) + "\n").encode())
        seeds = f"seed {best.seed}, the best of {len(tried)}" if len(tried) > 1 else f"seed {best.seed}"
        raise TooSlowError(
            f"frequency must be at most {report['fmax_mhz']:.1f} MHz with {seeds}, not {report['frequency_mhz']:.1f}; "
            "ask for less or try other seeds",
            report["fmax_mhz"] * 1e6,
        )
    if late := _late(timing, aim):
        raise FirebrickError(f"the link's clock is too slow with seed {best.seed}, {late}; try other seeds")
    packed = Step(
        "packing",
        [flow.packer, *flow.packing(platform)],
        [routed[flow.routed]],
        [flow.packed],
    ).run(cache / "packing", tell)
    if flow.provable:
        tell("recording where the ROMs are")
        netlist = Netlist(*(json.loads(path.read_text()) for path in (routed[f"{TOP}.routed.json"], synthesised[f"{TOP}.json"])))
        roms = record(plan, netlist, platform.device, PIPELINE)
        if options.swappable:
            size = len(identity_of(model, plan, options.frequency).encode())
            roms["identity"] = place_identity(netlist, IDENTITY, size, model.network).as_dict()
        write_whole(output / f"{TOP}.roms.json", json.dumps(roms, separators=(",", ":")).encode())
    report["steps"] = [json.loads(made[EFFORT].read_text()) for made in (synthesised, routed, packed)]
    write_whole(output / flow.packed, packed[flow.packed].read_bytes())
    write_whole(output / "report.json", (json.dumps(report, indent=2) + "\n").encode())
    return report


def _routing(chosen: Board, options: Options, synthesised: dict[str, Path], cache: Path) -> Step:
    """Place and route from one seed."""
    flow = chosen.flow
    assert isinstance(flow, OpenFlow)
    return Step(
        f"place and route with seed {options.seed}",
        [flow.nextpnr, *flow.place(chosen.platform(), options)],
        [synthesised[f"{TOP}.json"], cache / flow.constraints],
        [flow.routed, f"{TOP}.timing.json", *([f"{TOP}.routed.json"] if flow.provable else [])],
    )


def _script(flow: Flow, platform: Any) -> str:
    read = "read_verilog" if flow.design.endswith(".v") else "read_rtlil"
    return SCRIPT.format(read=read, design=flow.design, synthesis=flow.synthesis(platform))


def _synthesis_report(plan: Plan, chosen: Board, options: Options, stat: dict[str, Any]) -> dict[str, Any]:
    """What each node was expected to take, and what it takes."""
    taken = chosen.flow.cells.resources
    cells = {module.removeprefix("\\"): taken(entry["num_cells_by_type"]) for module, entry in stat["modules"].items()}
    fabric = chosen.device.fabric
    link = link_resources(chosen.link(options.link), fabric, swappable=options.swappable, classes=plan.average.channels)
    predicted = estimate(plan, fabric) | {BESIDE: link}
    actual: dict[str, Resources] = {}
    carried = Resources()
    for number, node in enumerate(walk(plan.nodes)):
        module = module_name(node, number)
        carried += cells.get(PIPELINE + module, Resources())
        if not isinstance(node, Adapter):
            actual[node.name] = carried
            carried = Resources()
    whole = total(cells)
    actual[BESIDE] = Resources(**{kind: count - asdict(total(actual))[kind] for kind, count in asdict(whole).items()})
    return {
        "board": chosen.name,
        "bitstream": chosen.flow.packed,
        "network": plan.name,
        "classes": plan.average.channels,
        "lanes": plan.lanes,
        "cycles_per_frame": plan.cycles,
        "available": asdict(chosen.device.resources),
        "predicted": asdict(total(predicted)),
        "actual": asdict(whole),
        "nodes": [
            {"name": node, "predicted": asdict(predicted[node]), "actual": asdict(actual[node])} for node in predicted
        ],
        "plan": plan_report(plan),
    }


def _timing_report(report: dict[str, Any], options: Options, timing: dict[str, Any], aim: float) -> dict[str, Any]:
    """With what place and route say, which aimed for a clock, in Hz."""
    slowest = _clock(timing, aim)
    return {
        "fps": _fps(report, options),
        "frequency_mhz": round(options.frequency / 1e6, 3),
        "fmax_mhz": round(slowest["achieved"], 3),
        "seed": options.seed,
        "critical_path": critical_path(timing),
        "slowest_ns": slowest_paths(timing),
        "utilization": timing["utilization"],
        **report,
    }


def _clock(timing: dict[str, Any], aim: float) -> dict[str, float]:
    """Constraint and achieved frequency of the accelerator's clock, in MHz: never more than the aim, in Hz; of several such the slowest."""
    clocks: list[dict[str, float]] = list(timing["fmax"].values())
    asked = aim / 1e6
    return min(clocks, key=lambda one: (one["constraint"] > 1.0001 * asked, round(abs(one["constraint"] - asked), 1), one["achieved"]))


def _late(timing: dict[str, Any], aim: float) -> str:
    """Which clocks besides the accelerator's, for which that is an aim in Hz, are too slow, in words."""
    own = _clock(timing, aim)
    late = [clock for clock in timing["fmax"].values() if clock is not own and clock["achieved"] < clock["constraint"]]
    return " and ".join(f"{clock['achieved']:.1f} MHz for {clock['constraint']:.1f}" for clock in late)


def _fps(report: dict[str, Any], options: Options) -> float:
    """Frames a second: of the cycles that were simulated, if they were."""
    return round(options.frequency / (options.cycles or report["cycles_per_frame"]), 3)


def _planned_report(report: dict[str, Any], options: Options) -> dict[str, Any]:
    """With what is hoped for, where a vendor's tools have the last word on timing."""
    frequency = round(options.frequency / 1e6, 3)
    return {"fps": _fps(report, options), "frequency_mhz": frequency, "fmax_mhz": None, **report}
