# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The report of a bitstream as a page of HTML that needs nothing else."""

from collections.abc import Iterator, Mapping
from html import escape
from itertools import groupby
from typing import Any

from .svg_charts import Bar, RooflinePoint, bar_chart, roofline_chart

KINDS = {"luts": "LUTs", "block_rams": "block RAMs", "multipliers": "multipliers"}
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1d2733; background: #fff }
h1 { margin-bottom: 0 } h2 { margin: 2.5rem 0 .3rem; font-size: 1.2rem } p { max-width: 46rem; margin: .3rem 0 .8rem; color: #4a5765 }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .8rem; margin: 1.5rem 0 }
.figures div { padding: .7rem .9rem; border-radius: 8px; background: #f1f5f9 }
.figures b { display: block; font-size: 1.45rem; line-height: 1.2; font-variant-numeric: tabular-nums } .figures span { color: #4a5765 }
svg { width: 100%; height: auto; font: 12px system-ui, sans-serif } text { dominant-baseline: central; fill: #1d2733 }
.label { text-anchor: end } .note { text-anchor: middle; fill: #4a5765 } .small { font-size: 11px; fill: #4a5765 }
.busy { fill: #2b6cb0 } .most { fill: #dd6b20 } .rest { fill: #c3d5e8 } .wire { fill: #8fb3d9 } .room { fill: #e8edf2 }
.tick { stroke: #1d2733; stroke-width: 2 } .line { stroke: #dd6b20; stroke-dasharray: 4 3 } .grid { stroke: #e3e8ee; fill: none }
.roof { stroke: #1d2733; stroke-width: 2; fill: none }
.key { display: inline-block; width: .9em; height: .9em; border-radius: 2px; vertical-align: -1px; margin: 0 .3em 0 .8em }
div.wide { overflow-x: auto } table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .15rem .7rem; border-bottom: 1px solid #e3e8ee; text-align: right; white-space: nowrap }
th:first-child, td:first-child { text-align: left } .off { color: #c05621; font-weight: 600 }
"""
_KEYS = {"busy": "#2b6cb0", "most": "#dd6b20", "rest": "#c3d5e8", "wire": "#8fb3d9"}
OFF = 0.1
"""Share by which a result may miss its prediction before it is marked."""


def bitstream_page(report: Mapping[str, Any]) -> str:
    """The page of a report that ``hw.bitstream.build`` made; the same report gives the same text."""
    title = f"{report['network']} on {report['board']}"
    body = "\n".join(part for section in (_figures, _engines, _clock, _use, _roof, _roms, _plan, _steps) for part in section(report))
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n'
        f"</head>\n<body>\n<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )


def _figures(report: Mapping[str, Any]) -> Iterator[str]:
    plan = report["plan"]
    dense = plan["macs"] / (plan["lanes"] * report["cycles_per_frame"])
    figures = [
        (f"{report['fps']:,.1f}", "frames a second"),
        (f"{report['frequency_mhz']:g} MHz", f"clock, {report['fmax_mhz']:.1f} possible"),
        (f"{report['cycles_per_frame']:,}", "cycles a frame"),
        (f"{report['classes']:,}", "classes"),
        (f"{plan['rom_bits'] / 8192:,.1f} KiB", "of weights in ROM"),
        (f"{dense:.2f}", "dense MACs a lane and cycle"),
    ]
    yield '<div class="figures">' + "".join(f"<div><b>{value}</b><span>{what}</span></div>" for value, what in figures) + "</div>"


def _engines(report: Mapping[str, Any]) -> Iterator[str]:
    frame, engines = report["cycles_per_frame"], report["plan"]["engines"]
    slowest = max(engines, key=lambda engine: engine["cycles"])
    rows = [
        Bar(
            f"{engine['name']} ({engine['lanes']})",
            [(engine["busy_cycles"], "most" if engine is slowest else "busy"), (engine["cycles"] - engine["busy_cycles"], "rest")],
            f"{engine['busy_cycles'] / frame:.1%} busy, {engine['cycles']:,} cycles",
        )
        for engine in engines
    ]
    yield "<h2>Cycles of each engine in a frame</h2>"
    yield (
        f"<p>{_key('busy')}lanes multiply {_key('rest')}other cycles of the engine {_key('most')}the bottleneck, "
        f"{escape(slowest['name'])}. In brackets, lanes. An engine that is done waits for the bottleneck.</p>"
    )
    yield bar_chart(rows, title="Cycles of each engine", line=(frame, f"{frame:,} cycles a frame"))


def _clock(report: Mapping[str, Any]) -> Iterator[str]:
    yield "<h2>Clock</h2>"
    path = report.get("critical_path") or []
    whole = sum(step["ns"] for step in path)
    if path:
        yield (
            f"<p>The slowest path takes {whole:.1f} ns, {sum(step['ns'] for step in path if step['kind'] == 'wire') / whole:.0%} of it in "
            f"wires: {_key('busy')}logic {_key('wire')}wires.</p>"
        )
        yield bar_chart(
            [_path_row(where, list(steps)) for where, steps in groupby(path, lambda step: step["where"])], title="The slowest path"
        )
    slow = report.get("slowest_ns") or {}
    if slow:
        limit = 1000 / report["frequency_mhz"]
        rows = [
            Bar(name, [(ns, "most" if ns == max(slow.values()) else "busy")], f"{ns:.1f} ns, {1000 / ns:.0f} MHz")
            for name, ns in sorted(slow.items(), key=lambda item: -item[1])
        ]
        yield "<p>The slowest path that ends in each component:</p>"
        yield bar_chart(
            rows, title="The slowest path of each component", line=(limit, f"{limit:.1f} ns at {report['frequency_mhz']:g} MHz")
        )
    seeds = report.get("seeds") or []
    if len(seeds) > 1:
        yield "<p>Seeds tried, the fastest kept:</p>"
        rows = [
            Bar(f"seed {one['seed']}", [(one["fmax_mhz"], "busy")], f"{one['fmax_mhz']:.1f} MHz" if one["fmax_mhz"] else "failed")
            for one in seeds
        ]
        yield bar_chart(rows, title="Seeds", line=(report["frequency_mhz"], f"{report['frequency_mhz']:g} MHz to meet"))


def _path_row(where: str, steps: list[Mapping[str, Any]]) -> Bar:
    """One place on the path, its steps one behind the other."""
    wires = sum(step["ns"] for step in steps if step["kind"] == "wire")
    whole = sum(step["ns"] for step in steps)
    pieces = [(step["ns"], "wire" if step["kind"] == "wire" else "busy") for step in steps]
    return Bar(where, pieces, f"{whole:.2f} ns, {wires:.2f} ns of it in wires")


def _use(report: Mapping[str, Any]) -> Iterator[str]:
    rows = []
    for kind, name in KINDS.items():
        used, had, expected = (report[what][kind] for what in ("actual", "available", "predicted"))
        style = "most" if used == max(report["actual"][other] / report["available"][other] for other in KINDS) * had else "busy"
        value = f"{used:,} ({used / had:.0%} of {had:,}), {expected:,}"
        rows.append(Bar(name, [(used / had, style), (max(0.0, 1 - used / had), "room")], value, tick=expected / had))
    yield "<h2>Use of the FPGA</h2>"
    yield "<p>The tick and the last number are what was expected before synthesis.</p>"
    yield bar_chart(rows, title="Use of the FPGA")


def _roof(report: Mapping[str, Any]) -> Iterator[str]:
    frame = report["cycles_per_frame"]
    engines = [engine for engine in report["plan"]["engines"] if engine["busy_cycles"]]
    slowest = max(engines, key=lambda engine: engine["cycles"])
    points = [
        RooflinePoint(
            engine["name"],
            engine["busy_cycles"] / engine["rom_reads"],
            engine["busy_cycles"] / frame,
            "most" if engine is slowest else "busy",
        )
        for engine in engines
    ]
    yield "<h2>Roofline</h2>"
    yield (
        "<p>A lane multiplies once a cycle at most, and a port of a ROM reads one word a cycle at most. An engine to the right of the "
        "bend is limited by its lanes, not by its ROM.</p>"
    )
    yield roofline_chart(
        points,
        title="Roofline",
        x_label="multiplications of a lane for each ROM word read",
        y_label="cycles in which lanes multiply",
        slope="ROM: a word a cycle",
        flat="lanes: a multiplication a cycle",
    )


def _roms(report: Mapping[str, Any]) -> Iterator[str]:
    engines = report["plan"]["engines"]
    most = max(engine["rom_bits"] for engine in engines)
    rows = [
        Bar(engine["name"], [(engine["rom_bits"], "most" if engine["rom_bits"] == most else "busy")], _rom_text(engine))
        for engine in engines
    ]
    yield "<h2>Weight ROMs</h2>"
    yield "<p>Entropy-coded weights and gaps, as they lie on the chip.</p>"
    yield bar_chart(rows, title="ROM bytes of each engine")


def _rom_text(engine: Mapping[str, Any]) -> str:
    entries = sum(engine["entries"])
    return f"{engine['rom_bits'] / 8:,.0f} bytes, {engine['rom_bits'] / entries:.2f} bits an entry"


def _plan(report: Mapping[str, Any]) -> Iterator[str]:
    head = "".join(f"<th>{name}</th><th>expected</th><th></th>" for name in KINDS.values())
    whole = {"name": "whole", "predicted": report["predicted"], "actual": report["actual"]}
    rows = []
    for node in [*report["nodes"], whole]:
        cells = [f"<td>{escape(node['name'])}</td>"]
        for kind in KINDS:
            got, wanted = node["actual"][kind], node["predicted"][kind]
            share = (wanted - got) / got if got else 0.0
            mark = ' class="off"' if abs(share) > OFF and abs(wanted - got) > 1 else ""
            cells.append(f"<td>{got:,}</td><td>{wanted:,}</td><td{mark}>{f'{share:+.0%}' if got else ''}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    yield "<h2>Plan against result</h2>"
    yield f"<p>What each node takes and was expected to take; marked where the expectation is more than {OFF:.0%} off.</p>"
    body = "\n".join(rows)
    yield f'<div class="wide"><table>\n<thead><tr><th>node</th>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>'


def _steps(report: Mapping[str, Any]) -> Iterator[str]:
    steps = report.get("steps") or []
    if steps:
        rows = [
            Bar(one["step"], [(one["seconds"], "busy")], f"{one['seconds'] / 60:,.1f} minutes, {one['peak_mib'] / 1024:.2f} GiB at most")
            for one in steps
        ]
        yield "<h2>How long it took</h2>"
        yield "<p>Each step's time and the most memory that it had.</p>"
        yield bar_chart(rows, title="Time of each step")


def _key(style: str) -> str:
    return f'<i class="key" style="background:{_KEYS[style]}"></i>'
