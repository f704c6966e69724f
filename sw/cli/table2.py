# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick table2`: the paper's Table 2 with measured rows."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .common import json_option, print_json, print_tables, progress_bar
from .output_paths import OutputFile
from .source_options import calibration_images, read_source, reading_options

if TYPE_CHECKING:
    from ..network.graph import Network


def densities(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Fractions above 0 to 1, or `table1`."""
    for value in values:
        try:
            valid = value == "table1" or 0 < float(value) <= 1
        except ValueError:
            valid = False
        if not valid:
            raise click.BadParameter(f"must be a fraction above 0 and at most 1, or table1, not {value!r}")
    return values


def budgets(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Bits and bytes, such as 6:470000."""
    for value in values:
        bits, _, limit = value.partition(":")
        if bits not in ("4", "5", "6", "7", "8") or not (limit.isascii() and limit.isdecimal() and 0 < len(limit) < 10 and int(limit)):
            raise click.BadParameter(f"must be bits, 4 to 8, and bytes, such as 6:470000, not {value!r}")
    return values


@click.command("table2")
@click.option("-o", "--output", type=OutputFile(), required=True, metavar="FILE.html", help="The page to write.")
@click.option("--calibrate", type=click.Path(path_type=Path), required=True, metavar="DIR", help="Calibration images.")
@click.option("--judge", "held_out_folder", type=click.Path(path_type=Path), metavar="DIR", help="Held-out images, to evaluate on.")
@click.option(
    "--split", is_flag=True, help="Evaluate on every second image of --calibrate instead, which is then not used for calibration."
)
@click.option("--labels", type=click.Path(path_type=Path), metavar="CSV", help="Classes of the images (file,class_index).")
@click.option(
    *("--density", "pruning_densities"),
    callback=densities,
    multiple=True,
    default=["table1"],
    show_default=True,
    metavar="D",
    help="Fraction of each layer's weights that magnitude pruning keeps, or `table1` for the paper's; a row for each.",
)
@click.option(
    *("--ours", "our_budgets"),
    callback=budgets,
    multiple=True,
    default=["8:660000", "6:470000"],
    show_default=True,
    metavar="BITS:BYTES",
    help="Bits and maximum file size of a row compressed by Firebrick; may be repeated.",
)
@click.option(
    "--model",
    "models",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="M.fire",
    help="An existing model to evaluate; may be repeated.",
)
@reading_options
@json_option
def command(
    source: str,
    output: Path,
    calibrate: Path,
    held_out_folder: Path | None,
    split: bool,
    labels: Path | None,
    pruning_densities: tuple[str, ...],
    our_budgets: tuple[str, ...],
    models: tuple[Path, ...],
    as_json: bool,
    **reading: Any,
) -> None:
    """Make the SqueezeNet paper's Table 2 with measured rows: float32, 8-bit linear, magnitude pruning with k-means, ours.

    SOURCE and the options about it are those of `firebrick import`. Rows are evaluated in the integer golden model on images that were
    not used to calibrate them. Whether a --model was calibrated with them is not known: make sure that it was not. An interrupted run
    resumes when the same command is given again: FILE.html.models holds the finished models. The JSON document is
    {key, title, columns, rows, notes}, rows by column name.

    \b
    Example: firebrick table2 ndf --calibrate images/ --split --labels labels.csv -o table2.html
    """
    from ..data.calibration_set import labels_for, split_images
    from ..data.image_folders import images_in
    from ..evaluation.comparison import Comparison
    from ..reports.paper.html import paper_page, text_table
    from ..reports.paper.table2 import table2
    from ..utils.atomic_files import write_atomically

    if (held_out_folder is None) != split:
        raise click.UsageError("give --judge DIR, or --split to evaluate on every second image of --calibrate")
    calibration = calibration_images(calibrate)
    network = read_source(source, calibration, **reading)
    calibration, held_out = split_images(calibration) if held_out_folder is None else (calibration, images_in(held_out_folder))
    comparison = Comparison(
        network,
        calibration,
        held_out,
        labels_for(held_out, labels, network.network.classes) if labels else None,
        dict(_densities(network.network, density) for density in pruning_densities),
        {int(bits): int(limit) for bits, _, limit in (budget.partition(":") for budget in our_budgets)},
        models,
    )
    with progress_bar() as progress:
        section = table2(comparison.run(output.with_name(f"{output.name}.models"), progress))
    introduction = "The paper's rows are quoted; the others were measured by `firebrick table2`."
    write_atomically(output, paper_page([section], introduction).encode())
    if as_json:
        print_json(section.as_dict())
    else:
        print_tables(text_table(section))
        click.echo(f"wrote {output}")


def _densities(network: "Network", density: str) -> "tuple[str, float | dict[str, float]]":
    """The description of the densities in the table, and the densities."""
    from ..compression.density_presets import table1_densities

    return ("Table 1's densities", table1_densities(network)) if density == "table1" else (density, float(density))
