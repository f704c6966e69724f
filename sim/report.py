# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Tables and chart of a simulation run."""

import io
from typing import Any

from PIL import Image, ImageDraw, ImageFont
from rich.table import Table
from rich.text import Text

MARGIN = 24
ROW = 26
LABELS = 180
BARS = 620
FIGURES = 64
SIZE = 15
"""The chart's layout in pixels: margin, height of a row, widths of its columns, height of text."""


def engine_table(report: dict[str, Any]) -> Table:
    """A row for each engine."""
    table = Table(title=f"{report['network']} with {report['lanes']} lanes", title_justify="left")
    table.add_column("engine")
    for heading in ("lanes", "partitions", "tiles", "predicted cycles", "predicted busy", "measured busy", "busy"):
        table.add_column(heading, justify="right")
    for engine in report["engines"]:
        cycles = (f"{engine[key]:,.0f}" for key in ("predicted_cycles", "predicted_busy_cycles", "busy_cycles"))
        numbers = (str(engine[key]) for key in ("lanes", "parts", "tiles"))
        style = "bold" if engine["name"] == report["bottleneck"] else None
        table.add_row(engine["name"], *numbers, *cycles, f"{engine['busy']:.1%}", style=style)
    return table


def verdict(report: dict[str, Any]) -> str:
    """The main results, in three lines."""
    equal = report["scores"] - report["mismatches"]
    return (
        f"{equal:,} of {report['scores']:,} scores of {report['frames']} photographs equal the golden model's.\n"
        f"Cycles per frame: {report['predicted_cycles_per_frame']:,} predicted, {report['cycles_per_frame']:,} measured "
        f"({report['deviation']:+.2%}); the first frame takes {report['latency_cycles']:,}.\n"
        f"Lanes of {report['bottleneck']}, the bottleneck, multiply in {report['busy']:.1%} of these cycles."
    )


def bench_table(benches: list[dict[str, Any]]) -> Table:
    """A row for each bench."""
    table = Table(title="benches: cycles when stalled by", title_justify="left")
    table.add_column("bench")
    for heading in ("nobody", "the source", "the sink", "both", "seconds"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for bench in benches:
        cycles = (f"{bench['stalls'][stalls]:,}" if stalls in bench["stalls"] else "-" for stalls in ("none", "source", "sink", "both"))
        outcome = Text("passed") if bench["passed"] else Text(f"failed: {bench['complaint']}", "red")
        table.add_row(bench["name"], *cycles, f"{bench['seconds']:.0f}", outcome)
    return table


def busy_chart(report: dict[str, Any]) -> bytes:
    """A PNG with a bar for each engine: the fraction of a frame's interval in which its lanes multiply."""
    engines = report["engines"]
    top = MARGIN + 2 * ROW
    sheet = Image.new("RGB", (LABELS + BARS + FIGURES + 2 * MARGIN, top + ROW * len(engines) + MARGIN), "white")
    draw = ImageDraw.Draw(sheet)
    text = ImageFont.load_default(SIZE)
    title = f"{report['network']}, {report['lanes']} lanes: fraction of {report['cycles_per_frame']:,} cycles in which lanes multiply"
    draw.text((MARGIN, MARGIN), title, "black", text)
    left = MARGIN + LABELS
    for row, engine in enumerate(engines):
        y = top + ROW * row
        colour = "#c0392b" if engine["name"] == report["bottleneck"] else "#5d6d7e"
        draw.text((left - 8, y + ROW // 2), f"{engine['name']} ({engine['lanes']})", "black", text, anchor="rm")
        draw.rectangle((left, y + 4, left + BARS, y + ROW - 4), "#eeeeee")
        draw.rectangle((left, y + 4, left + round(BARS * min(1.0, engine["busy"])), y + ROW - 4), colour)
        draw.text((left + BARS + FIGURES, y + ROW // 2), f"{engine['busy']:.1%}", "black", text, anchor="rm")
    data = io.BytesIO()
    sheet.save(data, "PNG")
    return data.getvalue()
