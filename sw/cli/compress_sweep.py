# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick compress --sweep`: curves of accuracy against bytes and multiplications instead of one model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .common import print_json, progress_bar

if TYPE_CHECKING:
    from ..compression.settings import CompressionSettings
    from ..model.float_model import FloatModel
    from ..model.quantized import Model


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
    held_out: Path | None,
    labels: Path | None,
    models: "Mapping[str, Model]",
    folder: Path,
    bits: Sequence[int] | None,
    lambdas: Sequence[float] | None,
    as_json: bool,
) -> None:
    """Sweep bits and Lagrange multipliers (None for the defaults), evaluate, and print the results.

    Without a folder ``held_out``, every second image is held out.
    """
    from ..data.calibration_set import labels_for, split_images
    from ..data.image_folders import images_in
    from ..evaluation.rate_sweep import DEFAULT_BITS, DEFAULT_LAMBDAS, RateSweep

    if folder.exists() and not folder.is_dir():
        raise click.UsageError(f"{folder} is a file; a sweep needs a folder")
    calibration, judges = (images, images_in(held_out)) if held_out else split_images(images)
    indices = labels_for(judges, labels, network.network.classes) if labels else None
    sweep = RateSweep(network, calibration, judges, indices, settings, models)
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
