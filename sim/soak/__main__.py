# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`python -m firebrick.sim.soak`: one command for each soak test."""

import json

import click

from ...sw.errors import FirebrickError
from ...sw.utils.progress import progress_bar
from ...sw.utils.signals import exit_on_signals
from ...sw.zoo import catalogue


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Run something for a long time under load: every result must be right, and nothing may grow."""


@main.command("serve")
@click.option("--frames", type=click.IntRange(100), default=10_000, show_default=True, metavar="N", help="Frames to classify.")
@click.option("--viewers", type=click.IntRange(1), default=6, show_default=True, metavar="N", help="Viewers at a time, which come and go.")
@click.option("--seed", default=1, show_default=True, metavar="N", help="Seed of when clients do what.")
def serve(frames: int, viewers: int, seed: int) -> None:
    """Soak `firebrick serve` with viewers that come and go, and uploads in between.

    The server is a process of its own, with the golden model of `digits`. Viewers check that labels and image belong to the frame; some
    vanish without a word. Uploads are images, videos, files that are neither, and some that are cut off. The JSON document has the numbers
    of each, and memory and file descriptors of the server's process at the start and at the end. The exit status is 1 if a result was
    wrong or something has grown.
    """
    from .serve import soak

    try:
        with exit_on_signals(), progress_bar() as progress:
            report = soak(frames, viewers, seed, progress)
    except FirebrickError as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps(report.as_dict(), indent=2))
    click.get_current_context().exit(bool(report.faults))


@main.command("link")
@click.option("--model", "name", default="digits", show_default=True, metavar="M", help="A .fire file, or a model's name.")
@click.option("--lanes", type=click.IntRange(1), default=8, show_default=True, metavar="N", help="Multipliers in the whole network.")
@click.option("--virtual-minutes", type=click.FloatRange(0, min_open=True), default=60, show_default=True, help="By the device's clock.")
@click.option(
    "--seconds", type=click.FloatRange(0, min_open=True), default=24 * 3600, show_default=True, help="At most, by the wall clock."
)
@click.option("--fault-rate", type=click.FloatRange(0, 1), default=0.05, show_default=True, help="Fraction of the packets with a fault.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, metavar="N", help="Seed of frames and faults.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document instead of a summary.")
def link(name: str, lanes: int, virtual_minutes: float, seconds: float, fault_rate: float, seed: int, as_json: bool) -> None:
    """Soak the link to a board: stream frames under every fault at once, for an hour of the device's clock.

    Ctrl-C or SIGTERM ends it early, with what was found. The exit status is 1 if a result is wrong and not marked, or if memory, files
    or threads of the process grow.
    """
    from .link import Soak, slow_board, summary

    try:
        model = catalogue.load(name)
        with exit_on_signals(), progress_bar() as progress:
            limits = {"virtual_seconds": 60 * virtual_minutes, "seconds": seconds, "fault_rate": fault_rate}
            result = Soak(model, lambda: slow_board(model, lanes, progress), **limits, seed=seed, progress=progress).run()
    except FirebrickError as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps(result.as_dict(), indent=2) if as_json else summary(result))
    for problem in result.problems():
        click.echo(f"Fault: {problem}", err=True)
    click.get_current_context().exit(bool(result.problems()))


if __name__ == "__main__":
    main()
