# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The curve of a sweep, and those of a training, as drawings (needs matplotlib)."""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ..errors import FirebrickError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def check_matplotlib() -> None:
    """Raise FirebrickError unless matplotlib is installed."""
    if find_spec("matplotlib") is None:
        raise FirebrickError("matplotlib, which draws curves, is missing; install firebrick[plots]")


def sweep_plot(network: str, entries: Mapping[str, Mapping[str, Any]]) -> bytes:
    """An SVG of top-1 against bytes, or of the agreement with the float network where there are no labels; a line for each width.

    ``entries`` are those of Sweep.run, with bars of one standard error; the same entries give the same bytes.
    """
    dense = entries["float"]
    labelled = dense["top1"] is not None
    share, what = ("top1", f"top-1 of {dense['labelled']} pictures") if labelled else ("agreement", "same class as the float network")
    points = [entry for name, entry in entries.items() if name != "float"]
    with _drawing() as (figure, drawing):
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
    return drawing.getvalue()


def training_plot(network: str, epochs: Sequence[Mapping[str, Any]]) -> bytes:
    """An SVG of the loss and the share of validation pictures that are right after each epoch; ``epochs`` are those of Training.curves."""
    with _drawing() as (figure, drawing):
        upper, lower = figure.subplots(2, 1, sharex=True)
        for axes, names in ((upper, {"loss": "learned", "val_loss": "validated"}), (lower, {"top1": "validated"})):
            for name, what in names.items():
                known = [(epoch["epoch"], epoch[name]) for epoch in epochs if epoch[name] is not None]
                if known:
                    axes.plot(*zip(*known, strict=True), label=what)
            axes.grid(alpha=0.3)
        upper.set(title=network, ylabel="loss", ylim=(0, None))
        upper.legend(loc="upper right")
        lower.set(xlabel="epoch", ylabel="top-1, share", ylim=(None, 1))
    return drawing.getvalue()


@contextmanager
def _drawing() -> Iterator[tuple["Figure", io.BytesIO]]:
    """A figure to fill, and where its SVG is afterwards."""
    check_matplotlib()
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    drawing = io.BytesIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "firebrick"}):
        figure = Figure(figsize=(8, 5), layout="constrained")
        yield figure, drawing
        figure.savefig(drawing, format="svg", metadata={"Date": None})
