# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What the commands share that read a pretrained network: the options, and the report on the model."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .common import command_line, print_json, progress_bar
from .network_options import height_width
from .output_paths import OutputPath

if TYPE_CHECKING:
    from ..model.float_model import FloatModel
    from ..model.quantized import Model

Triple = tuple[float, float, float]


def calibration_images(folder: Path | None) -> list[Path]:
    """The calibration images in a folder, none without a folder; a warning on stderr where they are few."""
    from ..data.calibration_set import RECOMMENDED_IMAGES
    from ..data.image_folders import images_in

    paths = images_in(folder) if folder else []
    if 0 < len(paths) < RECOMMENDED_IMAGES:
        click.echo(f"Warning: {len(paths)} in {folder} are few images for calibration; some hundreds give a better model.", err=True)
    return paths


def triple(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Triple | None:
    """Three numbers of an option such as 123,117,104; None stays None."""
    if value is None:
        return None
    try:
        red, green, blue = (float(number) for number in value.split(","))
    except ValueError as error:
        raise click.BadParameter(f"must be three numbers R,G,B, such as 123,117,104, not {value!r}") from error
    return red, green, blue


CONVENTIONS = ("torch", "caffe", "unit", "signed", "bytes", "torch-bgr", "caffe-rgb")
"""Names of input normalisations."""
_MODEL_OPTIONS = (
    click.option("-o", "--output", type=OutputPath(), required=True, metavar="M.fire", help="The file to write."),
    click.option("--bits", type=click.IntRange(4, 8), default=6, show_default=True, help="Width of a codebook index."),
    click.option(
        "--calibrate", type=click.Path(path_type=Path), metavar="DIR", help="Calibration images [default: scikit-image's photographs]."
    ),
)
_NORMALISATION = "Input normalisation that the network was trained with [default: that of the file, or what fits the images]."
_SOURCE_OPTIONS = (
    click.option(
        *("--normalisation", "--pictures", "convention"),
        type=click.Choice(CONVENTIONS),
        help=_NORMALISATION,
    ),
    click.option(
        "--mean", callback=triple, metavar="R,G,B", help="Mean of the input bytes 0 to 255 in training, if not that of --normalisation."
    ),
    click.option("--std", callback=triple, metavar="R,G,B", help="Standard deviation that inputs were divided by, for bytes 0 to 255."),
    click.option(
        "--class-names", type=click.Path(path_type=Path), metavar="TXT", help="Class names, one per line [default: ImageNet's if 1000]."
    ),
    click.option("--input", "size", callback=height_width, metavar="HxW", help="Input rows x columns, where the file leaves them open."),
    click.argument("source"),
)


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a command that makes a model from a source."""
    return _with(_MODEL_OPTIONS, reading_options(command))


def source_options_beside_pictures(command: Callable[..., Any]) -> Callable[..., Any]:
    """The same for a command whose --pictures is a folder: the normalisation has its other name alone."""
    normalisation = click.option("--normalisation", "convention", type=click.Choice(CONVENTIONS), help=_NORMALISATION)
    return _with((*_MODEL_OPTIONS, normalisation), _with(_SOURCE_OPTIONS[1:], command))


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a command that reads a source."""
    return _with(_SOURCE_OPTIONS, command)


def _with(options: Sequence[Callable[..., Any]], command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(options):
        command = option(command)
    return command


def read_source(
    source: str,
    images: Sequence[Path],
    convention: str | None = None,
    mean: Triple | None = None,
    std: Triple | None = None,
    class_names: Path | None = None,
    size: tuple[int, int] | None = None,
) -> "FloatModel":
    """The float network that the options describe, with the command line in its metadata.

    Where neither options nor file tell the normalisation, it is measured on ``images``, else on scikit-image's photographs; what was
    found goes to stderr.
    """
    from ..compression.read_network import normalisation_of, read_network
    from ..importers import ImportOptions
    from ..importers.class_names import read_class_names

    names = read_class_names(class_names) if class_names else None
    options = ImportOptions(normalisation_of(source, convention, mean, std), names, size)
    with progress_bar() as progress:
        network, finding = read_network(source, options, images, progress)
    if finding:
        click.echo(f"{'Note' if finding.sure else 'Warning'}: {finding.message}.", err=True)
    return replace(network, metadata={**network.metadata, "command": command_line(network.metadata.get("name", network.network.name))})


def write_model(model: "Model", output: Path, as_json: bool) -> None:
    """Write the model, and print a summary: {output, bytes, network, weights, nonzero, bits}."""
    from ..fire_format.file import write_fire

    write_fire(model, output)
    layers = model.layers.values()
    summary = {
        "output": str(output),
        "bytes": output.stat().st_size,
        "network": model.network.name,
        "weights": sum(layer.codes.size for layer in layers),
        "nonzero": sum(layer.nonzero for layer in layers),
        "bits": max(layer.bits for layer in layers),
    }
    if as_json:
        print_json(summary)
        return
    click.echo("{output}: {network}, {nonzero:,} of {weights:,} weights, {bytes:,} bytes".format(**summary))
    if "changed" in model.metadata:
        click.echo(f"Note: {model.metadata['changed']}.")
