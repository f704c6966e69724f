# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Fig. 3 of the SqueezeNet paper (arXiv:1602.07360) with what each network costs in hardware on the second axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..network.metaparameters import megabytes
from ..reports.matplotlib_plots import render_svg
from ..reports.paper.tables import SIZES_3A, SIZES_3B
from .design_points import Grid
from .runner import CHOICE_COLUMNS, METAPARAMETERS, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class FigurePreset:
    """A figure of the paper: what is swept, and what the paper says."""

    title: str
    swept: str
    """The column that is swept."""
    grid: Grid
    paper: Mapping[float, tuple[float | None, float | None]]
    """Size in MB and top-5 accuracy in per cent where its text gives them, by what is swept."""


EIGHTHS = tuple(eighth / 8 for eighth in range(1, 8))
PRESETS = {
    "fig3a": FigurePreset("Fig. 3(a): squeeze ratio (SR)", "sr", Grid(sr=(*EIGHTHS, 1.0)), SIZES_3A),
    "fig3b": FigurePreset("Fig. 3(b): share of 3x3 filters at SR 0.5", "pct3x3", Grid(pct3x3=(0.01, *EIGHTHS, 0.99), sr=(0.5,)), SIZES_3B),
}
_COSTS = (("block_rams", "block RAMs", 1), ("luts", "LUTs, thousands", 1e3), ("cycles", "cycles a frame, millions", 1e6))


def figure_svg(preset: FigurePreset, rows: Sequence[Row]) -> bytes:
    """An SVG: over the network's size, as in the paper, its accuracies on the left axis and in each panel a cost on the right one."""
    known = [row for row in rows if not row["failed"] and row[preset.swept] is not None]
    others = [name for name in CHOICE_COLUMNS if name != preset.swept]
    lines: dict[tuple[object, ...], list[Row]] = {}
    for row in known:
        lines.setdefault(tuple(row[name] for name in others), []).append(row)
    varied = [place for place in range(len(others)) if len({choices[place] for choices in lines}) > 1]
    sizes = _papers_own(preset, rows)
    quoted = [(size / 2**20, preset.paper[value][1]) for value, size in sorted(sizes.items()) if preset.paper.get(value, (None, None))[1]]

    def draw(figure: "Figure") -> None:
        for axes, (name, label, unit) in zip(figure.subplots(1, len(_COSTS)), _COSTS, strict=True):
            axes.set(xlabel="32-bit parameters, MB", ylim=(75, 90))
            axes.margins(x=0.1)
            axes.plot([size for size, _ in quoted], [top5 for _, top5 in quoted], "k^:", markersize=5)
            axes.grid(alpha=0.3)
            costs = axes.twinx()
            for number, (choices, line) in enumerate(lines.items()):
                spots = [row["float32_bytes"] / 2**20 for row in line], [row[name] / unit for row in line]
                costs.plot(*spots, f"C{number}o-", markersize=4, label=", ".join(str(choices[place]) for place in varied))
            for row in next(iter(lines.values()), []):
                spot = (row["float32_bytes"] / 2**20, row[name] / unit)
                costs.annotate(f"{row[preset.swept]:g}", spot, (0, 5), textcoords="offset points", fontsize="x-small", ha="center")
            costs.set(ylim=(0, 1.1 * costs.get_ylim()[1]), ylabel=label)
            costs.yaxis.label.set_color("C0" if len(lines) < 2 else "k")
        figure.axes[0].set(ylabel="top-5 accuracy, % (the paper's)")
        if varied:
            title = ", ".join(others[place] for place in varied)
            costs.legend(fontsize="x-small", loc="lower right", title=title, title_fontsize="x-small")

    return render_svg(draw, (13, 3.8))


def _papers_own(preset: FigurePreset, rows: Sequence[Row]) -> dict[float, int]:
    """The bytes of the figure's own networks as 32-bit floats, by what is swept, whatever else is explored beside them."""
    own = {name: getattr(preset.grid, name)[0] for name in (*METAPARAMETERS, "classes") if name != preset.swept}
    mine = [row for row in rows if not row["failed"] and all(row[name] == value for name, value in own.items())]
    return {row[preset.swept]: row["float32_bytes"] for row in mine}


def paper_comparison(preset: FigurePreset, rows: Sequence[Row]) -> list[tuple[str, list[str]]]:
    """A table by columns, each with its heading: for each of the paper's own networks our size and what the paper says."""
    sizes = _papers_own(preset, rows)
    said = [preset.paper.get(value, (None, None)) for value in sizes]
    return [
        (preset.swept, [f"{value:g}" for value in sizes]),
        ("32-bit MB, ours", [f"{megabytes(size):g}" for size in sizes.values()]),
        ("32-bit MB, the paper's", ["" if size is None else f"{size:g}" for size, _ in said]),
        ("top-5 %, the paper's", ["" if top5 is None else f"{top5:.1f}" for _, top5 in said]),
    ]
