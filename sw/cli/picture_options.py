# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The options of `firebrick compress` about a folder of unlabelled pictures to distil on, and the files of such a training."""

import json
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..training.distillation.config import BALANCES, STARTS, GradualConfig
from .common import progress_bar
from .source_options import CONVENTIONS, read_source

if TYPE_CHECKING:
    from ..compression.job import CompressionJob, JobFiles
    from ..model.float_model import FloatModel
    from ..model.quantized import Model

_GIGABYTE = 10**9
_OPTIONS = (
    click.option(
        "--pictures",
        multiple=True,
        metavar="DIR",
        help="Folder of pictures without labels to distil on, thousands of them; may be repeated.",
    ),
    click.option("--teacher", "teachers", multiple=True, metavar="NET", help="A further float network to learn from; may be repeated."),
    click.option("--held-out", type=click.Path(path_type=Path), metavar="DIR", help="Pictures to judge by [default: a tenth of them]."),
    click.option("--held-out-labels", type=click.Path(path_type=Path), metavar="CSV", help="Their classes (file,class_index)."),
    click.option("--batch", type=click.IntRange(1, 4096), default=GradualConfig.batch, show_default=True, help="Views of pictures a step."),
    click.option(
        "--rate", type=click.FloatRange(0, 1, min_open=True), default=GradualConfig.learning_rate, show_default=True, help="Learning rate."
    ),
    click.option(
        "--balance", type=click.Choice(BALANCES), default="class", show_default=True, help="Show few of a kind more often, by this."
    ),
    click.option(
        "--start",
        metavar=f"[{'|'.join(STARTS)}|MODEL]",
        default=GradualConfig.start,
        show_default=True,
        help="Start from what meets the limits without training (target), prune a nearly lossless model as it learns (lossless), or go on "
        "from a model that is compressed already, a .fire file or a name.",
    ),
    click.option(
        "--memory", type=click.FloatRange(0), default=2.0, show_default=True, metavar="GB", help="Memory for decoded pictures at most."
    ),
)
NEED_PICTURES = ("start", "teachers", "held_out", "held_out_labels", "batch", "rate", "balance", "memory")
"""Parameters that mean nothing without --pictures."""


def picture_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options about pictures."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def split_pictures(values: Sequence[str], convention: str | None) -> tuple[list[Path], str | None]:
    """The folders among the values of --pictures, and the normalisation, which this option used to name and still may."""
    named = [value for value in values if value in CONVENTIONS]
    if len({*named, *([convention] if convention else [])}) > 1:
        raise click.UsageError(
            f"--normalisation is given twice: {', '.join(dict.fromkeys([*named, *([convention] if convention else [])]))}"
        )
    return [Path(value) for value in values if value not in CONVENTIONS], convention or next(iter(named), None)


def distil_on_pictures(
    source: "FloatModel",
    job: "CompressionJob",
    files: "JobFiles",
    output: Path,
    folders: Sequence[Path],
    labels: Path | None,
    steps: int,
    seed: int,
    options: Mapping[str, Any],
) -> "Model":
    """Run the job with the options of `picture_options`, and write the curves beside the output."""
    from ..compression.gradual_job import PictureFolders, run_gradual_job
    from ..data.image_folders import images_in
    from ..reports.distillation_html import distillation_page
    from ..reports.matplotlib_plots import distillation_plot
    from ..training.distillation import check_torch
    from ..utils.atomic_files import write_atomically
    from ..zoo.catalogue import load

    check_torch()
    start = None if options["start"] in STARTS else load(options["start"])
    kind = GradualConfig.start if start else options["start"]
    config = GradualConfig(steps, seed, options["batch"], options["rate"], balance=options["balance"], start=kind)
    held_out, table = options["held_out"], options["held_out_labels"]
    if table and not held_out:
        raise click.UsageError("--held-out-labels are the classes of the pictures in --held-out; give both")
    pictures = PictureFolders(
        [path for folder in folders for path in images_in(folder)],
        images_in(held_out) if held_out else (),
        labels,
        table,
        int(options["memory"] * _GIGABYTE),
    )
    teachers = [read_source(teacher, job.images) for teacher in options["teachers"]]
    with progress_bar() as progress:
        model, report = run_gradual_job(
            source, job, pictures, config, teachers, files, progress, lambda line: click.echo(line, err=True), start
        )
    document = {"network": model.network.name, **report}
    write_atomically(output.with_suffix(".curves.json"), (json.dumps(document, indent=2) + "\n").encode())
    drawing = distillation_plot(model.network.name, document) if find_spec("matplotlib") else None
    if drawing:
        write_atomically(output.with_suffix(".curves.svg"), drawing)
    write_atomically(output.with_suffix(".curves.html"), distillation_page(document, drawing).encode())
    return model
