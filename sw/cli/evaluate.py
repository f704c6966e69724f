# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick evaluate`: accuracy on a folder of labelled images."""

from pathlib import Path
from typing import Literal

import click

from ..zoo import catalogue
from .common import json_option, model_option, print_json, progress_bar

KEYS: tuple[tuple[Literal["top1", "top5"], Literal["top1_error", "top5_error"]], ...] = (("top1", "top1_error"), ("top5", "top5_error"))


@click.command("evaluate")
@model_option
@click.option(
    "--labels", type=click.Path(path_type=Path), metavar="CSV", help="Has columns file and class_index [default: a subfolder per class]."
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Evaluate N images, evenly spread over the sorted list or the CSV.")
@click.option("--through-camera", metavar="NAME", help="See the images through a model of this camera, such as ov7670.")
@json_option
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
def command(model: str, labels: Path | None, limit: int | None, through_camera: str | None, as_json: bool, folder: Path) -> None:
    """Measure accuracy in the integer golden model.

    Uses the images of DIR that CSV labels, or those in its subfolders, which are named after the model's classes, or by WordNet ids
    (n01443537) for ImageNet's. A warning counts the images of CSV that are missing, and other files in DIR, and another says if these are
    the images that calibrated the model: accuracy is to be measured on others. The output is in per cent, with standard errors; the JSON
    document {images, top1, top5, top1_error, top5_error, calibrated} has fractions from 0 to 1.

    \b
    Example: firebrick evaluate --labels labels.csv images/
    """
    from ..camera.sensors import find_sensor
    from ..evaluation.accuracy import evaluate

    sensor = find_sensor(through_camera) if through_camera else None
    loaded = catalogue.load(model)
    with progress_bar() as progress:
        accuracy = evaluate(loaded, folder, labels, progress, limit, sensor)
    if accuracy["calibrated"]:
        click.echo("these images calibrated the model, so they are not held out; measure its accuracy on others", err=True)
    if as_json:
        print_json(accuracy)
    else:
        top1, top5 = (f"{accuracy[key]:.1%} (standard error {accuracy[error]:.1%})" for key, error in KEYS)
        click.echo(f"{accuracy['images']} images of {labels or folder}: top-1 {top1}, top-5 {top5}")
