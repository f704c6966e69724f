# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick demo`: compares the golden model and the generated hardware on photographs, score by score."""

import json
from pathlib import Path
from typing import Any

import click

from ..errors import FirebrickError
from ..zoo import catalogue
from .common import json_option, lanes_option, model_option, print_json, print_tables, progress_bar
from .output_paths import OutputFolder

PHOTOGRAPHS = ("chelsea.png", "coffee.png", "motorcycle_left.png")


@click.command("demo")
@model_option
@lanes_option
@click.option("-o", "--output", type=OutputFolder(), default="build/demo", show_default=True, metavar="DIR")
@json_option
def command(model: str, lanes: int, output: Path, as_json: bool) -> None:
    """Compare the generated hardware with the golden model.

    The network classifies photographs twice: in the integer golden model, and in the generated hardware, simulated by Verilator. Fails
    unless all scores are the same integers. The JSON document, also written to DIR/report.json, has pictures, mismatches,
    cycles_per_frame, golden_seconds and hardware_seconds (without building the simulation).

    \b
    Example: firebrick demo
    """
    from ..data.calibration_set import photographs
    from ..reports.annotated_image import annotated_png
    from ..utils.atomic_files import write_atomically

    paths = [path for path in photographs() if path.name in PHOTOGRAPHS]
    report = compare(model, lanes, paths)
    write_atomically(output / "report.json", (json.dumps(report, indent=2) + "\n").encode())
    for path, entry in zip(paths, report["pictures"], strict=True):
        write_atomically(output / f"{path.stem}.png", annotated_png(path, path.stem, entry["hardware"], _verdict(entry)))
    if as_json:
        print_json(report)
    else:
        _show(report, output)
    if report["mismatches"]:
        raise FirebrickError(f"{report['mismatches']} scores differ between golden model and hardware; see {output / 'report.json'}")


def compare(name: str, lanes: int, paths: list[Path]) -> dict[str, Any]:
    """The scores of both backends for each image, compared, as the JSON document."""
    from ..data.images import read_images
    from .backends import classify, top5

    model = catalogue.load(name)
    frames = read_images(paths, model.preprocessing, model.network.input)
    with progress_bar() as progress:
        expected, simulated = (classify(backend, model, frames, lanes=lanes, progress=progress) for backend in ("golden", "sim"))
    entries: list[dict[str, Any]] = [
        {
            "image": path.name,
            "golden": top5(model, golden.scores),
            "hardware": top5(model, hardware.scores),
            "classes": len(golden.scores),
            "equal_scores": int((golden.scores == hardware.scores).sum()),
            "cycles": hardware.cycles,
        }
        for path, golden, hardware in zip(paths, expected, simulated, strict=True)
    ]
    return {
        "model": name,
        "lanes": lanes,
        "pictures": entries,
        "mismatches": sum(entry["classes"] - entry["equal_scores"] for entry in entries),
        "cycles_per_frame": entries[-1]["cycles"],
        "golden_seconds": round(sum(result.seconds for result in expected), 2),
        "hardware_seconds": round(sum(result.seconds for result in simulated), 2),
    }


def _verdict(entry: dict[str, Any]) -> str:
    return f"{entry['equal_scores']} of {entry['classes']} scores equal, {entry['cycles']:,} cycles"


def _show(report: dict[str, Any], output: Path) -> None:
    from rich.table import Table

    for entry in report["pictures"]:
        table = Table(title=entry["image"], caption=_verdict(entry), title_justify="left", caption_justify="left")
        for heading in ("golden model", "generated hardware"):
            table.add_column(heading)
            table.add_column("", justify="right")
        for pair in zip(entry["golden"], entry["hardware"], strict=True):
            table.add_row(*(cell for score in pair for cell in (score["label"], f"{score['probability']:.1%}")))
        print_tables(table)
    frames = len(report["pictures"])
    click.echo(
        f"{report['model']} with {report['lanes']} lanes: {report['cycles_per_frame']:,} cycles per frame; "
        f"{frames} frames took {report['golden_seconds']} s in the golden model and {report['hardware_seconds']} s in simulation.\n"
        f"Report and annotated images: {output}/"
    )
