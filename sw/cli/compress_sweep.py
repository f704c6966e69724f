# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick compress --sweep`: a curve of accuracy against bytes instead of one model."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .common import print_json, progress_bar

if TYPE_CHECKING:
    from ..compression.settings import CompressionSettings
    from ..model.float_model import FloatModel


def prices(_ctx: click.Context, _param: click.Parameter, value: str | None) -> tuple[float, ...] | None:
    """Numbers with commas between them; None stays None."""
    try:
        return tuple(sorted({float(each) for each in value.split(",")})) if value is not None else None
    except ValueError as error:
        raise click.BadParameter(f"must be numbers with commas between them, such as 1,4,16, not {value!r}") from error


def run_sweep(
    network: "FloatModel",
    settings: "CompressionSettings",
    pictures: Sequence[Path],
    labels: Path | None,
    folder: Path,
    bits: Sequence[int] | None,
    prices: Sequence[float] | None,
    as_json: bool,
) -> None:
    """Sweep bits and prices (None for the usual), every second picture to judge by, and print what came out."""
    from ..data.calibration_set import labels_for, split_images
    from ..evaluation.rate_sweep import DEFAULT_BITS, DEFAULT_LAMBDAS, RateSweep

    if folder.exists() and not folder.is_dir():
        raise click.UsageError(f"{folder} is a file; a sweep needs a folder")
    calibration, judging = split_images(pictures)
    known = labels_for(judging, labels, network.network.classes) if labels else None
    sweep = RateSweep(network, calibration, judging, known, settings)
    with progress_bar() as progress:
        found = sweep.run(folder, bits or DEFAULT_BITS, prices or DEFAULT_LAMBDAS, progress)
    if as_json:
        print_json(found)
        return
    for name, entry in found.items():
        size = f"{entry['bytes']:,} bytes, " if "bytes" in entry else ""
        accuracy = "" if entry["top1"] is None else f"top-1 {entry['top1']:.1%} (standard error {entry['top1_error']:.1%}), "
        click.echo(f"{name}: {size}{accuracy}agrees {entry['agreement']:.1%}, relative entropy {entry['relative_entropy']:.3f}")
    click.echo(f"wrote {folder}: a model for each point, sweep.json, sweep.csv, sweep.svg")
