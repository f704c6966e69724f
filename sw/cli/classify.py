# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick classify`: classify images with the golden model or the simulated hardware."""

from pathlib import Path
from typing import Any

import click

from ..zoo import catalogue
from .common import json_option, lanes_option, model_option, print_json, progress_bar


@click.command("classify")
@click.option("--backend", type=click.Choice(["golden", "sim"]), default="golden", show_default=True, help="What computes the scores.")
@model_option
@lanes_option
@click.option("--scores", is_flag=True, help="Include all integer scores in the JSON document.")
@json_option
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="IMAGE...")
def command(backend: str, model: str, lanes: int, scores: bool, as_json: bool, images: tuple[Path, ...]) -> None:
    """Classify images: print the top-5 classes of each.

    The backend is the integer golden model (--backend golden), or the generated hardware in Verilator (--backend sim), which computes the
    same integers. Of an animation or a TIFF of several pages the first image is classified, and a note says so. The JSON document is a
    list of {image, top5: [{index, label, probability}], cycles}. Cycles are counted from the previous image's result (for the first image,
    from reset); they are null for the golden model.

    \b
    Example: firebrick classify --backend sim --lanes 200 cat.jpg
    """
    from ..data.images import frame_count, read_images
    from .backends import classify, top5

    loaded = catalogue.load(model)
    frames = read_images(images, loaded.preprocessing, loaded.network.input)
    for image in images:
        if (count := frame_count(image)) > 1:
            click.echo(f"Note: {image} holds {count} images; the first is classified. `firebrick stream {image}` classifies all.", err=True)
    with progress_bar() as progress:
        results = classify(backend, loaded, frames, lanes=lanes, progress=progress)
    entries = []
    for image, result in zip(images, results, strict=True):
        entry: dict[str, Any] = {"image": str(image), "top5": top5(loaded, result.scores), "cycles": result.cycles}
        if scores:
            entry["scores"] = result.scores.tolist()
        entries.append(entry)
    if as_json:
        print_json(entries)
        return
    for entry in entries:
        click.echo(entry["image"] + (f" ({entry['cycles']:,} cycles)" if entry["cycles"] else ""))
        for score in entry["top5"]:
            click.echo("  {probability:6.1%}  {label} ({index})".format(**score))
