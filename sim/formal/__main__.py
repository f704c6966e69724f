# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`make formal`: proofs of the hardware's components."""

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...sw.errors import FirebrickError
from ...sw.utils.logging_setup import logging_to_stderr
from ...sw.utils.progress import progress_bar
from ...sw.utils.signals import exit_on_signals

if TYPE_CHECKING:
    from .check import Result


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1, metavar="[PROOF]...")
@click.option("--all", "everything", is_flag=True, help="Also the proofs that take longer.")
@click.option("--faults", is_flag=True, help="Also plant each proof's faults in its component: each must lose the proof.")
@click.option("--list", "only_list", is_flag=True, help="List the proofs and what they prove, and run none.")
@click.option("-j", "--jobs", type=click.IntRange(1), default=os.cpu_count() or 1, show_default="cores", help="Proofs at a time.")
@click.option("--timeout", type=click.IntRange(1), default=600, show_default=True, metavar="S", help="Seconds that a run may take.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
@click.option("--table", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Write the proofs into the table of this page.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default="build/formal", show_default=True, metavar="DIR", help="Output folder."
)
@click.option("-v", "--verbose", count=True, help="Log to stderr what runs; -vv logs more.")
def main(
    names: tuple[str, ...],
    everything: bool,
    faults: bool,
    only_list: bool,
    jobs: int,
    timeout: int,
    as_json: bool,
    table: Path | None,
    output: Path,
    verbose: int,
) -> None:
    """Prove properties of the hardware's components for all inputs; without PROOF, all but the long ones.

    Each proof is followed by a false property, which must fail: a proof whose assumptions exclude everything would not notice. A proof
    that fails leaves a counterexample, as a waveform, in DIR/PROOF/proof/run/engine_0/trace.vcd. The exit status is 1 if a proof fails.
    """
    from .catalogue import choose
    from .check import Checker
    from .report import write_into

    start = time.monotonic()
    try:
        proofs = choose(names, everything=everything)
        if only_list:
            for proof in proofs:
                click.echo(f"{proof.name}: {proof.sentence}")
            return
        with logging_to_stderr(verbose), exit_on_signals(), progress_bar() as progress:
            results = Checker(output, timeout=timeout).check_all(proofs, faults=faults, jobs=jobs, progress=progress)
        seconds = round(time.monotonic() - start, 1)
        if table:
            write_into(table, results)
    except FirebrickError as error:
        raise click.ClickException(str(error)) from error
    problems = [f"{result.proof.name}: {problem}" for result in results for problem in result.problems]
    if as_json:
        click.echo(json.dumps({"proofs": [result.to_json() for result in results], "seconds": seconds, "problems": problems}, indent=2))
    else:
        _show(results, seconds)
    for problem in problems:
        click.echo(f"Fault: {problem}", err=True)
    sys.exit(bool(problems))


def _show(results: "list[Result]", seconds: float) -> None:
    from rich.console import Console

    from .report import result_table

    console = Console()
    if not console.is_terminal:
        console.width = 160
    console.print(result_table(results))
    proven = sum(not result.problems for result in results)
    click.echo(f"{proven} of {len(results)} proven, in {seconds:.0f} s.")


if __name__ == "__main__":
    main(prog_name="python -m firebrick.sim.formal")
