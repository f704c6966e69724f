# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick bitstream`: the accelerator of a model on a board."""

import os
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .board_choice import BOARD, largest_model, note
from .common import classes_option, json_option, load_model, print_json, progress_bar
from .output_paths import OutputFolder
from .peripheral_options import chosen_peripherals, chosen_screen, peripheral_options

if TYPE_CHECKING:
    from firebrick.hw.boards.target import Target
    from firebrick.hw.build.reports import BuildReport, HostLink, VendorReport

    from ..model.quantized import Model

SEEDS_MAX = 1000


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
    help="Clock to meet.  [default: by FPGA family, with a camera 45; if it is not met, a little less than Fmax]",
)
@click.option(
    "--target-fps", type=click.FloatRange(min=0, min_open=True), metavar="F", help="Make the smallest plan that reaches F frames/s."
)
@click.option("--link", type=click.Choice(["uart", "usb"]), help="Link to the host.  [default: uart if the board has it]")
@peripheral_options
@click.option("--simulate", is_flag=True, help="First simulate the plan on photographs, and report the measured cycles.")
@click.option("--swappable", "reloadable", is_flag=True, help="Keep all weights in block RAM, so that `firebrick swap` can reload them.")
@click.option("--fast-lanes", is_flag=True, help="Run lanes of convolutions at twice the clock where that is faster; for an ECP5.")
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
    classes: str | None,
    frequency: float | None,
    target_fps: float | None,
    link: str | None,
    simulate: bool,
    reloadable: bool,
    fast_lanes: bool,
    seed: int,
    seeds: tuple[int, ...],
    jobs: int | None,
    scheduler: str | None,
    placer: str,
    router: str | None,
    output: Path | None,
    as_json: bool,
    **peripherals: Any,
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

    With --fast-lanes some engines multiply twice in a cycle, at a second clock of twice the frequency. Timing is met, and reported, for
    both clocks and between them.

    With --camera the board classifies what its own camera sees, and with --display it shows the labels on a screen, without a computer;
    `firebrick stream board-camera` looks on. The camera is slowed down where the network is slower. The names that the screen shows are in
    block RAM if the plan leaves enough.

    If only the vendor's tools can make the bitstream, they are run if they are on the PATH. Otherwise DIR gets a project for them, and
    resources are estimated by Yosys.

    \b
    Example: firebrick bitstream --board ulx3s_85f --model squeezenet1_1_small -o build/ulx3s_85f
    """
    from firebrick.bitstream import build_bitstream, measured_cycles
    from firebrick.hw.boards.target import find_target
    from firebrick.hw.flows.options import Options

    from ..utils.executors import dask_cluster

    folder = output or Path("build") / board
    asked = find_target(
        board,
        link=link,
        frequency=frequency * 1e6 if frequency else None,
        reloadable=reloadable,
        peripherals=chosen_peripherals(peripherals),
        fast_lanes=fast_lanes,
    )

    def target_for(model: "Model") -> "Target":
        return asked.with_screen(chosen_screen(peripherals, model))

    asked.board.check_tools()
    first, *more = seeds or (seed,)
    parallel = jobs or (1 + len(more) if scheduler else os.cpu_count() or 1)
    cluster = dask_cluster(scheduler) if scheduler else nullcontext()
    with progress_bar() as progress, cluster as executor:
        progress("planning")
        loaded = load_model(model, classes) if model else largest_model(classes, target_for)
        target, plan = target_for(loaded).place_names(loaded, target_fps)
        options = Options(
            target.clock,
            first,
            placer,
            router or "",
            tuple(more),
            parallel,
            target.link,
            reloadable=reloadable,
            peripherals=target.peripherals,
        )
        if simulate:
            options = replace(options, cycles=measured_cycles(loaded, plan, progress, note))
        flexible = not (frequency or target_fps)
        report = build_bitstream(
            plan, loaded, board, options, folder, flexible_clock=flexible, progress=progress, note=note, executor=executor
        )
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
    if "camera" in report:
        click.echo(f"the camera {report['camera']['name']} sends {report['camera']['fps']:.1f} frames/s")
    built, *others = report["host"]
    click.echo("; ".join([f"a host sees {_host_link(built)}", *(f"with --link {other['link']} {_host_link(other)}" for other in others)]))


def _host_link(link: "HostLink") -> str:
    """What a host sees over one link."""
    from ..reports.bitstream_html import short

    return (
        f"{short(link['fps'])} frames/s over {link['carrier']}, limited by {link['limit']}, "
        f"latency {short(link['latency_ms'])} ms, in a stream {short(link['stream_latency_ms'])} ms"
    )
