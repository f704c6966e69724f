# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""nextpnr's timing report, summarised by component of the design."""

from typing import Any, TypedDict

from ..module_names import DEVICE_PREFIX, PIPELINE_PREFIX

WIRE = "wire"
OVERHEAD = "link and board"
"""The component of all that is not a node of the pipeline. Many of its cells have no names, so it is not divided further."""
DELAY_KINDS = {"routing": WIRE, "logic": "look-up table or carry", "clk-to-q": "out of a register or memory"}
"""nextpnr's kinds of delays, in words."""


class PathStep(TypedDict):
    """One stretch of a path: the component, "wire" or "logic", what it is in words, and its delay."""

    where: str
    kind: str
    what: str
    ns: float


def component_of(name: str) -> str:
    """The component that a cell or net belongs to: a node of the pipeline, or ``OVERHEAD``."""
    return name.removeprefix(PIPELINE_PREFIX).partition(".")[0] if name.startswith(PIPELINE_PREFIX) else OVERHEAD


def critical_path(timing: dict[str, Any]) -> list[PathStep]:
    """The steps of the slowest path from register to register, in order.

    Steps without delay are left out, and neighbouring steps of the same kind in the same component are joined.
    """
    paths = [path["path"] for path in timing["critical_paths"] if "async" not in (path["from"].split()[0], path["to"].split()[0])]
    slowest: list[dict[str, Any]] = max(paths, key=lambda steps: sum(step["delay"] for step in steps), default=[])
    joined: list[PathStep] = []
    # Only nets have hierarchical names, and not all of them: a step without one is where the step before it was, and the first steps are
    # where the first named net is.
    where = next((location for step in slowest if (location := _location(step.get("net", "")))), "")
    for step in slowest:
        where = _location(step.get("net", "")) or where or component_of(step["to"]["cell"])
        what = DELAY_KINDS.get(step["type"], step["type"])
        if joined and (joined[-1]["where"], joined[-1]["what"]) == (where, what):
            joined[-1]["ns"] += step["delay"]
        elif step["delay"]:
            joined.append({"where": where, "kind": WIRE if what == WIRE else "logic", "what": what, "ns": step["delay"]})
    return [{**step, "ns": round(step["ns"], 3)} for step in joined]


def slowest_paths(timing: dict[str, Any]) -> dict[str, float]:
    """For each component the latest arrival at one of its registers, in ns after the clock edge.

    Empty without nextpnr's detailed report.
    """
    arrivals: dict[str, float] = {}
    for net in timing.get("detailed_net_timings", ()):
        for endpoint in net["endpoints"]:
            if "async" in (endpoint["event"].split()[0], net["event"].split()[0]):
                continue
            delay = endpoint["delay"]
            latest = max(delay) if isinstance(delay, list) else delay  # newer versions give fastest and slowest
            component = component_of(endpoint["cell"])
            arrivals[component] = max(arrivals.get(component, 0.0), latest)
    return {component: round(latest, 3) for component, latest in arrivals.items() if latest}


def _location(net: str) -> str:
    """The hierarchical location of a named net, its component and the parts inside; empty if there is none."""
    named = net.removeprefix(PIPELINE_PREFIX).removeprefix(DEVICE_PREFIX).partition("$")[0].split(".")[:-1]
    return " ".join(named) if len(named) > 1 else ""
