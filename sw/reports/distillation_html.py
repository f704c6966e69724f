# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The curve of a distillation as a self-contained HTML page."""

from collections.abc import Mapping
from typing import Any

from .html import render

COLUMNS = ("step", "loss", "views as the teachers", "held-out as the teachers", "held-out top-1", "non-zero", "bytes", "within limits")


def distillation_page(report: Mapping[str, Any], drawing: bytes | None) -> str:
    """The page of a report of `run_gradual_job`, with the drawing of `distillation_plot` if there is one."""
    svg = drawing.decode() if drawing else ""
    teachers = report["teachers"]["top1"]
    return render(
        "distillation.html.j2",
        title=f"Distillation of {report['network']}",
        report=report,
        teachers=""
        if teachers is None
        else f"The teachers' top-1 accuracy on the {report['teachers']['labelled']:,} labelled is {teachers:.1%}.",
        drawing=svg[svg.index("<svg") :] if svg else "",
        columns=COLUMNS,
        rows=[_row(entry) for entry in report["curve"]],
    )


def _row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    held_out = entry["held_out"]
    return (
        f"{entry['step']:,}",
        "" if entry["loss"] is None else f"{entry['loss']:.3f}",
        _percent(entry["agreement_on_views"]),
        _percent(held_out["agreement"]),
        _percent(held_out["top1"]),
        _percent(entry["density"]),
        f"{entry['bytes']:,}",
        "yes" if entry["meets_limits"] else "",
    )


def _percent(fraction: float | None) -> str:
    return "" if fraction is None else f"{fraction:.1%}"
