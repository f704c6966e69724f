# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What synthesis and place and route report of a design."""

from dataclasses import asdict
from typing import Any

from ...sw.fpga.cost_model import estimate
from ...sw.fpga.link_costs import link_resources
from ...sw.fpga.resources import Resources, total
from ...sw.plan.nodes import Adapter, Plan, walk
from ...sw.plan.report import plan_report
from ..boards.registry import Board
from ..eda.timing_report import OVERHEAD, critical_path, slowest_paths
from ..flows.options import Options
from ..module_names import NODE_MODULE_PREFIX, module_name


def synthesis_report(plan: Plan, chosen: Board, options: Options, stat: dict[str, Any]) -> dict[str, Any]:
    """What each node was expected to take, and what it takes."""
    taken = chosen.flow.cell_costs.resources
    cells = {module.removeprefix("\\"): taken(entry["num_cells_by_type"]) for module, entry in stat["modules"].items()}
    fabric = chosen.device.fabric
    link = link_resources(chosen.link(options.link), fabric, swappable=options.swappable, classes=plan.global_sum.channels)
    predicted = estimate(plan, fabric) | {OVERHEAD: link}
    actual: dict[str, Resources] = {}
    carried = Resources()
    for number, node in enumerate(walk(plan.nodes)):
        module = module_name(node, number)
        carried += cells.get(NODE_MODULE_PREFIX + module, Resources())
        if not isinstance(node, Adapter):
            actual[node.name] = carried
            carried = Resources()
    whole = total(cells)
    actual[OVERHEAD] = Resources(**{kind: count - asdict(total(actual))[kind] for kind, count in asdict(whole).items()})
    return {
        "board": chosen.name,
        "bitstream": chosen.flow.bitstream,
        "network": plan.name,
        "classes": plan.global_sum.channels,
        "lanes": plan.lanes,
        "cycles_per_frame": plan.cycles,
        "available": asdict(chosen.device.resources),
        "predicted": asdict(total(predicted)),
        "actual": asdict(whole),
        "nodes": [{"name": node, "predicted": asdict(predicted[node]), "actual": asdict(actual[node])} for node in predicted],
        "plan": plan_report(plan),
    }


def timing_report(report: dict[str, Any], options: Options, timing: dict[str, Any], aim: float) -> dict[str, Any]:
    """With what place and route say, which aimed for a clock, in Hz."""
    slowest = accelerator_clock(timing, aim)
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


def accelerator_clock(timing: dict[str, Any], aim: float) -> dict[str, float]:
    """Constraint and achieved frequency of the accelerator's clock, in MHz: never more than the aim, in Hz; of several such the slowest."""
    clocks: list[dict[str, float]] = list(timing["fmax"].values())
    asked = aim / 1e6
    return min(clocks, key=lambda one: (one["constraint"] > 1.0001 * asked, round(abs(one["constraint"] - asked), 1), one["achieved"]))


def failing_clocks(timing: dict[str, Any], aim: float) -> str:
    """Which clocks besides the accelerator's, for which that is an aim in Hz, are too slow, in words."""
    own = accelerator_clock(timing, aim)
    late = [clock for clock in timing["fmax"].values() if clock is not own and clock["achieved"] < clock["constraint"]]
    return " and ".join(f"{clock['achieved']:.1f} MHz for {clock['constraint']:.1f}" for clock in late)


def _fps(report: dict[str, Any], options: Options) -> float:
    """Frames a second: of the cycles that were simulated, if they were."""
    return round(options.frequency / (options.cycles or report["cycles_per_frame"]), 3)


def planned_report(report: dict[str, Any], options: Options) -> dict[str, Any]:
    """With what is hoped for, where a vendor's tools have the last word on timing."""
    frequency = round(options.frequency / 1e6, 3)
    return {"fps": _fps(report, options), "frequency_mhz": frequency, "fmax_mhz": None, **report}
