# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick bitstream`: the accelerator of a model on a board."""

from pathlib import Path

import click

from .common import classes_option, json_option, load_model, model_option, print_json

BOARD = "ulx3s_85f"
FREQUENCY_MHZ = 60.0


@click.command("bitstream")
@click.option("--board", default=BOARD, show_default=True, metavar="B", help="A board of amaranth-boards with an ECP5.")
@model_option
@classes_option
@click.option("--frequency", type=click.FloatRange(10, 400), default=FREQUENCY_MHZ, show_default=True, metavar="MHZ", help="Clock to meet.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Where placement starts from; another may be faster.")
@click.option("--placer", type=click.Choice(["heap", "static", "sa"]), default="heap", show_default=True)
@click.option("--router", type=click.Choice(["router1", "router2"]), default="router2", show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="The folder to write to; build/BOARD unless given.")
@json_option
def command(
    board: str,
    model: str,
    classes: Path | None,
    frequency: float,
    seed: int,
    placer: str,
    router: str,
    output: Path | None,
    as_json: bool,
) -> None:
    """Write the bitstream of a model's accelerator for a board, with open tools.

    The plan is the fastest that the board's FPGA has room for. DIR gets firebrick.bit, the model as the host
    needs it (model.fire) and report.json: frames a second, clock, cycles a
    frame, and what each layer was expected to take and takes. Products of each step are kept in DIR/steps and made anew only when what
    they depend on has changed. Takes minutes for a small network, and an hour where it fills a large FPGA.

    \b
    Example: firebrick bitstream --board ulx3s_85f --model squeezenet1_1 -o build/ulx3s_85f
    """
    from rich.console import Console

    from firebrick.hw.bitstream import Options, build
    from firebrick.hw.boards import board as find
    from firebrick.hw.boards import resources

    from ..budget import plan_for
    from ..firefile import write_fire

    folder = output or Path("build") / board
    options = Options(frequency * 1e6, seed, placer, router)
    with Console(stderr=True).status("planning") as status:
        loaded = load_model(model, classes)
        plan = plan_for(loaded, resources(find(board)))
        report = build(plan, loaded, board, options, folder, status.update)
        write_fire(loaded, folder / "model.fire")
    if as_json:
        print_json(report)
        return
    used, had = report["actual"], report["available"]
    for kind in used:
        click.echo(f"{kind.replace('_', ' '):12} {used[kind]:7,} of {had[kind]:7,}, {report['predicted'][kind]:,} expected")
    click.echo(
        f"wrote {folder / 'firebrick.bit'}: {report['fps']:.1f} frames a second of {report['classes']} classes at "
        f"{report['frequency_mhz']:.1f} MHz ({report['fmax_mhz']:.1f} possible), {report['cycles_per_frame']:,} cycles a frame"
    )
