# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick verilog`: the accelerator of a model as Verilog."""

from pathlib import Path

import click

from .common import classes_option, json_option, lanes_option, load_model, model_option, print_json, progress_bar
from .output_paths import OutputFolder


@click.command("verilog")
@model_option
@classes_option
@lanes_option
@click.option("-o", "--output", type=OutputFolder(), required=True, metavar="DIR", help="Output folder.")
@json_option
def command(model: str, classes: Path | None, lanes: int, output: Path, as_json: bool) -> None:
    """Generate the accelerator as Verilog, with a JSON report of its plan.

    DIR gets firebrick.v, the contents of ROMs (*.hex) and report.json. The same model and lanes give the same bytes. The JSON document is
    the report, with lanes and predicted cycles of each engine and of the whole network.

    \b
    Example: firebrick verilog --model squeezenet1_1 --lanes 200 -o build/verilog
    """
    from firebrick.hw.codegen.verilog import generate

    loaded = load_model(model, classes)
    with progress_bar() as progress:
        artefacts = generate(loaded, lanes, progress)
        progress("writing files")
        artefacts.write(output)
    if as_json:
        print_json(artefacts.report)
    else:
        click.echo(f"wrote {output}: {artefacts.report['lanes']} lanes, {artefacts.report['cycles_per_frame']:,} cycles per frame")
