# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick models`: the models that ship with the package."""

from typing import Any

import click

from ..zoo import catalogue
from .common import json_option, print_json


@click.command("models")
@json_option
def command(as_json: bool) -> None:
    """List the models that ship with the package.

    With the multiplications of a frame, and the accuracy in the golden model on pictures that the model was not made with. Other commands
    accept each name as --model. The JSON document is a list of {name, network, classes, bytes, weights, nonzero, multiplications, accuracy,
    metadata}; accuracy is null where it has not been measured.

    \b
    Example: firebrick models
    """
    from ..compression.budget import multiplications

    entries: list[dict[str, Any]] = []
    for name in catalogue.names():
        model = catalogue.load(name)
        layers = model.layers.values()
        entries.append(
            {
                "name": name,
                "network": model.network.name,
                "classes": model.network.classes,
                "bytes": catalogue.size(name),
                "weights": sum(layer.codes.size for layer in layers),
                "nonzero": sum(layer.nonzero for layer in layers),
                "multiplications": multiplications(model),
                "accuracy": catalogue.accuracy(name),
                "metadata": model.metadata,
            }
        )
    if as_json:
        print_json(entries)
        return
    for entry in entries:
        what = "{name}: {network}, {classes} classes, {nonzero:,} of {weights:,} weights, {bytes:,} bytes".format(**entry)
        count = f"{entry['multiplications']:,} multiplications a frame"
        measured = entry["accuracy"]
        click.echo(f"{what}, {count}" + (f"; {_accuracy(measured)}" if measured else ""))


def _accuracy(measured: catalogue.MeasuredAccuracy) -> str:
    top1 = f"{measured['top1']:.1%} (standard error {measured['top1_error']:.1%})"
    top5 = f"{measured['top5']:.1%} (standard error {measured['top5_error']:.1%})"
    return f"top-1 {top1}, top-5 {top5} of {measured['pictures']:,} {measured['measured_on']}"
