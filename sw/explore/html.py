# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""An exploration as a page of HTML that needs nothing else."""

from collections.abc import Sequence
from html import escape

from ..fpga.fabric import ECP5
from .design_points import LARGEST
from .figure3 import FigurePreset, figure_svg, paper_comparison
from .pareto_plots import pareto_plots
from .runner import Row
from .tables import columns, constant

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 85rem; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff }
div { overflow: auto; max-height: 90vh }
svg { max-width: 100%; height: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px }
th, td { padding: .15rem .6rem; border-bottom: 1px solid #ddd; text-align: right; white-space: nowrap }
th { vertical-align: bottom; background: #f4f4f4; position: sticky; top: 0 }
.points td:last-child, .points th:last-child { text-align: left; white-space: normal; min-width: 14rem }
p { max-width: 55rem }
"""


_FITS = (
    f"A point fits if its plan fits the device. Routing needs headroom: a plan may use {ECP5.max_lut_fraction:.0%} of an ECP5's LUTs, and "
    f"all of its block RAMs and multipliers. Plans for a given number of lanes (multipliers) are compared with an {LARGEST}."
)


def html_page(rows: Sequence[Row], frequency: float, preset: FigurePreset | None = None) -> str:
    """A whole page for a clock in Hz; the same rows give the same text. Raises FirebrickError without matplotlib."""
    title = preset.title if preset else "Networks of the SqueezeNet design space in hardware"
    fitting, failed = sum(row["fits"] is True for row in rows), sum(bool(row["failed"]) for row in rows)
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{escape(title)}</h1>",
        f"<p>By <code>firebrick explore</code>: {len(rows):,} points, {fitting:,} of which fit{f'; {failed:,} failed' if failed else ''}. "
        f"Frames a second are for a clock of {frequency / 1e6:g} MHz. Everywhere: {escape(constant(rows))}.</p>",
        f"<p>{_FITS}</p>",
    ]
    if preset:
        parts += [
            _figure(figure_svg(preset, rows)),
            "<p>Triangles, on the left axis, are the paper's accuracies where its text gives them; they need training on ImageNet and are "
            "quoted. They and the table are of the paper's own networks. Dots, on the right axis, are ours, with what is swept.</p>",
            _table("summary", paper_comparison(preset, rows)),
            "<p>Plans are the fastest with so many multipliers, or for the room there is; LUTs and block RAMs are what they take.</p>",
        ]
    parts.append("<h2>Frames a second against what they cost</h2>")
    parts.append(_figure(pareto_plots(rows)))
    parts.append("<p>Hollow points do not fit. The line joins those that fit and that no other beats.</p>")
    if any(row["top1"] is not None for row in rows):
        parts += ["<h2>Accuracy against what it costs</h2>", _figure(pareto_plots(rows, "top1", "top-1, share of pictures"))]
    parts += ["<h2>All points</h2>", _table("points", columns(rows)), "</body>\n</html>\n"]
    return "\n".join(parts)


def _figure(svg: bytes) -> str:
    """The drawing without what only a file of its own has in front."""
    text = svg.decode()
    return f"<figure>{text[text.index('<svg') :]}</figure>"


def _table(kind: str, shown: Sequence[tuple[str, Sequence[str]]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name, _ in shown)
    lines = zip(*(cells for _, cells in shown), strict=True)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>" for cells in lines)
    return f'<div class="{kind}"><table>\n' + f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>"
