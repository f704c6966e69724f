# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The curve of a sweep as a drawing (needs matplotlib)."""

import io
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from .errors import FirebrickError


def check_matplotlib() -> None:
    """Raise FirebrickError unless matplotlib is installed."""
    if find_spec("matplotlib") is None:
        raise FirebrickError("matplotlib, which draws the curve of a sweep, is missing; install firebrick[plots]")


def curve(network: str, entries: Mapping[str, Mapping[str, Any]]) -> bytes:
    """An SVG of top-1 against bytes, or of the agreement with the float network where there are no labels; a line for each width.

    ``entries`` are those of Sweep.run, with bars of one standard error; the same entries give the same bytes.
    """
    check_matplotlib()
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    dense = entries["float"]
    labelled = dense["top1"] is not None
    share, what = ("top1", f"top-1 of {dense['labelled']} pictures") if labelled else ("agreement", "same class as the float network")
    points = [entry for name, entry in entries.items() if name != "float"]
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "firebrick"}):
        figure = Figure(figsize=(8, 5), layout="constrained")
        axes = figure.subplots()
        for bits in sorted({point["bits"] for point in points}):
            line = sorted((point for point in points if point["bits"] == bits), key=lambda point: int(point["bytes"]))
            sizes, heights = [point["bytes"] / 1000 for point in line], [100 * point[share] for point in line]
            bars = [100 * point[f"{share}_error"] for point in line]
            axes.errorbar(sizes, heights, yerr=bars, marker="o", capsize=2, label=f"{bits} bits")
        if labelled:
            axes.axhline(100 * dense["top1"], color="black", linestyle="--", linewidth=1, label="float32")
        axes.set(title=network, xlabel=".fire file, 1000 bytes", ylabel=f"{what}, %")
        axes.margins(y=0.1)
        axes.autoscale_view()
        axes.grid(alpha=0.3)
        axes.legend(loc="lower right")
        drawing = io.BytesIO()
        figure.savefig(drawing, format="svg", metadata={"Date": None})
    return drawing.getvalue()
