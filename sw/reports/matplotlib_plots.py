# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Plots of sweeps and trainings as SVG (needs matplotlib)."""

import io
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ..errors import FirebrickError
from ..utils.distribution import install_extra
from .paper.table2 import PAPER

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def check_matplotlib() -> None:
    """Raise FirebrickError unless matplotlib is installed."""
    if find_spec("matplotlib") is None:
        raise FirebrickError(f"matplotlib, which draws curves, is missing; {install_extra('plots')}")


def render_svg(draw: Callable[["Figure"], None], size: tuple[float, float] = (8, 5)) -> bytes:
    """The SVG of what a function draws on a figure of ``size`` inches; the same drawing gives the same bytes.

    Raises FirebrickError without matplotlib.
    """
    check_matplotlib()
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    # matplotlib's SVGs otherwise contain the date and random ids; text stays text, which makes the file small and searchable
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "firebrick"}):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        data = io.BytesIO()
        figure.savefig(data, format="svg", metadata={"Date": None})
    return data.getvalue()


def sweep_plot(network: str, entries: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Top-1 accuracy against bytes and against multiplications, with a curve for each bit width; without labels, the agreement with float.

    ``entries`` are those of RateSweep.run, those with a ``model`` being points of their own; error bars are one standard error. For a
    SqueezeNet, the paper's smallest point is there, too. The same entries give the same bytes.
    """
    dense = entries["float"]
    labelled = dense["top1"] is not None
    metric, what = ("top1", f"top-1 of {dense['labelled']} images") if labelled else ("agreement", "same class as the float network")
    points = [entry for name, entry in entries.items() if name != "float"]
    curves = {bits: [point for point in points if "model" not in point and point["bits"] == bits] for bits in {p["bits"] for p in points}}

    def draw(figure: "Figure") -> None:
        left, right = figure.subplots(1, 2, sharey=True)
        for axes, key, unit in ((left, "bytes", 1e3), (right, "multiplications", 1e6)):

            def show(line: Sequence[Mapping[str, Any]], label: str, axes: Any = axes, key: str = key, unit: float = unit) -> None:
                across, heights = [point[key] / unit for point in line], [100 * point[metric] for point in line]
                errors = [100 * point[f"{metric}_error"] for point in line]
                axes.errorbar(across, heights, yerr=errors, marker="o", capsize=2, label=label)

            for bits, line in sorted(curves.items()):
                if line:
                    show(sorted(line, key=lambda point: int(point[key])), f"{bits} bits")
            for point in points:
                if "model" in point:
                    show([point], point["model"])
            if labelled:
                axes.axhline(100 * dense["top1"], color="black", linestyle="--", linewidth=1, label="float32")
            axes.margins(y=0.1)
            axes.autoscale_view()
            axes.grid(alpha=0.3)
        if labelled and network.startswith("squeezenet"):
            *_, megabytes, _ratio, top1, _top5 = PAPER[-1]
            left.plot(megabytes * 2**20 / 1e3, top1, "*k", label="the paper's, on ImageNet's 50,000")
        left.set(title=network, xlabel=".fire file, 1000 bytes", ylabel=f"{what}, %")
        right.set(xlabel="multiplications per frame, millions")
        left.legend(loc="lower right", fontsize="small")

    return render_svg(draw, (10, 5))


def training_plot(network: str, epochs: Sequence[Mapping[str, Any]]) -> bytes:
    """Training and validation loss, and top-1 validation accuracy, after each epoch; ``epochs`` are those of Training.curves."""

    def draw(figure: "Figure") -> None:
        upper, lower = figure.subplots(2, 1, sharex=True)
        for axes, names in ((upper, {"loss": "training", "val_loss": "validation"}), (lower, {"top1": "validation"})):
            for name, label in names.items():
                known = [(epoch["epoch"], epoch[name]) for epoch in epochs if epoch[name] is not None]
                if known:
                    axes.plot(*zip(*known, strict=True), label=label)
            axes.grid(alpha=0.3)
        upper.set(title=network, ylabel="loss", ylim=(0, None))
        upper.legend(loc="upper right")
        lower.set(xlabel="epoch", ylabel="top-1 accuracy", ylim=(None, 1))

    return render_svg(draw)


def distillation_plot(network: str, report: Mapping[str, Any]) -> bytes:
    """Loss, held-out agreement and accuracy, and size, over the steps of a distillation; ``report`` is that of `run_gradual_job`.

    Dashed lines are the teachers' accuracy, and the step that was kept.
    """
    curve = report["curve"]
    steps = [entry["step"] for entry in curve]

    def draw(figure: "Figure") -> None:
        upper, middle, lower = figure.subplots(3, 1, sharex=True)
        losses = [(entry["step"], entry["loss"]) for entry in curve if entry["loss"] is not None]
        upper.plot(*zip(*losses, strict=True), marker=".")
        upper.set(title=network, ylabel="loss")
        middle.plot(steps, [100 * entry["held_out"]["agreement"] for entry in curve], marker=".", label="as the teachers")
        if report["best"]["top1"] is not None:
            middle.plot(steps, [100 * entry["held_out"]["top1"] for entry in curve], marker=".", label="top-1")
            middle.axhline(100 * report["teachers"]["top1"], color="black", linestyle="--", linewidth=1, label="top-1 of the teachers")
        middle.set(ylabel="held-out pictures, %")
        middle.legend(loc="lower right")
        lower.plot(steps, [entry["bytes"] / 1000 for entry in curve], marker=".")
        lower.set(xlabel="step", ylabel="1000 bytes")
        for axes in (upper, middle, lower):
            axes.axvline(report["best step"], color="grey", linestyle="--", linewidth=1)
            axes.grid(alpha=0.3)

    return render_svg(draw, (8, 8))
