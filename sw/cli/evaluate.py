# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick evaluate`: accuracy on a folder of labelled images."""

from pathlib import Path

import click

from ..zoo import catalogue
from .common import json_option, model_option, print_json, progress_bar


@click.command("evaluate")
@model_option
@click.option(
    "--labels", type=click.Path(path_type=Path), metavar="CSV", help="Has columns file and class_index [default: a subfolder per class]."
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Evaluate N images, evenly spread over the sorted list or the CSV.")
@json_option
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
def command(model: str, labels: Path | None, limit: int | None, as_json: bool, folder: Path) -> None:
    """Measure accuracy in the integer golden model.

    Uses the images of DIR that CSV labels, or those in its subfolders, which are named after the model's classes, or by WordNet ids
    (n01443537) for ImageNet's. A warning counts the images of CSV that are missing, and other files in DIR. The output is in per cent; the
    JSON document {images, top1, top5} has fractions from 0 to 1.

    \b
    Example: firebrick evaluate --labels labels.csv images/
    """
    from ..evaluation.accuracy import evaluate

    loaded = catalogue.load(model)
    with progress_bar() as progress:
        accuracy = evaluate(loaded, folder, labels, progress, limit)
    if as_json:
        print_json(accuracy)
    else:
        click.echo(f"{accuracy['images']} images: top-1 {accuracy['top1']:.1%}, top-5 {accuracy['top5']:.1%}")
