# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick inspect`: what a model is made of."""

import click

from .. import catalogue
from .common import json_option, print_json


@click.command("inspect")
@json_option
@click.argument("model", metavar="M")
def command(model: str, as_json: bool) -> None:
    """Show a model layer by layer, in the columns of the paper's Table 1.

    M is a .fire file or a name that `firebrick models` lists. The JSON document has bytes, weights, nonzero and layers.

    \b
    Example: firebrick inspect squeezenet1_1
    """
    click.echo(model)
