# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick network`: a network of the paper's design space, and its sizes."""

from typing import Any

import click

from .common import json_option, print_json, print_tables
from .network_options import family_network, family_options


@click.command("network")
@family_options
@click.option("--classes", type=click.IntRange(1, 65535), default=1000, show_default=True, help="Number of classes.")
@json_option
def command(classes: int, as_json: bool, **family: Any) -> None:
    """Show a network of the SqueezeNet paper's design space, Sections 5 and 6.

    Fire module i (from 0) has base-e + incr-e * floor(i / freq) expand filters; the defaults are SqueezeNet v1.0. Filter counts are
    rounded to the nearest integer, halves up. --fires, --conv1, --pools and --grey make networks for small images and boards. The JSON
    document is {network, input, classes, parameters, weights, macs, float32_bytes, float32_mb, stages}.

    \b
    Example: firebrick network --sr 0.5 --pct3x3 0.25 --bypass simple
    """
    from ..network.summary import network_summary, network_table

    network = family_network(classes, **family)
    if as_json:
        print_json(network_summary(network))
    else:
        print_tables(network_table(network))
