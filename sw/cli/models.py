# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick models`: the models that ship with the package."""

import click

from ..zoo import catalogue
from .common import json_option, print_json


@click.command("models")
@json_option
def command(as_json: bool) -> None:
    """List the models that ship with the package.

    Other commands accept each name as --model. The JSON document is a list of {name, network, classes, bytes, weights, nonzero, metadata}.

    \b
    Example: firebrick models
    """
    entries = []
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
                "metadata": model.metadata,
            }
        )
    if as_json:
        print_json(entries)
        return
    for entry in entries:
        click.echo("{name}: {network}, {classes} classes, {nonzero:,} of {weights:,} weights, {bytes:,} bytes".format(**entry))
