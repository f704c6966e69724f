# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick inspect`: what a model is made of."""

import click

from ..zoo import catalogue
from .common import json_option, print_json, print_tables


@click.command("inspect")
@json_option
@click.argument("model", metavar="M")
def command(model: str, as_json: bool) -> None:
    """Show a model layer by layer, in the columns of the paper's Table 1, and where its bytes go.

    M is a .fire file or a name that `firebrick models` lists. The JSON document has bytes, weights, nonzero, layers (with the
    bytes of each part) and stages (the rows of Table 1), and the metadata.

    \b
    Example: firebrick inspect squeezenet1_1
    """
    from ..reports.model_report import byte_table, model_report, stage_table

    inspection = model_report(catalogue.load(model))
    if as_json:
        print_json(inspection.as_dict())
    else:
        print_tables(stage_table(inspection), byte_table(inspection))
        for key, value in inspection.metadata.items():
            click.echo(f"{key}: {value}")
