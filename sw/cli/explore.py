# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick explore`: the hardware cost of each design choice."""

import json
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import FirebrickError
from ..utils.suggestions import did_you_mean
from ..zoo import catalogue
from .common import json_option, print_json, print_tables, progress_bar
from .network_options import height_width
from .output_paths import OutputFolder

if TYPE_CHECKING:
    from ..evaluation.accuracy import Accuracy
    from ..explore.design_points import PlanTarget, TrainedModel
    from ..explore.figure3 import FigurePreset
    from ..explore.runner import Row
    from ..utils.progress import Progress

Function = TypeVar("Function", bound=Callable[..., Any])
DEVICE = "LFE5U-85F"
LEAST = ("non-zero MACs", "parameters", "multipliers", "block RAMs", "lanes", "bytes", "LUTs", "cycles")
"""Columns that are left out first where the terminal is narrow."""
FAILED = 3
"""The exit status if some points could not be evaluated. All others have then been written."""


def comma_separated(parse: Callable[[str], Any], description: str) -> Callable[..., Any]:
    """A callback for an option of comma-separated values, without duplicates; None stays None."""

    def callback(_ctx: click.Context, _param: click.Parameter, value: str | None) -> tuple[Any, ...] | None:
        try:
            return tuple(dict.fromkeys(parse(item.strip()) for item in value.split(","))) if value is not None else None
        except ValueError as error:
            raise click.BadParameter(f"must be {description} separated by commas, not {value!r}") from error

    return callback


def comma_lists(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """The items of an option that may be repeated, each time with values separated by commas; a path that exists may have a comma."""
    return tuple(item.strip() for value in values for item in ([value] if Path(value).exists() else value.split(",")))


def bypass(name: str) -> Any:
    """A type of bypass by name."""
    from ..network.graph import Bypass

    return Bypass(name)


def integers(name: str, text: str) -> Callable[[Function], Function]:
    """An option of integers to sweep."""
    return click.option(name, callback=comma_separated(int, "integers"), metavar="N,N", help=text)


def fractions(name: str, text: str) -> Callable[[Function], Function]:
    """An option of fractions to sweep."""
    return click.option(name, callback=comma_separated(float, "numbers"), metavar="X,X", help=text)


@click.command("explore")
@click.option("--preset", type=click.Choice(["fig3a", "fig3b"]), help="Sweep and plot a figure of the paper.")
@integers("--base-e", "Expand filters of the first Fire module [default: 128].")
@integers("--incr-e", "Additional expand filters after every FREQ modules [default: 128].")
@fractions("--pct3x3", "Fraction of expand filters that are 3x3 [default: 0.5].")
@integers("--freq", "Consecutive Fire modules of one width [default: 2].")
@fractions("--sr", "Squeeze filters per expand filter [default: 0.125].")
@click.option(
    "--bypass", callback=comma_separated(bypass, "none, simple or complex"), metavar="B,B", help="none, simple, complex [default: none]."
)
@integers("--classes", "Number of classes [default: 1000].")
@integers("--bits", "Width of a codebook index, 4 to 8 [default: 6].")
@fractions("--density", "Fraction of weights that are not zero [default: 0.33].")
@click.option("--input", "size", callback=height_width, default="227x227", show_default=True, metavar="HxW", help="Rows x columns.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the random weights.")
@click.option(
    "--model",
    "models",
    multiple=True,
    callback=comma_lists,
    metavar="M,M",
    help="Trained models instead of networks; repeatable.",
)
@click.option("--pictures", type=click.Path(path_type=Path), metavar="DIR", help="Images to measure the accuracy of trained models on.")
@click.option("--labels", type=click.Path(path_type=Path), metavar="CSV", help="Labels of the images: columns file and class_index.")
@click.option("--board", "boards", callback=comma_separated(str, "names"), metavar="B,B", help=f"Boards or devices [default: {DEVICE}].")
@integers("--lanes", "Plan for these numbers of multipliers, in addition to any --board.")
@click.option(
    "--frequency", type=click.FloatRange(1, 400), default=60.0, show_default=True, metavar="MHZ", help="Clock, for frames per second."
)
@click.option("--synthesise", is_flag=True, help="Run Yosys on each plan; takes minutes for a point.")
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="Number of processes [default: the number of cores].")
@click.option("--scheduler", metavar="ADDRESS", help="Evaluate on a Dask cluster instead of this machine.")
@click.option("-o", "--output", type=OutputFolder(), metavar="DIR", help="Write explore.html, explore.csv and explore.json.")
@json_option
def command(
    preset: str | None,
    size: tuple[int, int],
    seed: int,
    models: tuple[str, ...],
    pictures: Path | None,
    labels: Path | None,
    boards: tuple[str, ...] | None,
    lanes: tuple[int, ...] | None,
    frequency: float,
    synthesise: bool,
    jobs: int | None,
    scheduler: str | None,
    output: Path | None,
    as_json: bool,
    **swept: tuple[Any, ...] | None,
) -> None:
    """Sweep the design space and show what each point costs in hardware, and whether it fits.

    Points are all combinations of the given values. The plan of each is the fastest that fits a board or device; with --lanes it is the
    fastest with that many multipliers, compared with the largest device. Without --model, weights are random. Results are cached. A point
    that cannot be evaluated is listed with the reason, and the exit status is then 3. The JSON document is {frequency_mhz, points}; in each
    point, `failed` gives the reason, or is empty.

    \b
    Example: firebrick explore --sr 0.125,0.25,0.5 --bits 5,6 --density 0.2,0.33 --classes 100 -o build/explore
    """
    from dataclasses import replace

    from firebrick.sw.utils.cache import cache_folder
    from firebrick.sw.utils.source_hash import source_code, tool_versions

    from ..explore.design_points import Grid, design_points
    from ..explore.figure3 import PRESETS
    from ..explore.result_cache import ResultCache
    from ..explore.runner import explore, rows
    from ..explore.tables import rich_table
    from ..reports.matplotlib_plots import check_matplotlib
    from ..utils.executors import dask_cluster, local_processes

    given = {name: values for name, values in swept.items() if values is not None}
    if models and (given or preset):
        raise click.UsageError("--model takes the place of networks to sweep; give one or the other")
    if (pictures is None) != (labels is None) or (pictures and not models):
        raise click.UsageError("accuracy needs --model, --pictures and --labels")
    if output:
        check_matplotlib()
    figure = PRESETS[preset] if preset else None
    grid = replace(figure.grid if figure else Grid(), size=size, seed=seed, **given)
    trained = [_trained(name) for name in models]
    targets = _targets(boards, lanes or ((catalogue.DEFAULT_LANES,) if preset and not boards else None))
    points = design_points(trained or grid.models(), targets)
    cache, code = cache_folder().absolute() / "explore", source_code("firebrick.sw.explore.evaluate_point")
    synthesis = None
    if synthesise:
        from firebrick.hw.build.out_of_context import plan_resources
        from firebrick.hw.eda.tool_paths import TOOL_PACKAGES, package_version, tool_command

        tool_command("yosys")
        synthesis = partial(plan_resources, cache=cache / "synthesis")
        code += source_code("firebrick.hw.build.out_of_context") + package_version(TOOL_PACKAGES["yosys"]).encode()
    workers = partial(dask_cluster, scheduler) if scheduler else partial(local_processes, jobs or os.cpu_count() or 1)
    with progress_bar() as progress:
        measured = _accuracy(trained, pictures, labels, progress) if pictures and labels else {}
        results = explore(points, ResultCache(cache, code + tool_versions().encode()), workers, progress, synthesis)
    accuracy = {sha256: {"top1": figures["top1"], "top5": figures["top5"]} for sha256, figures in measured.items()}
    table = rows(points, results, frequency * 1e6, accuracy)
    if output:
        _write(output, table, frequency, figure, _measured_on(list(measured.values()), labels))
    failed = sum(bool(row["failed"]) for row in table)
    if as_json:
        print_json({"frequency_mhz": frequency, "points": table})
    elif output:
        fitting = sum(row["fits"] is True for row in table)
        device = f" an {DEVICE}" if not boards else ""
        click.echo(f"wrote {output}: explore.html, explore.csv, explore.json; {fitting:,} of {len(table):,} points fit{device}")
    else:
        print_tables(rich_table(table), least=LEAST)
    if failed:
        reason = next(row["failed"] for row in table if row["failed"])
        click.echo(f"Error: {failed:,} of {len(table):,} points could not be evaluated; the first: {reason}", err=True)
        click.get_current_context().exit(FAILED)


def _write(folder: Path, table: "Sequence[Row]", frequency: float, figure: "FigurePreset | None", measured_on: str) -> None:
    from ..explore.html import exploration_page
    from ..explore.tables import csv_text
    from ..utils.atomic_files import write_atomically

    write_atomically(folder / "explore.html", exploration_page(table, frequency * 1e6, figure, measured_on).encode())
    write_atomically(folder / "explore.csv", csv_text(table).encode())
    write_atomically(folder / "explore.json", json.dumps({"frequency_mhz": frequency, "points": table}, indent=2).encode() + b"\n")


def _trained(name: str) -> "TrainedModel":
    """A model by name or path. It is decoded once here, so that a damaged file is reported once and not for each point."""
    from ..explore.design_points import TrainedModel
    from ..fire_format.file import encode_model

    return TrainedModel(name, encode_model(catalogue.load(name)))


def _targets(names: Sequence[str] | None, lanes: Sequence[int] | None) -> "list[PlanTarget]":
    from ..explore.design_points import PlanTarget, lanes_target
    from ..fpga.devices import DEVICES, find_device

    targets = []
    for name in names or (() if lanes else (DEVICE,)):
        fpga = find_device(name)
        if fpga is None:
            from firebrick.hw.boards.registry import board, boards

            hint = did_you_mean(name, (device.name for device in DEVICES.values()))
            if hint and name not in boards():
                raise FirebrickError(f"device {name} is not known; {hint}")
            fpga = board(name).device
        targets.append(PlanTarget(name, fpga.resources, fabric=fpga.fabric))
    return [*targets, *(lanes_target(count) for count in lanes or ())]


def _accuracy(models: "Sequence[TrainedModel]", pictures: Path, labels: Path, progress: "Progress") -> "dict[str, Accuracy]":
    """The accuracy of each model, by digest, as the golden model computes it."""
    from ..evaluation.accuracy import evaluate

    return {model.sha256: evaluate(model.model(), pictures, labels, progress) for model in models}


def _measured_on(accuracies: "Sequence[Accuracy]", labels: Path | None) -> str:
    """Which images accuracies are of, how far they can be trusted, and whether they are held out; empty without any."""
    if not accuracies or labels is None:
        return ""
    error = max(accuracy["top1_error"] for accuracy in accuracies)
    calibrated = "; they calibrated a model, so they are not held out" if any(accuracy["calibrated"] for accuracy in accuracies) else ""
    return f"the {accuracies[0]['images']:,} images of {labels.name} (standard error of top-1: at most {error:.1%}){calibrated}"
