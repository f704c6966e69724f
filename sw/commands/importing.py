# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick import`: a pretrained network becomes a .fire file."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .common import json_option, print_json, progress_bar
from .network import height_width

if TYPE_CHECKING:
    from ..importers.normalisation import Normalisation

Triple = tuple[float, float, float]


def triple(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Triple | None:
    """Three numbers of an option such as 123,117,104; None stays None."""
    if value is None:
        return None
    try:
        red, green, blue = (float(each) for each in value.split(","))
    except ValueError as error:
        raise click.BadParameter(f"must be three numbers R,G,B, such as 123,117,104, not {value!r}") from error
    return red, green, blue


@click.command("import")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="M.fire", help="The file to write.")
@click.option("--bits", type=click.IntRange(4, 8), default=6, show_default=True, help="Width of a codebook index.")
@click.option("--density", type=click.FloatRange(0, 1, min_open=True), help="Share of each layer's weights to keep [default: all].")
@click.option("--calibrate", type=click.Path(path_type=Path), metavar="DIR", help="Pictures to measure on [default: scikit-image's].")
@click.option(
    "--pictures", type=click.Choice(["torch", "caffe"]), help="What the network saw in training [default: torch for ONNX, else caffe]."
)
@click.option("--mean", callback=triple, metavar="R,G,B", help="Subtracted from bytes 0 to 255 in training, if not as --pictures says.")
@click.option("--std", callback=triple, metavar="R,G,B", help="What the difference was divided by, for bytes 0 to 255.")
@click.option("--labels", type=click.Path(path_type=Path), metavar="TXT", help="Class names, one a line [default: ImageNet's if 1000].")
@click.option("--input", "size", callback=height_width, metavar="HxW", help="Rows x columns, where the file leaves them open.")
@json_option
@click.argument("source")
def command(
    source: str,
    output: Path,
    bits: int,
    density: float | None,
    calibrate: Path | None,
    pictures: str | None,
    mean: Triple | None,
    std: Triple | None,
    labels: Path | None,
    size: tuple[int, int] | None,
    as_json: bool,
) -> None:
    """Compress a pretrained network.

    SOURCE is `ndf`, the SqueezeNet v1.1 weights of the Python package of that name; or the path of an official Deep Compression
    SqueezeNet (.net), of an ONNX file (.onnx) or of a Caffe model (.caffemodel) of the SqueezeNet family. `--pictures torch` means RGB,
    mean 123.675,116.28,103.53, std 58.395,57.12,57.375 and the middle 224 of 256 pixels; `caffe` means BGR, mean 123,117,104, std 1,1,1.
    The JSON document is {output, bytes, network, weights, nonzero, bits}.

    \b
    Example: firebrick import squeezenet1_1.onnx -o squeezenet.fire --bits 6 --calibrate pictures/
    """
    from ..compress import Settings, compress
    from ..firefile import write_fire
    from ..importers import Reading, import_source
    from ..importers.labels import read_labels
    from ..pictures import pictures_in

    calibration = pictures_in(calibrate) if calibrate else []
    reading = Reading(_normalisation(source, pictures, mean, std), read_labels(labels) if labels else None, size)
    with progress_bar() as progress:
        model = compress(import_source(source, reading), Settings(bits, density), calibration=calibration, progress=progress)
    write_fire(model, output)
    layers = model.layers.values()
    summary = {
        "output": str(output),
        "bytes": output.stat().st_size,
        "network": model.network.name,
        "weights": sum(layer.codes.size for layer in layers),
        "nonzero": sum(layer.nonzero for layer in layers),
        "bits": bits,
    }
    if as_json:
        print_json(summary)
    else:
        click.echo("{output}: {network}, {nonzero:,} of {weights:,} weights, {bytes:,} bytes".format(**summary))
        if "changed" in model.metadata:
            click.echo(f"Note: {model.metadata['changed']}.")


def _normalisation(source: str, pictures: str | None, mean: Triple | None, std: Triple | None) -> "Normalisation | None":
    """None unless an option is given."""
    from dataclasses import replace

    from ..importers.normalisation import CAFFE, TORCH

    if pictures is None and mean is None and std is None:
        return None
    usual = {"torch": TORCH, "caffe": CAFFE}[pictures or ("torch" if source.endswith(".onnx") else "caffe")]
    return replace(usual, mean=mean or usual.mean, std=std or usual.std)
