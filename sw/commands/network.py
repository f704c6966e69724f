# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick network`: a network of the paper's design space, and its sizes."""

import re

import click

from .common import json_option, print_json, print_tables


def height_width(_ctx: click.Context, _param: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """Rows and columns, both 1 to 65535, of an option such as 227x227; None stays None."""
    if value is None:
        return None
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", value)
    size = (int(found[1]), int(found[2])) if found else (0, 0)
    if not all(1 <= length <= 65535 for length in size):
        raise click.BadParameter(f"must be rows x columns, such as 227x227, not {value!r}")
    return size


@click.command("network")
@click.option("--base-e", type=int, default=128, show_default=True, help="Expand filters of the first Fire module.")
@click.option("--incr-e", type=int, default=128, show_default=True, help="How many more after every FREQ modules.")
@click.option("--pct3x3", type=float, default=0.5, show_default=True, help="Share of expand filters that are 3x3, 0 to 1.")
@click.option("--freq", type=int, default=2, show_default=True, help="Fire modules of one width in a row.")
@click.option("--sr", type=float, default=0.125, show_default=True, help="Squeeze filters for each expand filter, above 0 to 1.")
@click.option("--bypass", type=click.Choice(["none", "simple", "complex"]), default="none", show_default=True, help="Section 6, Fig. 2.")
@click.option("--classes", type=click.IntRange(1, 65535), default=1000, show_default=True, help="Number of classes.")
@click.option("--input", "size", callback=height_width, default="227x227", show_default=True, metavar="HxW", help="Rows x columns.")
@json_option
def command(
    base_e: int,
    incr_e: int,
    pct3x3: float,
    freq: int,
    sr: float,
    bypass: str,
    classes: int,
    size: tuple[int, int],
    as_json: bool,
) -> None:
    """Show a network of the SqueezeNet paper's design space, Sections 5 and 6.

    Fire module i (from 0) has base-e + incr-e * floor(i / freq) expand filters; the defaults are SqueezeNet v1.0. Filter counts are
    rounded to the nearest, halves up. The JSON document is {network, input, classes, parameters, weights, macs, float32_bytes,
    float32_mb, stages}.

    \b
    Example: firebrick network --sr 0.5 --pct3x3 0.25 --bypass simple
    """
    from ..metaparameters import Metaparameters
    from ..network import Bypass
    from ..stagetable import network_document, stage_table

    network = Metaparameters(base_e, incr_e, pct3x3, freq, sr, Bypass(bypass)).network(classes, *size)
    if as_json:
        print_json(network_document(network))
    else:
        print_tables(stage_table(network))
