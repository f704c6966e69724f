# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What the commands that read a pretrained network share: its options, and what is said of the model that is made."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .common import command_line, print_json
from .network_options import height_width

if TYPE_CHECKING:
    from ..importers.normalisation import Normalisation
    from ..model.float_model import FloatModel
    from ..model.quantized import Model

Triple = tuple[float, float, float]


def calibration_images(folder: Path | None) -> list[Path]:
    """The pictures of a folder to calibrate with, none without a folder; where they are few, stderr says so."""
    from ..data.calibration_set import RECOMMENDED_IMAGES
    from ..data.images import images_in

    paths = images_in(folder) if folder else []
    if 0 < len(paths) < RECOMMENDED_IMAGES:
        click.echo(f"Warning: {len(paths)} in {folder} are few pictures to calibrate with; some hundreds give a better model.", err=True)
    return paths


def triple(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Triple | None:
    """Three numbers of an option such as 123,117,104; None stays None."""
    if value is None:
        return None
    try:
        red, green, blue = (float(each) for each in value.split(","))
    except ValueError as error:
        raise click.BadParameter(f"must be three numbers R,G,B, such as 123,117,104, not {value!r}") from error
    return red, green, blue


_MAKING = (
    click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="M.fire", help="The file to write."),
    click.option("--bits", type=click.IntRange(4, 8), default=6, show_default=True, help="Width of a codebook index."),
    click.option("--calibrate", type=click.Path(path_type=Path), metavar="DIR", help="Pictures to measure on [default: scikit-image's]."),
)
_READING = (
    click.option(
        "--pictures", type=click.Choice(["torch", "caffe"]), help="What the network saw in training [default: torch for ONNX, else caffe]."
    ),
    click.option("--mean", callback=triple, metavar="R,G,B", help="Subtracted from bytes 0 to 255 in training, if not as --pictures says."),
    click.option("--std", callback=triple, metavar="R,G,B", help="What the difference was divided by, for bytes 0 to 255."),
    click.option(
        "--class-names", type=click.Path(path_type=Path), metavar="TXT", help="Class names, one a line [default: ImageNet's if 1000]."
    ),
    click.option("--input", "size", callback=height_width, metavar="HxW", help="Rows x columns, where the file leaves them open."),
    click.argument("source"),
)


def source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command that makes a model from a source."""
    return _with(_MAKING, reading_options(command))


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command that reads a source."""
    return _with(_READING, command)


def _with(options: Sequence[Callable[..., Any]], command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(options):
        command = option(command)
    return command


def read_source(
    source: str, pictures: str | None, mean: Triple | None, std: Triple | None, class_names: Path | None, size: tuple[int, int] | None
) -> "FloatModel":
    """The float network that the options describe, with the command that it is read for in its metadata."""
    from ..importers import ImportOptions, import_source
    from ..importers.class_names import read_class_names

    names = read_class_names(class_names) if class_names else None
    network = import_source(source, ImportOptions(_normalisation(source, pictures, mean, std), names, size))
    return replace(network, metadata={**network.metadata, "command": command_line(network.metadata.get("name", network.network.name))})


def write_model(model: "Model", output: Path, as_json: bool) -> None:
    """Write the model, and print what it is: {output, bytes, network, weights, nonzero, bits}."""
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


def _normalisation(source: str, pictures: str | None, mean: Triple | None, std: Triple | None) -> "Normalisation | None":
    """None unless an option is given."""
    from ..importers.normalisation import CAFFE, TORCH

    if pictures is None and mean is None and std is None:
        return None
    usual = {"torch": TORCH, "caffe": CAFFE}[pictures or ("torch" if source.endswith(".onnx") else "caffe")]
    return replace(usual, mean=mean or usual.mean, std=std or usual.std)
