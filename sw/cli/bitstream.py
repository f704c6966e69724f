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
from .output_paths import OutputFolder

if TYPE_CHECKING:
    from firebrick.hw.build.reports import BuildReport, HostLink, VendorReport

    from ..fpga.fabric import Fabric
    from ..fpga.resources import Resources
    from ..model.quantized import Model
    from ..plan.nodes import Plan
    from ..utils.progress import Progress

BOARD = "ulx3s_85f"
"""The board unless another is given."""
SEEDS_MAX = 1000
RETRY_MARGIN = 0.95
"""The fraction of a build's Fmax that is asked for in the second build: another placement may be a little slower."""
SIMULATED_FRAMES = 3
"""Frames for ``--simulate``: the first fills the pipeline, and cycles are counted between later ones."""


def _parse_seeds(_context: click.Context, _option: click.Parameter, value: str | None) -> tuple[int, ...]:
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
    "--model", metavar="M", help="A .fire file, or a name that `firebrick models` lists.  [default: the largest that fits the board]"
)
@classes_option
@click.option(
    "--frequency",
    type=click.FloatRange(1, 400),
    metavar="MHZ",
    help="Clock to meet.  [default: by FPGA family; if it is not met, a little less than Fmax]",
)
@click.option(
    "--target-fps", type=click.FloatRange(min=0, min_open=True), metavar="F", help="Make the smallest plan that reaches F frames/s."
)
@click.option("--link", type=click.Choice(["uart", "usb"]), help="Link to the host.  [default: uart if the board has it]")
@click.option("--simulate", is_flag=True, help="First simulate the plan on photographs, and report the measured cycles.")
@click.option("--swappable", "reloadable", is_flag=True, help="Keep all weights in block RAM, so that `firebrick swap` can reload them.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Seed for place and route.")
@click.option("--seeds", callback=_parse_seeds, metavar="N|A,B,...", help="Seed sweep: seeds 1 to N, or the listed ones.")
@click.option("--jobs", type=click.IntRange(1), help="Seeds to place and route in parallel.  [default: the number of processor cores]")
@click.option("--scheduler", metavar="ADDRESS", help="Place and route on a Dask cluster, all seeds in parallel.")
@click.option("--placer", type=click.Choice(["heap", "static", "sa"]), default="heap", show_default=True, help="nextpnr's placer.")
@click.option("--router", type=click.Choice(["router1", "router2"]), help="nextpnr's router.  [default: by FPGA family]")
@click.option("-o", "--output", type=OutputFolder(), metavar="DIR", help="Output folder.  [default: build/BOARD]")
@json_option
def command(
    board: str,
    model: str | None,
    classes: Path | None,
    frequency: float | None,
    target_fps: float | None,
    link: str | None,
    simulate: bool,
    reloadable: bool,
    seed: int,
    seeds: tuple[int, ...],
    jobs: int | None,
    scheduler: str | None,
    placer: str,
    router: str | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Build the bitstream of a model's accelerator for a board, with open tools.

    The plan is the fastest that fits the board's FPGA, or with --target-fps the smallest that is fast enough. DIR gets:

    \b
    - the bitstream
    - model.fire: the model as the host needs it
    - report.json, report.html: frames/s and latency in the engines and over
      each link of the board, Fmax, and the resources by prediction,
      synthesis, and place and route
    - firebrick.roms.json: locations of the weights, for `prove` and `swap`
    - steps: the products of each tool, reused until their inputs change

    A build takes minutes for a small network, and an hour for one that fills a large FPGA.

    If only the vendor's tools can make the bitstream, they are run if they are on the PATH. Otherwise DIR gets a project for them, and
    resources are estimated by Yosys.

    \b
    Example: firebrick bitstream --board ulx3s_85f --model squeezenet1_1_small -o build/ulx3s_85f
    """
    from firebrick.hw.boards.registry import board as find_board
    from firebrick.hw.build.bitstream import build
    from firebrick.hw.build.steps import TooSlowError
    from firebrick.hw.flows.options import Options

    from ..compiler.planner import plan_for, smallest_plan
    from ..fire_format.file import write_fire
    from ..fpga.link_costs import available_beside_link
    from ..reports.bitstream_html import bitstream_page
    from ..utils.atomic_files import write_atomically
    from ..utils.executors import dask_cluster

    folder = output or Path("build") / board
    target = find_board(board)
    host_link = target.link(link)
    target.check_tools()
    hertz = target.clock_for(frequency * 1e6 if frequency else target.frequency)
    first, *more = seeds or (seed,)
    parallel = jobs or (1 + len(more) if scheduler else os.cpu_count() or 1)
    options = Options(hertz, first, placer, router or "", tuple(more), parallel, host_link, reloadable=reloadable)
    cluster = dask_cluster(scheduler) if scheduler else nullcontext()
    with progress_bar() as progress, cluster as executor:
        progress("planning")
        fabric = replace(target.device.fabric, lut_rom_bits=(0,)) if reloadable else target.device.fabric
        available = available_beside_link(target.device.resources, host_link, fabric, reloadable=reloadable)
        loaded = load_model(model, classes) if model else _largest_model(classes, available, fabric)
        plan = plan_for(loaded, available, fabric) if target_fps is None else smallest_plan(loaded, available, target_fps, hertz, fabric)
        if simulate:
            options = replace(options, cycles=_simulated_cycles(loaded, plan, progress))
        try:
            report = build(plan, loaded, board, options, folder, progress, executor)
        except TooSlowError as problem:
            if frequency or target_fps:
                raise
            hertz = RETRY_MARGIN * problem.fmax
            click.echo(f"{options.frequency / 1e6:.1f} MHz are not met; building again for {hertz / 1e6:.1f} MHz", err=True)
            report = build(plan, loaded, board, replace(options, frequency=hertz), folder, progress, executor)
        write_fire(loaded, folder / "model.fire")
        if report["fmax_mhz"]:
            write_atomically(folder / "report.html", bitstream_page(report).encode())
    if as_json:
        print_json(report)
    else:
        _print_summary(report, folder)


def _print_summary(report: "BuildReport | VendorReport", folder: Path) -> None:
    """Print resources, throughput and where the bitstream is."""
    used, available = report["actual"], report["available"]
    for kind in used:
        click.echo(f"{kind.replace('_', ' '):12} {used[kind]:7,} of {available[kind]:7,}, {report['predicted'][kind]:,} predicted")
    rate = f"{report['fps']:.1f} frames/s of {report['classes']} classes in the engines at {report['frequency_mhz']:.1f} MHz"
    cycles = f"{report['simulated_cycles_per_frame'] or report['cycles_per_frame']:,} cycles per frame"
    if "project" not in report:
        summary = f"{rate} (Fmax {report['fmax_mhz']:.1f} MHz), {cycles}; see {folder / 'report.html'}"
        click.echo(f"wrote {folder / str(report['bitstream'])}: {summary}")
    elif report["bitstream"]:
        click.echo(f"wrote {folder / report['bitstream']}: {rate}, if its timing report says so, {cycles}")
    else:
        project = folder / report["project"]
        click.echo(f"wrote {project}, a project: {rate}, if timing is met, {cycles}; for a bitstream install {report['install']}")
    built, *others = report["host"]
    click.echo("; ".join([f"a host sees {_host_link(built)}", *(f"with --link {other['link']} {_host_link(other)}" for other in others)]))


def _host_link(link: "HostLink") -> str:
    """What a host sees over one link."""
    from ..reports.bitstream_html import short

    return (
        f"{short(link['fps'])} frames/s over {link['carrier']}, limited by {link['limit']}, "
        f"latency {short(link['latency_ms'])} ms, in a stream {short(link['stream_latency_ms'])} ms"
    )


def _simulated_cycles(model: "Model", plan: "Plan", progress: "Progress") -> int:
    """The cycles of a frame, measured on photographs streamed through a simulated plan.

    Raises FirebrickError if the scores are not the golden model's, or the cycles not as predicted.
    """
    from firebrick.sim.full_network import faults, simulate

    from ..data.calibration_set import photographs

    report = simulate(model, plan, photographs(), SIMULATED_FRAMES, progress)
    if problems := faults(report):
        raise FirebrickError(f"the simulation of the plan is not as it should be: {'; '.join(problems)}")
    click.echo(f"simulated {report['frames']} photographs: {report['scores']:,} scores as in the golden model", err=True)
    return int(report["cycles_per_frame"])


def _largest_model(classes: Path | None, available: "Resources", fabric: "Fabric") -> "Model":
    """The largest shipped model that fits, reduced to some classes if they are given."""
    from ..zoo.selection import IMAGENET, LARGEST_FIRST, largest_that_fits

    names = LARGEST_FIRST if classes is None else IMAGENET
    name, model, deficits = largest_that_fits(names, lambda name: load_model(name, classes), available, fabric)
    reason = "; ".join(f"{other} needs {deficit}" for other, deficit in deficits.items()) or "the largest that ships"
    click.echo(f"taking the model {name}: {reason}", err=True)
    return model
