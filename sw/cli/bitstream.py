# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick bitstream`: the accelerator of a model on a board."""

import os
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import FirebrickError
from .common import classes_option, json_option, load_model, print_json, progress_bar

if TYPE_CHECKING:
    from ..fpga.fabric import Fabric
    from ..fpga.resources import Resources
    from ..model.quantized import Model
    from ..plan.nodes import Plan
    from ..utils.progress import Progress

BOARD = "ulx3s_85f"
SEEDS_MAX = 1000
SLOWER = 0.95
"""By what a clock is lowered that was reached, as another placement may reach a little less."""


def _seeds(_context: click.Context, _option: click.Parameter, value: str | None) -> tuple[int, ...]:
    """A number of seeds, or a list of them."""
    if value is None:
        return ()
    try:
        numbers = [int(word) for word in value.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) == 1 and 1 <= numbers[0] <= SEEDS_MAX:
        return tuple(range(1, numbers[0] + 1))
    if len(numbers) < 2 or min(numbers) < 0 or len(set(numbers)) < len(numbers):
        raise click.BadParameter(f"must be a number from 1 to {SEEDS_MAX}, or several different seeds like 3,7,8, not {value}")
    return tuple(numbers)


@click.command("bitstream")
@click.option("--board", default=BOARD, show_default=True, metavar="B", help="A board that `firebrick boards` lists.")
@click.option(
    "--model", metavar="M", help="A .fire file, or a name that `firebrick models` lists; the largest that fits the board unless given."
)
@classes_option
@click.option(
    "--frequency", type=click.FloatRange(1, 400), metavar="MHZ", help="Clock to meet; unless given, what suits the FPGA, or is reached."
)
@click.option(
    "--target-fps", type=click.FloatRange(min=0, min_open=True), metavar="F", help="Make the smallest plan that reaches F frames a second."
)
@click.option("--link", type=click.Choice(["uart", "usb"]), help="What carries bytes to the host; uart where the board has both.")
@click.option("--simulate", is_flag=True, help="First stream photographs through the plan under Verilator, for scores and cycles.")
@click.option("--swappable", is_flag=True, help="Keep all weights in block RAM, so that `firebrick swap` can replace them.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Where placement starts from; another may be faster.")
@click.option("--seeds", callback=_seeds, metavar="N|A,B,...", help="Place from seeds 1 to N, or from those listed; the fastest is kept.")
@click.option("--jobs", type=click.IntRange(1), help="Placements at a time; as many as there are processor cores unless given.")
@click.option("--scheduler", metavar="ADDRESS", help="Place and route on a Dask cluster, all seeds at a time.")
@click.option("--placer", type=click.Choice(["heap", "static", "sa"]), default="heap", show_default=True)
@click.option("--router", type=click.Choice(["router1", "router2"]), help="What suits the FPGA unless given.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="The folder to write to; build/BOARD unless given.")
@json_option
def command(
    board: str,
    model: str | None,
    classes: Path | None,
    frequency: float | None,
    target_fps: float | None,
    link: str | None,
    simulate: bool,
    swappable: bool,
    seed: int,
    seeds: tuple[int, ...],
    jobs: int | None,
    scheduler: str | None,
    placer: str,
    router: str | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Write the bitstream of a model's accelerator for a board, with open tools.

    The plan is the fastest that the board's FPGA has room for, or the smallest that is fast enough. DIR gets the bitstream, the model as
    the host needs it (model.fire), report.json and report.html (frames a second, clock, cycles a frame, and what each layer was expected to
    take and takes), and firebrick.roms.json, by which `firebrick prove` and `firebrick swap` find the weights. Products of each step are
    kept in DIR/steps and made anew only when what they depend on has changed. Takes minutes for a small network, and an hour where it
    fills a large FPGA.

    Where only the vendor's tools make bitstreams, they are run if they are on the PATH; otherwise DIR gets a project for them, and
    what it takes is Yosys' estimate.

    \b
    Example: firebrick bitstream --board ulx3s_85f --model squeezenet1_1_small -o build/ulx3s_85f
    """
    from firebrick.hw.boards.registry import board as find
    from firebrick.hw.build.bitstream import TooSlowError, build
    from firebrick.hw.flows.options import Options

    from ..compiler.planner import plan_for, smallest_plan
    from ..fire_format.file import write_fire
    from ..fpga.link_costs import available_beside_link
    from ..reports.bitstream_html import bitstream_page
    from ..utils.atomic_files import write_atomically
    from ..utils.executors import dask_cluster

    folder = output or Path("build") / board
    chosen = find(board)
    first, *more = seeds or (seed,)
    hertz = chosen.clock_for(frequency * 1e6 if frequency else chosen.frequency)
    at_a_time = jobs or (1 + len(more) if scheduler else os.cpu_count() or 1)
    options = Options(hertz, first, placer, router or "", tuple(more), at_a_time, chosen.link(link), swappable=swappable)
    workers = dask_cluster(scheduler) if scheduler else nullcontext()
    with progress_bar() as progress, workers as elsewhere:
        progress("planning")
        fabric = replace(chosen.device.fabric, lut_rom_bits=(0,)) if swappable else chosen.device.fabric
        available = available_beside_link(chosen.device.resources, chosen.link(link), fabric, swappable=swappable)
        loaded = load_model(model, classes) if model else _largest(classes, available, fabric)
        plan = plan_for(loaded, available, fabric) if target_fps is None else smallest_plan(loaded, available, target_fps, hertz, fabric)
        if simulate:
            options = replace(options, cycles=_simulated(loaded, plan, progress))
        try:
            report = build(plan, loaded, board, options, folder, progress, elsewhere)
        except TooSlowError as problem:
            if frequency or target_fps:
                raise
            hertz = SLOWER * problem.reached
            click.echo(f"{options.frequency / 1e6:.1f} MHz are not met; once more for {hertz / 1e6:.1f} MHz", err=True)
            report = build(plan, loaded, board, replace(options, frequency=hertz), folder, progress, elsewhere)
        write_fire(loaded, folder / "model.fire")
        if report["fmax_mhz"]:
            write_atomically(folder / "report.html", bitstream_page(report).encode())
    if as_json:
        print_json(report)
        return
    used, had = report["actual"], report["available"]
    for kind in used:
        click.echo(f"{kind.replace('_', ' '):12} {used[kind]:7,} of {had[kind]:7,}, {report['predicted'][kind]:,} expected")
    rate = f"{report['fps']:.1f} frames a second of {report['classes']} classes at {report['frequency_mhz']:.1f} MHz"
    cycles = f"{options.cycles or report['cycles_per_frame']:,} cycles a frame"
    wrote = folder / (report["bitstream"] or report["project"])
    if report["fmax_mhz"]:
        click.echo(f"wrote {wrote}: {rate} ({report['fmax_mhz']:.1f} possible), {cycles}; see {folder / 'report.html'}")
    elif report["bitstream"]:
        click.echo(f"wrote {wrote}: {rate}, if its timing report says so, {cycles}")
    else:
        click.echo(f"wrote {wrote}, a project: {rate}, if met, {cycles}; no bitstream: install {report['install']}")


def _simulated(model: "Model", plan: "Plan", progress: "Progress") -> int:
    """Cycles of a frame, of photographs that were streamed through a plan. Raises FirebrickError where anything is not as it should be."""
    from firebrick.sim.full_network import faults, simulate

    from ..data.calibration_set import photographs

    report = simulate(model, plan, photographs(), 3, progress)
    if wrong := faults(report):
        raise FirebrickError(f"the simulation of the plan is not as it should be: {'; '.join(wrong)}")
    click.echo(f"simulated {report['frames']} photographs: {report['scores']:,} scores as in the golden model", err=True)
    return int(report["cycles_per_frame"])


def _largest(classes: Path | None, available: "Resources", fabric: "Fabric") -> "Model":
    """The largest model that ships and fits, for some classes only where they are named."""
    from ..zoo.selection import IMAGENET, LARGEST_FIRST, largest_that_fits

    names = LARGEST_FIRST if classes is None else IMAGENET
    name, model, passed = largest_that_fits(names, lambda name: load_model(name, classes), available, fabric)
    why = "; ".join(f"{other} needs {short}" for other, short in passed.items()) or "the largest that ships"
    click.echo(f"taking the model {name}: {why}", err=True)
    return model
