# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The report of a bitstream as a self-contained HTML page."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from .html import render
from .svg_charts import Bar, RooflinePoint, bar_chart, roofline_chart

KINDS = {"luts": "LUTs", "block_rams": "block RAMs", "multipliers": "multipliers"}
TOLERANCE = 0.1
"""A prediction that misses its result by more than this fraction is marked."""

Report = Mapping[str, Any]


def bitstream_page(report: Report) -> str:
    """The page of a report that ``firebrick.hw.build.bitstream.build`` returned; the same report gives the same text.

    Bars of the style `most` stand out: the bottleneck, the slowest path, the scarcest resource, the largest ROM.
    """
    engines = report["plan"]["engines"]
    bottleneck = max(engines, key=lambda engine: engine["cycles"])
    path = report.get("critical_path") or []
    path_ns = sum(step["ns"] for step in path)
    return render(
        "bitstream.html.j2",
        title=f"{report['network']} on {report['board']}",
        figures=_figures(report),
        bottleneck=bottleneck["name"],
        engine_chart=_engine_chart(report, bottleneck),
        path_ns=path_ns,
        wire_fraction=sum(step["ns"] for step in path if step["kind"] == "wire") / path_ns if path_ns else 0.0,
        path_chart=_path_chart(path),
        component_chart=_component_chart(report),
        clocks=[
            (clock["domain"], f"{clock['constraint_mhz']:.1f} MHz", f"{clock['fmax_mhz']:.1f} MHz") for clock in report.get("clocks", ())
        ],
        seed_chart=_seed_chart(report),
        utilisation_chart=_utilisation_chart(report),
        roofline_chart=_roofline_chart(report, bottleneck),
        rom_chart=_rom_chart(engines),
        tolerance=TOLERANCE,
        kinds=KINDS.values(),
        nodes=_nodes(report),
        host=_host(report),
        crossings=_crossings(report),
        placed=_placed(report),
        step_chart=_step_chart(report),
    )


def short(value: float) -> str:
    """A positive number to three digits, or to a whole one: 1.97, 93.1, 8,386."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _figures(report: Report) -> list[tuple[str, str]]:
    """The numbers in the page's head, and what each is."""
    plan = report["plan"]
    dense = plan["macs"] / (plan["lanes"] * report["cycles_per_frame"])
    return [
        (f"{report['fps']:,.1f}", "frames per second in the engines"),
        (f"{short(report['engine_latency_ms'])} ms", f"latency of a frame in the engines; {short(1000 / report['fps'])} ms between frames"),
        *([(f"{camera['fps']:.1f}", f"frames per second from the camera {camera['name']}")] if (camera := report.get("camera")) else []),
        *((short(link["fps"]), f"frames per second over {link['carrier']}") for link in report.get("host", ())),
        (f"{report['frequency_mhz']:g} MHz", f"clock; Fmax {report['fmax_mhz']:.1f} MHz"),
        (f"{report['cycles_per_frame']:,}", "cycles per frame"),
        (f"{report['classes']:,}", "classes"),
        (f"{plan['rom_bits'] / 8192:,.1f} KiB", "of weights in ROM"),
        (f"{dense:.2f}", "dense MACs per lane and cycle"),
    ]


def _host(report: Report) -> list[tuple[str, ...]]:
    """The rows of the table of links: what a host sees over each."""
    return [
        (
            link["carrier"] + ("" if link["built"] else ", in another build"),
            short(link["fps"]),
            link["limit"],
            f"{short(link['latency_ms'])} ms",
            f"{short(link['stream_latency_ms'])} ms",
        )
        for link in report.get("host", ())
    ]


def _crossings(report: Report) -> list[tuple[str, ...]]:
    """The rows of the table of paths between the clock of fast lanes and the accelerator's."""
    return [
        (
            f"{path['source']} to {path['destination']}",
            f"{path['ns']:.2f} ns",
            f"{report['frequency_mhz']:.1f} MHz",
            f"{path['fmax_mhz']:.1f} MHz",
        )
        for path in report.get("crossings", ())
    ]


def _placed(report: Report) -> list[tuple[str, ...]]:
    """The rows of the table of cells: as place and route counts them, and Yosys' estimate where it has the same unit."""
    return [
        (
            f"{kind['what']} ({kind['cell']})",
            f"{kind['used']:,}",
            f"{kind['available']:,}",
            f"{kind['used'] / kind['available']:.0%}",
            "" if kind["estimate"] is None else f"{kind['estimate']:,}",
        )
        for kind in report.get("placed", ())
    ]


def _engine_chart(report: Report, bottleneck: Report) -> str:
    frame = report["cycles_per_frame"]
    rows = [
        Bar(
            f"{engine['name']} ({engine['lanes']})",
            [(engine["busy_cycles"], "most" if engine is bottleneck else "busy"), (engine["cycles"] - engine["busy_cycles"], "rest")],
            f"{engine['busy_cycles'] / frame:.1%} busy, {engine['cycles']:,} cycles",
        )
        for engine in report["plan"]["engines"]
    ]
    return bar_chart(rows, title="Cycles of each engine", line=(frame, f"{frame:,} cycles per frame"))


def _path_chart(path: list[Report]) -> str:
    """The steps of the critical path, one row for each component that it runs through; empty without a path."""
    if not path:
        return ""
    rows = []
    for component, group in groupby(path, lambda step: step["where"]):
        steps = list(group)
        wires = sum(step["ns"] for step in steps if step["kind"] == "wire")
        whole = sum(step["ns"] for step in steps)
        pieces = [(step["ns"], "wire" if step["kind"] == "wire" else "busy") for step in steps]
        rows.append(Bar(component, pieces, f"{whole:.2f} ns, {wires:.2f} ns of it in routing"))
    return bar_chart(rows, title="The critical path")


def _component_chart(report: Report) -> str:
    slowest = report.get("slowest_ns") or {}
    if not slowest:
        return ""
    period = 1000 / report["frequency_mhz"]
    rows = [
        Bar(name, [(ns, "most" if ns == max(slowest.values()) else "busy")], f"{ns:.1f} ns, {1000 / ns:.0f} MHz")
        for name, ns in sorted(slowest.items(), key=lambda item: -item[1])
    ]
    return bar_chart(rows, title="The slowest path of each component", line=(period, f"{period:.1f} ns at {report['frequency_mhz']:g} MHz"))


def _seed_chart(report: Report) -> str:
    seeds = report.get("seeds") or []
    if len(seeds) < 2:
        return ""
    rows = [
        Bar(f"seed {seed['seed']}", [(seed["fmax_mhz"], "busy")], f"{seed['fmax_mhz']:.1f} MHz" if seed["fmax_mhz"] else "failed")
        for seed in seeds
    ]
    return bar_chart(rows, title="Seeds", line=(report["frequency_mhz"], f"{report['frequency_mhz']:g} MHz required"))


def _utilisation_chart(report: Report) -> str:
    used, available, predicted = (report[key] for key in ("actual", "available", "predicted"))
    scarcest = max(KINDS, key=lambda kind: used[kind] / available[kind])
    rows = []
    for kind, name in KINDS.items():
        fraction = used[kind] / available[kind]
        value = f"{used[kind]:,} ({fraction:.0%} of {available[kind]:,}), {predicted[kind]:,}"
        pieces = [(fraction, "most" if kind == scarcest else "busy"), (max(0.0, 1 - fraction), "free")]
        rows.append(Bar(name, pieces, value, tick=predicted[kind] / available[kind]))
    return bar_chart(rows, title="FPGA utilisation")


def _roofline_chart(report: Report, bottleneck: Report) -> str:
    points = [
        RooflinePoint(
            engine["name"],
            engine["busy_cycles"] / engine["rom_reads"],
            engine["busy_cycles"] / report["cycles_per_frame"],
            "most" if engine is bottleneck else "busy",
        )
        for engine in report["plan"]["engines"]
        if engine["busy_cycles"]
    ]
    return roofline_chart(
        points,
        title="Roofline",
        x_label="multiplications of a lane per ROM word read",
        y_label="cycles in which lanes multiply",
        slope="ROM: one word per cycle",
        flat="lanes: one multiplication per cycle",
    )


def _rom_chart(engines: list[Report]) -> str:
    largest = max(engine["rom_bits"] for engine in engines)
    rows = [
        Bar(
            engine["name"],
            [(engine["rom_bits"], "most" if engine["rom_bits"] == largest else "busy")],
            f"{engine['rom_bits'] / 8:,.0f} bytes, {engine['rom_bits'] / sum(engine['entries']):.2f} bits per entry",
        )
        for engine in engines
    ]
    return bar_chart(rows, title="ROM bytes of each engine")


def _nodes(report: Report) -> list[dict[str, Any]]:
    """The rows of the table of resources: all nodes, then the total."""
    total = {"name": "total", "predicted": report["predicted"], "actual": report["actual"]}
    return [
        {"name": node["name"], "cells": [_cell(node["actual"][kind], node["predicted"][kind]) for kind in KINDS]}
        for node in [*report["nodes"], total]
    ]


def _cell(actual: int, predicted: int) -> dict[str, Any]:
    """One resource of one node. A difference of one is never marked: it is a large fraction of a small number."""
    fraction = (predicted - actual) / actual if actual else 0.0
    return {
        "actual": f"{actual:,}",
        "predicted": f"{predicted:,}",
        "difference": f"{fraction:+.0%}" if actual else "",
        "off": abs(fraction) > TOLERANCE and abs(predicted - actual) > 1,
    }


def _step_chart(report: Report) -> str:
    steps = report.get("steps") or []
    if not steps:
        return ""
    rows = [
        Bar(step["step"], [(step["seconds"], "busy")], f"{step['seconds'] / 60:,.1f} minutes, peak {step['peak_mib'] / 1024:.2f} GiB")
        for step in steps
    ]
    return bar_chart(rows, title="Time of each step")
