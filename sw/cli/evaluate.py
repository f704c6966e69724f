# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick evaluate`: accuracy over a folder of labelled pictures."""

from pathlib import Path

import click

from ..zoo import catalogue
from .common import json_option, model_option, print_json, progress_bar


@click.command("evaluate")
@model_option
@click.option(
    "--labels", type=click.Path(path_type=Path), metavar="CSV", help="Has columns file and class_index [default: a subfolder a class]."
)
@json_option
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
def command(model: str, labels: Path | None, as_json: bool, folder: Path) -> None:
    """Measure accuracy in the integer golden model.

    Over the pictures of DIR that CSV labels, or those in its subfolders, which are called after the model's classes. Printed in per
    cent; in the JSON document {images, top1, top5} as fractions, 0 to 1.

    \b
    Example: firebrick evaluate --labels labels.csv pictures/
    """
    from ..evaluation.accuracy import evaluate

    loaded = catalogue.load(model)
    with progress_bar() as progress:
        figures = evaluate(loaded, folder, labels, progress)
    if as_json:
        print_json(figures)
    else:
        click.echo(f"{figures['images']} images: top-1 {figures['top1']:.1%}, top-5 {figures['top5']:.1%}")
