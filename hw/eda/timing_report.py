# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What nextpnr says of time, by component of the design."""

from typing import Any

from ..module_names import DEVICE_PREFIX, PIPELINE_PREFIX

WIRE = "wire"
OVERHEAD = "link and board"
"""What is no node: many of its cells have no names."""
DELAY_KINDS = {"routing": WIRE, "logic": "look-up table or carry", "clk-to-q": "out of a register or memory"}


def component_of(name: str) -> str:
    """The component that a cell or net belongs to: a node of the pipeline, or what stands beside them."""
    return name.removeprefix(PIPELINE_PREFIX).partition(".")[0] if name.startswith(PIPELINE_PREFIX) else OVERHEAD


def critical_path(timing: dict[str, Any]) -> list[dict[str, Any]]:
    """The steps of the slowest path from register to register, in order: where each is, what it is, and how long it takes in ns.

    Steps of no length are left out, and neighbours alike in kind and place are one.
    """
    paths = [path["path"] for path in timing["critical_paths"] if "async" not in (path["from"].split()[0], path["to"].split()[0])]
    slowest: list[dict[str, Any]] = max(paths, key=lambda steps: sum(step["delay"] for step in steps), default=[])
    found: list[dict[str, Any]] = []
    where = next((place for step in slowest if (place := _place(step.get("net", "")))), "")
    for step in slowest:
        where = _place(step.get("net", "")) or where or component_of(step["to"]["cell"])
        what = DELAY_KINDS.get(step["type"], step["type"])
        if found and (found[-1]["where"], found[-1]["what"]) == (where, what):
            found[-1]["ns"] += step["delay"]
        elif step["delay"]:
            found.append({"where": where, "kind": WIRE if what == WIRE else "logic", "what": what, "ns": step["delay"]})
    return [step | {"ns": round(step["ns"], 3)} for step in found]


def slowest_paths(timing: dict[str, Any]) -> dict[str, float]:
    """The latest arrival at a register of each component after the clock's edge, in ns; none without nextpnr's detailed report."""
    found: dict[str, float] = {}
    for net in timing.get("detailed_net_timings", ()):
        for end in net["endpoints"]:
            if "async" in (end["event"].split()[0], net["event"].split()[0]):
                continue
            delay = end["delay"]
            latest = max(delay) if isinstance(delay, list) else delay
            name = component_of(end["cell"])
            found[name] = max(found.get(name, 0.0), latest)
    return {name: round(latest, 3) for name, latest in found.items() if latest}


def _place(net: str) -> str:
    """Where a net with a name of its own is: its component and the parts inside it."""
    named = net.removeprefix(PIPELINE_PREFIX).removeprefix(DEVICE_PREFIX).partition("$")[0].split(".")[:-1]
    return " ".join(named) if len(named) > 1 else ""
