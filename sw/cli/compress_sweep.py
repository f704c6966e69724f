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
    """Lagrange multipliers, separated by commas; None stays None."""
    try:
        return tuple(sorted({float(number) for number in value.split(",")})) if value is not None else None
    except ValueError as error:
        raise click.BadParameter(f"must be numbers with commas between them, such as 1,4,16, not {value!r}") from error


def run_sweep(
    network: "FloatModel",
    settings: "CompressionSettings",
    images: Sequence[Path],
    labels: Path | None,
    folder: Path,
    bits: Sequence[int] | None,
    lambdas: Sequence[float] | None,
    as_json: bool,
) -> None:
    """Sweep bits and Lagrange multipliers (None for the defaults), with every second image held out, and print the results."""
    from ..data.calibration_set import labels_for, split_images
    from ..evaluation.rate_sweep import DEFAULT_BITS, DEFAULT_LAMBDAS, RateSweep

    if folder.exists() and not folder.is_dir():
        raise click.UsageError(f"{folder} is a file; a sweep needs a folder")
    calibration, held_out = split_images(images)
    indices = labels_for(held_out, labels, network.network.classes) if labels else None
    sweep = RateSweep(network, calibration, held_out, indices, settings)
    with progress_bar() as progress:
        results = sweep.run(folder, bits or DEFAULT_BITS, lambdas or DEFAULT_LAMBDAS, progress)
    if as_json:
        print_json(results)
        return
    for name, entry in results.items():
        size = f"{entry['bytes']:,} bytes, " if "bytes" in entry else ""
        accuracy = "" if entry["top1"] is None else f"top-1 {entry['top1']:.1%} (standard error {entry['top1_error']:.1%}), "
        fidelity = f"agreement with float {entry['agreement']:.1%}, KL divergence {entry['relative_entropy']:.3f}"
        click.echo(f"{name}: {size}{accuracy}{fidelity}")
    click.echo(f"wrote {folder}: a model for each point, sweep.json, sweep.csv, sweep.svg")
