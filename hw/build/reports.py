# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The report of a build: what synthesis and place and route measured, beside what the plan predicted.

The documents are JSON objects. Each step adds keys to the report of the step before, in front of it or behind it; the order is part of
the format, so that the same build writes the same bytes.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, NotRequired, TypedDict, final

from ...sw.camera.sensors import find_sensor
from ...sw.compiler.end_to_end import end_to_end, engine_latency_ms
from ...sw.fpga.cost_model import estimate
from ...sw.fpga.link_costs import link_resources
from ...sw.fpga.resources import Resources, total
from ...sw.model.quantized import Model
from ...sw.plan.nodes import Adapter, Plan, walk
from ...sw.plan.report import plan_report
from ..boards.registry import Board
from ..boards.standalone_ports import prescaler_for
from ..eda.timing_report import OVERHEAD, PathStep, critical_path, slowest_paths
from ..flows.base import OpenFlow
from ..flows.options import Options
from ..module_names import NODE_MODULE_PREFIX, module_name
from .clock_timing import CrossingTiming, DomainTiming, clock_domains, fast_crossings, fmax_mhz


class NodeReport(TypedDict):
    """Resources of one node of the plan."""

    name: str
    predicted: dict[str, int]
    actual: dict[str, int]


class HostLink(TypedDict):
    """What a host sees over one link of the board, predicted (``sw/compiler/end_to_end.py``)."""

    link: str
    built: bool
    """The bitstream has this link; the others are what a build with them would give, at the same clock."""
    carrier: str
    fps: float
    limit: str
    latency_ms: float
    stream_latency_ms: float


class CameraRate(TypedDict):
    """What the board's own camera sends."""

    name: str
    fps: float
    prescaler: int
    """Of its pixel clock, so that the network is as fast; 1 where it is anyway."""


class PlacedCells(TypedDict):
    """One kind of cell as place and route counts it."""

    what: str
    cell: str
    """nextpnr's name of the cell."""
    used: int
    available: int
    estimate: int | None
    """What Yosys' statistics say of them, in ``actual``; None if nothing."""


class SynthesisReport(TypedDict):
    """What is known after synthesis; synthesis.json."""

    link: str
    simulated_cycles_per_frame: int | None
    board: str
    bitstream: str | None
    """The file with the bitstream; None if there is only a project for the vendor's tools."""
    network: str
    classes: int
    lanes: int
    cycles_per_frame: int
    engine_latency_ms: float
    """Of a single frame in the engines, beside the time between frames, 1000 / fps."""
    host: list[HostLink]
    camera: NotRequired[CameraRate]
    available: dict[str, int]
    predicted: dict[str, int]
    actual: dict[str, int]
    nodes: list[NodeReport]
    plan: dict[str, Any]


class SeedReport(TypedDict):
    """The Fmax of one seed; 0 if place and route failed."""

    seed: int
    fmax_mhz: float


class TimingReport(SynthesisReport):
    """What is known after place and route; timing.json."""

    clocks: NotRequired[list[DomainTiming]]
    """Every clock, where a camera or fast lanes bring further ones."""
    crossings: NotRequired[list[CrossingTiming]]
    """Of a design with fast lanes: the slowest path from each of its two clocks to the other."""

    fps: float
    frequency_mhz: float
    fmax_mhz: float
    seed: int
    critical_path: list[PathStep]
    slowest_ns: dict[str, float]
    utilization: dict[str, Any]
    placed: list[PlacedCells]
    seeds: list[SeedReport]


@final
class BuildReport(TimingReport):
    """What is known of a finished bitstream; report.json."""

    steps: list[dict[str, Any]]
    """Time and memory of each tool, {step, seconds, peak_mib}."""


class VendorResult(TypedDict):
    """What became of a project for a vendor's tools."""

    project: str
    bitstream: str | None
    install: str | None
    """What to install for a bitstream; None if there is one."""


@final
class VendorReport(SynthesisReport):
    """What is known where a vendor's tools make the bitstream and have the last word on timing; report.json."""

    fps: float
    frequency_mhz: float
    fmax_mhz: None
    project: str
    install: str | None


def synthesis_report(plan: Plan, model: Model, board: Board, options: Options, link: str, statistics: dict[str, Any]) -> SynthesisReport:
    """The predicted and the actual resources of each node, from Yosys' statistics of each module."""
    resources_of = board.flow.cell_costs.resources
    modules = {module.removeprefix("\\"): resources_of(entry["num_cells_by_type"]) for module, entry in statistics["modules"].items()}
    fabric, classes = board.device.fabric, plan.global_sum.channels
    overhead = link_resources(link, fabric, reloadable=options.reloadable, classes=classes)
    overhead += options.peripherals.resources(model, fabric)
    predicted = estimate(plan, fabric) | {OVERHEAD: overhead}
    actual = _actual_resources(plan, modules)
    return {
        "link": link,
        "simulated_cycles_per_frame": options.cycles,
        "board": board.name,
        "bitstream": board.flow.bitstream,
        "network": plan.name,
        "classes": classes,
        "lanes": plan.lanes,
        "cycles_per_frame": plan.cycles,
        "engine_latency_ms": engine_latency_ms(plan, options.frequency),
        "host": _host_links(plan, board, options, link),
        "available": asdict(board.device.resources),
        "predicted": asdict(total(predicted)),
        "actual": asdict(total(modules)),
        "nodes": [{"name": node, "predicted": asdict(predicted[node]), "actual": asdict(actual[node])} for node in predicted],
        "plan": plan_report(plan),
        **(_camera_rate(options.peripherals.camera, plan, options.frequency) if options.peripherals.camera else {}),  # type: ignore[typeddict-item]
    }


def _camera_rate(camera: str, plan: Plan, frequency: float) -> dict[str, CameraRate]:
    sensor = find_sensor(camera)
    prescaler = prescaler_for(sensor, plan, frequency)
    return {"camera": CameraRate(name=camera, fps=round(1 / sensor.frame_seconds(prescaler), 3), prescaler=prescaler)}


def _host_links(plan: Plan, board: Board, options: Options, built: str) -> list[HostLink]:
    """What a host sees over each link of the board; the one that the bitstream has comes first."""
    links = []
    for link in sorted(board.links, key=lambda link: link != built):
        seen = end_to_end(plan, board.carrier(link, options.frequency), options.frequency, options.cycles)
        links.append(
            HostLink(
                link=link,
                built=link == built,
                carrier=seen.carrier,
                fps=seen.fps,
                limit=seen.limit,
                latency_ms=seen.latency_ms,
                stream_latency_ms=seen.stream_latency_ms,
            )
        )
    return links


def _placed(flow: OpenFlow, utilization: Mapping[str, Any], actual: Mapping[str, int]) -> list[PlacedCells]:
    """The cells that a flow lists, of those that the FPGA has; ``actual`` are Yosys' estimates."""
    return [
        PlacedCells(
            what=kind.what,
            cell=kind.cell,
            used=utilization[kind.cell]["used"],
            available=utilization[kind.cell]["available"],
            estimate=actual[kind.resource] if kind.resource else None,
        )
        for kind in flow.placed_cells
        if kind.cell in utilization
    ]


def _actual_resources(plan: Plan, modules: dict[str, Resources]) -> dict[str, Resources]:
    """The resources of each node, and of all else under ``OVERHEAD``. Adapters count towards the node that they feed, as in predictions."""
    actual: dict[str, Resources] = {}
    adapters = Resources()
    for number, node in enumerate(walk(plan.nodes)):
        adapters += modules.get(NODE_MODULE_PREFIX + module_name(node, number), Resources())
        if not isinstance(node, Adapter):
            actual[node.name] = adapters
            adapters = Resources()
    whole, nodes = asdict(total(modules)), asdict(total(actual))
    actual[OVERHEAD] = Resources(**{kind: whole[kind] - nodes[kind] for kind in whole})
    return actual


def timing_report(
    report: SynthesisReport,
    flow: OpenFlow,
    options: Options,
    seeds: list[SeedReport],
    timing: dict[str, Any],
    constraint_hz: float,
    *,
    fast: bool = False,
) -> TimingReport:
    """The synthesis report with nextpnr's timing of the best seed, the first of ``seeds``; ``fast``: some lanes are at twice the clock."""
    return {
        "fps": _frames_per_second(report, options),
        "frequency_mhz": round(options.frequency / 1e6, 3),
        "fmax_mhz": round(fmax_mhz(timing, constraint_hz, fast=fast), 3),
        "seed": seeds[0]["seed"],
        "critical_path": critical_path(timing),
        "slowest_ns": slowest_paths(timing),
        "utilization": timing["utilization"],
        "placed": _placed(flow, timing["utilization"], report["actual"]),
        **report,
        "seeds": seeds,
        **({"clocks": clock_domains(timing)} if fast or options.peripherals.any else {}),  # type: ignore[typeddict-item]
        **({"crossings": fast_crossings(timing, constraint_hz)} if fast else {}),  # type: ignore[typeddict-item]
    }


def vendor_report(report: SynthesisReport, options: Options, result: VendorResult) -> VendorReport:
    """The synthesis report with the planned clock, which only the vendor's timing report can confirm."""
    return {
        "fps": _frames_per_second(report, options),
        "frequency_mhz": round(options.frequency / 1e6, 3),
        "fmax_mhz": None,
        **report,
        **result,
    }


def _frames_per_second(report: SynthesisReport, options: Options) -> float:
    """Frames a second at the planned clock: by the simulated cycles if there are any, otherwise by the predicted ones."""
    return round(options.frequency / (options.cycles or report["cycles_per_frame"]), 3)
