# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Fig. 3 of the SqueezeNet paper (arXiv:1602.07360), with the hardware cost of each network on a second axis."""

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
    """A figure of the paper: the sweep, and the numbers that the paper gives."""

    title: str
    swept: str
    """The column of the parameter that is swept."""
    grid: Grid
    paper: Mapping[float, tuple[float | None, float | None]]
    """Size in MB and top-5 accuracy in per cent, if the paper's text gives them, by the swept parameter."""


EIGHTHS = tuple(eighth / 8 for eighth in range(1, 8))
PRESETS = {
    "fig3a": FigurePreset("Fig. 3(a): squeeze ratio (SR)", "sr", Grid(sr=(*EIGHTHS, 1.0)), SIZES_3A),
    "fig3b": FigurePreset(
        "Fig. 3(b): fraction of 3x3 filters at SR 0.5", "pct3x3", Grid(pct3x3=(0.01, *EIGHTHS, 0.99), sr=(0.5,)), SIZES_3B
    ),
}
_COSTS = (("block_rams", "block RAMs", 1), ("luts", "LUTs, thousands", 1e3), ("cycles", "cycles per frame, millions", 1e6))


def figure_svg(preset: FigurePreset, rows: Sequence[Row]) -> bytes:
    """An SVG with a panel for each cost: over the network's size, the paper's accuracies (left axis) and the cost (right axis)."""
    known = [row for row in rows if not row["failed"] and row[preset.swept] is not None]
    others = [name for name in CHOICE_COLUMNS if name != preset.swept]
    lines: dict[tuple[object, ...], list[Row]] = {}
    for row in known:
        lines.setdefault(tuple(row[name] for name in others), []).append(row)
    varied = [index for index in range(len(others)) if len({choices[index] for choices in lines}) > 1]
    sizes = _paper_networks(preset, rows)
    quoted = [(size / 2**20, preset.paper[value][1]) for value, size in sorted(sizes.items()) if preset.paper.get(value, (None, None))[1]]

    def draw(figure: "Figure") -> None:
        for axes, (name, label, unit) in zip(figure.subplots(1, len(_COSTS)), _COSTS, strict=True):
            axes.set(xlabel="32-bit parameters, MB", ylim=(75, 90))
            axes.margins(x=0.1)
            axes.plot([size for size, _ in quoted], [top5 for _, top5 in quoted], "k^:", markersize=5)
            axes.grid(alpha=0.3)
            costs = axes.twinx()
            for number, (choices, line) in enumerate(lines.items()):
                points = [row["float32_bytes"] / 2**20 for row in line], [row[name] / unit for row in line]
                costs.plot(*points, f"C{number}o-", markersize=4, label=", ".join(str(choices[index]) for index in varied))
            for row in next(iter(lines.values()), []):
                point = (row["float32_bytes"] / 2**20, row[name] / unit)
                costs.annotate(f"{row[preset.swept]:g}", point, (0, 5), textcoords="offset points", fontsize="x-small", ha="center")
            costs.set(ylim=(0, 1.1 * costs.get_ylim()[1]), ylabel=label)
            costs.yaxis.label.set_color("C0" if len(lines) < 2 else "k")
        figure.axes[0].set(ylabel="top-5 accuracy, % (the paper's)")
        if varied:
            title = ", ".join(others[index] for index in varied)
            costs.legend(fontsize="x-small", loc="lower right", title=title, title_fontsize="x-small")

    return render_svg(draw, (13, 3.8))


def _paper_networks(preset: FigurePreset, rows: Sequence[Row]) -> dict[float, int]:
    """Bytes of the paper's networks in 32-bit floats, by the swept parameter; other networks of the exploration are left out."""
    fixed = {name: getattr(preset.grid, name)[0] for name in (*METAPARAMETERS, "classes") if name != preset.swept}
    matching = [row for row in rows if not row["failed"] and all(row[name] == value for name, value in fixed.items())]
    return {row[preset.swept]: row["float32_bytes"] for row in matching}


def paper_comparison(preset: FigurePreset, rows: Sequence[Row]) -> list[tuple[str, list[str]]]:
    """Columns of a table, each with its heading: for each of the paper's networks, our size and the paper's numbers."""
    sizes = _paper_networks(preset, rows)
    published = [preset.paper.get(value, (None, None)) for value in sizes]
    return [
        (preset.swept, [f"{value:g}" for value in sizes]),
        ("32-bit MB, ours", [f"{megabytes(size):g}" for size in sizes.values()]),
        ("32-bit MB, the paper's", ["" if size is None else f"{size:g}" for size, _ in published]),
        ("top-5 %, the paper's", ["" if top5 is None else f"{top5:.1f}" for _, top5 in published]),
    ]
