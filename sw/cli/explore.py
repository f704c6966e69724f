# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick explore`: what each choice of the design space costs on a chip."""

import json
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..zoo import catalogue
from .common import json_option, print_json, print_tables, progress_bar
from .network_options import height_width

if TYPE_CHECKING:
    from ..explore.design_points import PlanTarget, TrainedModel
    from ..explore.figure3 import FigurePreset
    from ..explore.runner import Row
    from ..utils.progress import Progress

Function = TypeVar("Function", bound=Callable[..., Any])
DEVICE = "LFE5U-85F"
FAILED = 3
"""The exit status where some points could not be measured, after all that could be has been written."""


def values(kind: Callable[[str], Any], what: str) -> Callable[..., Any]:
    """A callback for an option of values with commas between them, each once; None stays None."""

    def callback(_ctx: click.Context, _param: click.Parameter, value: str | None) -> tuple[Any, ...] | None:
        try:
            return tuple(dict.fromkeys(kind(each.strip()) for each in value.split(","))) if value is not None else None
        except ValueError as error:
            raise click.BadParameter(f"must be {what} with commas between them, not {value!r}") from error

    return callback


def bypass(name: str) -> Any:
    """A kind of bypass by name."""
    from ..network.graph import Bypass

    return Bypass(name)


def integers(name: str, text: str) -> Callable[[Function], Function]:
    """An option of whole numbers that are swept."""
    return click.option(name, callback=values(int, "whole numbers"), metavar="N,N", help=text)


def shares(name: str, text: str) -> Callable[[Function], Function]:
    """An option of shares that are swept."""
    return click.option(name, callback=values(float, "numbers"), metavar="X,X", help=text)


@click.command("explore")
@click.option("--preset", type=click.Choice(["fig3a", "fig3b"]), help="Sweep and draw a figure of the paper.")
@integers("--base-e", "Expand filters of the first Fire module [default: 128].")
@integers("--incr-e", "How many more after every FREQ modules [default: 128].")
@shares("--pct3x3", "Share of expand filters that are 3x3 [default: 0.5].")
@integers("--freq", "Fire modules of one width in a row [default: 2].")
@shares("--sr", "Squeeze filters for each expand filter [default: 0.125].")
@click.option("--bypass", callback=values(bypass, "none, simple or complex"), metavar="B,B", help="none, simple, complex [default: none].")
@integers("--classes", "Number of classes [default: 1000].")
@integers("--bits", "Width of a codebook index, 4 to 8 [default: 6].")
@shares("--density", "Share of the weights that are not zero [default: 0.33].")
@click.option("--input", "size", callback=height_width, default="227x227", show_default=True, metavar="HxW", help="Rows x columns.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the generated weights.")
@click.option("--model", "models", multiple=True, metavar="M", help="A trained model instead of the networks; may be repeated.")
@click.option("--pictures", type=click.Path(path_type=Path), metavar="DIR", help="Measure trained models' accuracy on these.")
@click.option("--labels", type=click.Path(path_type=Path), metavar="CSV", help="Has columns file and class_index.")
@click.option("--board", "boards", callback=values(str, "names"), metavar="B,B", help=f"Boards or devices [default: {DEVICE}].")
@integers("--lanes", "Plan for so many multipliers, besides --board where that is given, too.")
@click.option("--frequency", type=click.FloatRange(1, 400), default=60.0, show_default=True, metavar="MHZ", help="For frames a second.")
@click.option("--synthesise", is_flag=True, help="Run Yosys on each plan: minutes a point.")
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="Processes at a time [default: as many as cores].")
@click.option("--scheduler", metavar="ADDRESS", help="Measure on a Dask cluster instead of on this machine.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="Write explore.html, explore.csv and explore.json.")
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
    """Sweep the design space and tell what each point costs on a chip, and whether it fits.

    Points are all combinations of the values given. Each is planned for the fastest that a board or device has room for, or that so many
    --lanes allow; then it is held against the largest device. Weights are generated where no --model is given. What was measured before
    is not measured again. A point that cannot be measured is listed with its reason, and the exit status is then 3. The JSON document is
    {frequency_mhz, points}, with `failed` empty, or why a point could not be measured.

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

    given = {name: chosen for name, chosen in swept.items() if chosen is not None}
    if models and (given or preset):
        raise click.UsageError("--model takes the place of networks to sweep; give one or the other")
    if (pictures is None) != (labels is None) or (pictures and not models):
        raise click.UsageError("accuracy needs --model, --pictures and --labels")
    if output:
        check_matplotlib()
        if output.exists() and not output.is_dir():
            raise click.UsageError(f"{output} is a file; name a folder")
    figure = PRESETS[preset] if preset else None
    grid = replace(figure.grid if figure else Grid(), size=size, seed=seed, **given)
    trained = [_trained(name) for name in models]
    targets = _targets(boards, lanes or ((catalogue.DEFAULT_LANES,) if preset and not boards else None))
    wanted = design_points(trained or grid.subjects(), targets)
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
        accuracy = _accuracy(trained, pictures, labels, progress) if pictures and labels else {}
        results = explore(wanted, ResultCache(cache, code + tool_versions().encode()), workers, progress, synthesis)
    found = rows(wanted, results, frequency * 1e6, accuracy)
    if output:
        _write(output, found, frequency, figure)
    failed = sum(bool(row["failed"]) for row in found)
    if as_json:
        print_json({"frequency_mhz": frequency, "points": found})
    elif output:
        fitting = sum(row["fits"] is True for row in found)
        against = f" an {DEVICE}" if not boards else ""
        click.echo(f"wrote {output}: explore.html, explore.csv, explore.json; {fitting:,} of {len(found):,} points fit{against}")
    else:
        print_tables(rich_table(found))
    if failed:
        reason = next(row["failed"] for row in found if row["failed"])
        click.echo(f"Error: {failed:,} of {len(found):,} points could not be measured; the first: {reason}", err=True)
        click.get_current_context().exit(FAILED)


def _write(folder: Path, found: "Sequence[Row]", frequency: float, figure: "FigurePreset | None") -> None:
    from ..explore.html import exploration_page
    from ..explore.tables import csv_text
    from ..utils.atomic_files import write_atomically

    write_atomically(folder / "explore.html", exploration_page(found, frequency * 1e6, figure).encode())
    write_atomically(folder / "explore.csv", csv_text(found).encode())
    write_atomically(folder / "explore.json", json.dumps({"frequency_mhz": frequency, "points": found}, indent=2).encode() + b"\n")


def _trained(name: str) -> "TrainedModel":
    """A model by name or path; its file is read anew, so that damage is told here and once."""
    from ..explore.design_points import TrainedModel
    from ..fire_format.file import encode_model

    return TrainedModel(name, encode_model(catalogue.load(name)))


def _targets(boards: Sequence[str] | None, lanes: Sequence[int] | None) -> "list[PlanTarget]":
    from ..explore.design_points import PlanTarget, lanes_target
    from ..fpga.devices import device

    found = []
    for name in boards or (() if lanes else (DEVICE,)):
        known = device(name)
        if known is None:
            from firebrick.hw.boards.registry import board

            known = board(name).device
        found.append(PlanTarget(name, known.resources, fabric=known.fabric))
    return [*found, *(lanes_target(count) for count in lanes or ())]


def _accuracy(models: "Sequence[TrainedModel]", pictures: Path, labels: Path, progress: "Progress") -> dict[str, dict[str, float]]:
    """Top-1 and top-5 of each model in the golden model, by digest."""
    from ..evaluation.accuracy import evaluate

    found = {}
    for model in models:
        figures = evaluate(model.model(), pictures, labels, progress)
        found[model.sha256] = {name: figures[name] for name in ("top1", "top5")}
    return found
