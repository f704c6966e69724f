# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`make sim`: cocotb benches of the generated hardware, then the whole network on photographs."""

import json
import sys
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..sw.errors import FirebrickError
from ..sw.model.quantized import Model
from ..sw.network.graph import Conv
from ..sw.utils.atomic_files import write_atomically
from ..sw.utils.logging_setup import logging_to_stderr
from ..sw.utils.progress import Progress, progress_bar
from ..sw.utils.signals import exit_on_signals
from ..sw.zoo import catalogue

if TYPE_CHECKING:
    from .bench_cases import BenchCase


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--model", "name", default=catalogue.DEFAULT, show_default=True, metavar="M", help="A .fire file, or a model's name.")
@click.option("--lanes", type=click.IntRange(1), default=catalogue.DEFAULT_LANES, show_default=True, help="Total number of multipliers.")
@click.option("--frames", type=click.IntRange(2), default=3, show_default=True, help="Photographs to stream.")
@click.option("--benches/--no-benches", default=True, help="Run the cocotb benches of components first.  [default: benches]")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default="build/sim", show_default=True, metavar="DIR", help="Output folder."
)
@click.option("-v", "--verbose", count=True, help="Log to stderr what runs and what is cached; -vv logs more.")
def main(name: str, lanes: int, frames: int, benches: bool, output: Path, verbose: int) -> None:
    """Simulate the generated hardware and compare it with the golden model.

    First, cocotb benches of convolutions, Fire modules, pooling and a small network, without stalls and with the source, the sink or both
    stalling. Then the whole network: photographs are streamed back to back, every score is compared, cycles and busy lanes are counted.
    DIR/report.json has all results. The exit status is 1 if any score differs, or if measured and predicted cycles differ by more
    than 1 %.
    """
    from ..sw.data.calibration_set import photographs
    from .full_network import faults, simulate
    from .report import busy_chart

    start = time.monotonic()
    try:
        model = catalogue.load(name)
        with logging_to_stderr(verbose), exit_on_signals(), progress_bar() as progress:
            outcomes = run_benches(model, output, progress) if benches else []
            report = simulate(model, lanes, photographs(), frames, progress)
        report |= {"model": name, "benches": outcomes, "seconds": round(time.monotonic() - start, 1)}
        problems = faults(report)
        write_atomically(output / "busy.png", busy_chart(report))
        write_atomically(output / "report.json", (json.dumps(report | {"faults": problems}, indent=2) + "\n").encode())
    except FirebrickError as error:
        raise click.ClickException(str(error)) from error
    show(report, output)
    for problem in problems:
        click.echo(f"Fault: {problem}", err=True)
    sys.exit(bool(problems))


def run_benches(model: Model, output: Path, progress: Progress) -> list[dict[str, Any]]:
    """The results of all benches; each has a folder of its own in ``output``.

    They take their weights from the model if its first layer has the benches' shape, otherwise from the default model.
    """
    from ..sw.fire_format.file import encode_model
    from ..sw.utils.source_hash import combined_hash, source_code, tool_versions
    from .bench_cases import bench_cases

    conv1 = model.network.stages[0]
    fits = isinstance(conv1, Conv) and (conv1.kernel, conv1.filters) == (3, 64)
    weights = model if fits else catalogue.load(catalogue.DEFAULT)
    origin = combined_hash(encode_model(weights), source_code("firebrick.hw.codegen.verilog", "firebrick.sim.bench_cases"), tool_versions())
    makers = bench_cases(weights)
    results = []
    for number, (name, make) in enumerate(makers.items()):
        progress("benches", number, len(makers))
        results.append(_bench(make(), output / name, origin, progress))
    progress("benches", len(makers), len(makers))
    return results


def _bench(case: "BenchCase", folder: Path, origin: str, progress: Progress) -> dict[str, Any]:
    from .bench_runner import run_case

    steps = count()
    outcome = run_case(case, folder, origin=origin, progress=lambda *_step: progress(case.name, min(next(steps), 1), 2))
    progress(case.name, 2, 2)
    return {
        "name": case.name,
        "passed": outcome.passed,
        "cycles": outcome.cycles.get("none", 0),
        "stalls": outcome.cycles,
        "complaint": outcome.failure,
        "seconds": round(outcome.seconds, 1),
    }


def show(report: dict[str, Any], output: Path) -> None:
    """Print tables and results."""
    from rich.console import Console

    from .report import bench_table, engine_table, verdict

    console = Console()
    if not console.is_terminal:
        console.width = 160
    if report["benches"]:
        console.print(bench_table(report["benches"]))
    console.print(engine_table(report))
    click.echo(verdict(report))
    click.echo(f"Report and chart: {output / 'report.json'}, {output / 'busy.png'}")


if __name__ == "__main__":
    main(prog_name="python -m firebrick.sim")
