# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick inspect`: a model's layers and the bytes of its file."""

import click

from ..zoo import catalogue
from .common import json_option, print_json, print_tables


@click.command("inspect")
@json_option
@click.argument("model", metavar="M")
def command(model: str, as_json: bool) -> None:
    """Show a model's layers in the columns of the paper's Table 1, and the bytes of each part of its file.

    M is a .fire file or a name that `firebrick models` lists. The JSON document has bytes, weights, nonzero, layers (with the bytes of
    each part), stages (the rows of Table 1), input, preprocessing and metadata.

    \b
    Example: firebrick inspect squeezenet1_1
    """
    from ..reports.model_report import border_text, byte_table, model_report, stage_table

    report = model_report(catalogue.load(model))
    if as_json:
        print_json(report.as_dict())
    else:
        least = ("depth", "filter/stride", "headers", "tables", "codebooks", "biases", "bits", "non-zero", "output")
        print_tables(stage_table(report), byte_table(report), least=least)
        if border := border_text(report):
            click.echo(border)
        for key, value in report.metadata.items():
            click.echo(f"{key}: {value}")
