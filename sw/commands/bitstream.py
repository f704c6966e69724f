# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick bitstream`: the accelerator of a model on a board."""

from pathlib import Path

import click

from .. import catalogue
from .common import json_option, model_option, print_json

BOARD = "ulx3s_85f"


@click.command("bitstream")
@click.option("--board", default=BOARD, show_default=True, metavar="B", help="A board that `firebrick boards` lists.")
@model_option
@click.option("--frequency", type=click.FloatRange(1, 400), metavar="MHZ", help="Clock to meet; what suits the FPGA unless given.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Where placement starts from; another may be faster.")
@click.option("--placer", type=click.Choice(["heap", "static", "sa"]), default="heap", show_default=True)
@click.option("--router", type=click.Choice(["router1", "router2"]), help="What suits the FPGA unless given.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="The folder to write to; build/BOARD unless given.")
@json_option
def command(
    board: str, model: str, frequency: float | None, seed: int, placer: str, router: str | None, output: Path | None, as_json: bool
) -> None:
    """Write the bitstream of a model's accelerator for a board, with open tools.

    The plan is the fastest that the board's FPGA has room for. DIR gets the bitstream and report.json: frames a second, clock, cycles a
    frame, and what each layer was expected to take and takes. Products of each step are kept in DIR/steps and made anew only when what
    they depend on has changed. Takes minutes for a small network, and an hour where it fills a large FPGA.

    Where only the vendor's tools make bitstreams, they are run if they are on the PATH; otherwise DIR gets a project for them, and
    what it takes is Yosys' estimate.

    \b
    Example: firebrick bitstream --board ulx3s_85f --model squeezenet1_1 -o build/ulx3s_85f
    """
    from rich.console import Console

    from firebrick.hw.bitstream import Options, build
    from firebrick.hw.platforms import board as find

    from ..budget import plan_for

    folder = output or Path("build") / board
    chosen = find(board)
    options = Options(frequency * 1e6 if frequency else chosen.frequency, seed, placer, router or "")
    with Console(stderr=True).status("planning") as status:
        plan = plan_for(catalogue.load(model), chosen.device.resources, chosen.device.fabric)
        report = build(plan, board, options, folder, status.update)
    if as_json:
        print_json(report)
        return
    used, had = report["actual"], report["available"]
    for kind in used:
        click.echo(f"{kind.replace('_', ' '):12} {used[kind]:7,} of {had[kind]:7,}, {report['predicted'][kind]:,} expected")
    rate = f"{report['fps']:.1f} frames a second of {report['classes']} classes at {report['frequency_mhz']:.1f} MHz"
    cycles = f"{report['cycles_per_frame']:,} cycles a frame"
    if report["fmax_mhz"]:
        click.echo(f"wrote {folder / report['bitstream']}: {rate} ({report['fmax_mhz']:.1f} possible), {cycles}")
    elif report["bitstream"]:
        click.echo(f"wrote {folder / report['bitstream']}: {rate}, if its timing report says so, {cycles}")
    else:
        click.echo(f"wrote {folder / report['project']}, a project: {rate}, if met, {cycles}; no bitstream: install {report['install']}")
