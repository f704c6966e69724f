# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick import`: convert a pretrained network to a .fire file."""

from pathlib import Path
from typing import Any

import click

from .common import json_option, progress_bar
from .output_paths import require_file
from .source_options import calibration_images, read_source, source_options, write_model


@click.command("import")
@source_options
@click.option("--density", type=click.FloatRange(0, 1, min_open=True), help="Fraction of each layer's weights to keep [default: all].")
@json_option
def command(source: str, output: Path, bits: int, density: float | None, calibrate: Path | None, as_json: bool, **reading: Any) -> None:
    """Convert a pretrained network to a quantised model. `firebrick compress` does the same to a size budget, and can train it.

    SOURCE is `ndf`, the SqueezeNet v1.1 weights of the Python package of that name, or the path of the authors' Deep Compression
    SqueezeNet (.net), an ONNX file (.onnx) or a Caffe model (.caffemodel) of the SqueezeNet family. `--normalisation` says how training
    normalised images: `torch` (RGB, mean 123.675,116.28,103.53, std 58.395,57.12,57.375, a central crop of 224 of 256 pixels), `caffe`
    (BGR, mean 123,117,104), `unit` (RGB, 0 to 1), `signed` (RGB, -1 to 1), `bytes` (RGB, 0 to 255), `torch-bgr` or `caffe-rgb`. Where
    neither it nor the file says so, the one under which the network tells the calibration images apart best is taken, and printed.
    The JSON document is {output, bytes, network, weights, nonzero, bits}.

    \b
    Example: firebrick import squeezenet1_1.onnx -o squeezenet.fire --bits 6 --calibrate images/
    """
    from ..compression.compressor import compress
    from ..compression.settings import CompressionSettings

    require_file(output)
    calibration = calibration_images(calibrate)
    network = read_source(source, calibration, **reading)
    with progress_bar() as progress:
        model = compress(network, CompressionSettings(bits, density), calibration=calibration, progress=progress)
    write_model(model, output, as_json)
