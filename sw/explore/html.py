# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""An exploration as a self-contained HTML page."""

from collections.abc import Sequence
from typing import Any

from ..fpga.fabric import ECP5
from ..reports.html import render
from .design_points import LARGEST_DEVICE
from .figure3 import FigurePreset, figure_svg, paper_comparison
from .pareto_plots import pareto_plots
from .runner import Row
from .tables import columns, constant

TITLE = "Networks of the SqueezeNet design space in hardware"
FITS = (
    f"A point fits if its plan fits the device. Routing needs headroom: a plan may use {ECP5.max_lut_fraction:.0%} of an ECP5's LUTs, and "
    f"all of its block RAMs and multipliers. Plans for a given number of lanes (multipliers) are compared with an {LARGEST_DEVICE}."
)


def exploration_page(rows: Sequence[Row], frequency: float, preset: FigurePreset | None = None, measured_on: str = "") -> str:
    """The page of an exploration at a clock in Hz; the same rows give the same text. ``measured_on`` says which images accuracies are of.

    Raises FirebrickError without matplotlib.
    """
    fitting, failed = sum(row["fits"] is True for row in rows), sum(bool(row["failed"]) for row in rows)
    summary = (
        f"By `firebrick explore`: {len(rows):,} points, {fitting:,} of which fit{f'; {failed:,} failed' if failed else ''}. "
        f"Frames per second are for a clock of {frequency / 1e6:g} MHz. For all points: {constant(rows)}."
    )
    accuracy = any(row["top1"] is not None for row in rows)
    names, cells = _table(columns(rows))
    return render(
        "exploration.html.j2",
        title=preset.title if preset else TITLE,
        summary=summary,
        fits=FITS,
        comparison=_comparison(preset, rows) if preset else None,
        throughput_figure=_inline(pareto_plots(rows)),
        measured_on=measured_on,
        accuracy_figure=_inline(pareto_plots(rows, "top1", "top-1 accuracy")) if accuracy else "",
        columns=names,
        rows=cells,
    )


def _comparison(preset: FigurePreset, rows: Sequence[Row]) -> dict[str, Any]:
    """The figure of the paper that a preset repeats, and its table."""
    names, cells = _table(paper_comparison(preset, rows))
    return {"figure": _inline(figure_svg(preset, rows)), "columns": names, "rows": cells}


def _inline(svg: bytes) -> str:
    """A drawing without the XML declaration and document type, which only an SVG file of its own has."""
    text = svg.decode()
    return text[text.index("<svg") :]


def _table(shown: Sequence[tuple[str, Sequence[str]]]) -> tuple[list[str], list[tuple[str, ...]]]:
    """The names of columns, and the rows of their cells."""
    return [name for name, _ in shown], list(zip(*(cells for _, cells in shown), strict=True))
