# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`python -m firebrick.sim.soak`: one command for each soak test."""

import json

import click

from ...sw.errors import FirebrickError
from ...sw.utils.progress import progress_bar
from ...sw.utils.signals import exit_on_signals


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


if __name__ == "__main__":
    main()
