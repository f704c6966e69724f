# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Pareto plots of an exploration as SVG (needs matplotlib)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..reports.matplotlib_plots import render_svg
from .runner import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PAIRS = (
    ("bytes", ".fire file, 1000 bytes", 1000),
    ("block_rams", "block RAMs", 1),
    ("luts", "LUTs, thousands", 1000),
    ("multipliers", "multipliers", 1),
)


def pareto_front(costs: Sequence[float], gains: Sequence[float]) -> list[int]:
    """The indices of the pairs that no other pair dominates, by increasing cost; one index for equal pairs."""
    front: list[int] = []
    for index in sorted(range(len(costs)), key=lambda index: (costs[index], -gains[index])):
        if not front or gains[index] > gains[front[-1]]:
            front.append(index)
    return front


def pareto_plots(rows: Sequence[Row], gain: str = "fps", label: str = "frames per second") -> bytes:
    """An SVG of a gain (``fps``, ``top1``) against file size and each resource; the same rows give the same bytes.

    Points that do not fit their target are hollow. The line is the Pareto front of those that fit.
    """
    known = [row for row in rows if not row["failed"] and row[gain] is not None]

    def draw(figure: "Figure") -> None:
        for axes, (name, axis_label, unit) in zip(figure.subplots(1, len(_PAIRS), sharey=True), _PAIRS, strict=True):
            _scatter(axes, known, name, unit, gain)
            axes.set(xlabel=axis_label)
            axes.grid(alpha=0.3)
        figure.axes[0].set(ylabel=label)

    return render_svg(draw, (13, 3.6))


def _scatter(axes: "Axes", rows: Sequence[Row], name: str, unit: int, gain: str) -> None:
    for number, target in enumerate(dict.fromkeys(row["target"] for row in rows)):
        of_target = [row for row in rows if row["target"] == target]
        for fits, face in ((True, f"C{number}"), (False, "none")):
            shown = [row for row in of_target if row["fits"] is fits]
            # One entry of the legend for each target, by a filled marker if it has one.
            label = target if fits or not any(row["fits"] for row in of_target) else None
            costs, gains = [row[name] / unit for row in shown], [row[gain] for row in shown]
            axes.scatter(costs, gains, s=18, facecolors=face, edgecolors=f"C{number}", linewidths=0.8, label=label if shown else None)
    fitting = [row for row in rows if row["fits"]]
    best = [fitting[index] for index in pareto_front([row[name] for row in fitting], [row[gain] for row in fitting])]
    axes.step([row[name] / unit for row in best], [row[gain] for row in best], "k--", where="post", linewidth=0.8)
    if axes.get_subplotspec() and axes.get_subplotspec().is_first_col() and rows:  # type: ignore[union-attr]
        axes.legend(fontsize="x-small")
