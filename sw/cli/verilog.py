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
@click.option(
    "--interface",
    type=click.Choice(["native", "axi", "wishbone"]),
    default="native",
    show_default=True,
    help="Streams alone; AXI4-Stream with registers on AXI4-Lite; or the same with registers on Wishbone.",
)
@click.option("--bus-width", type=click.Choice(["8", "16", "32", "64", "128"]), help="Bits of AXI4-Stream's TDATA.  [default: 32]")
@click.option("--core-clock", is_flag=True, help="Give the accelerator a clock of its own, apart from that of the bus.")
@json_option
def command(
    model: str,
    classes: Path | None,
    lanes: int,
    output: Path,
    interface: str,
    bus_width: str | None,
    core_clock: bool,
    as_json: bool,
) -> None:
    """Generate the accelerator as Verilog, with a JSON report of its plan.

    DIR gets firebrick.v, the contents of ROMs (*.hex) and report.json. The same model and lanes give the same bytes. The JSON document is
    the report, with lanes and predicted cycles of each engine and of the whole network.

    \b
    Examples:
      firebrick verilog --model squeezenet1_1 --lanes 200 -o build/verilog
      firebrick verilog --model squeezenet1_1 --lanes 200 --interface axi --bus-width 64 -o build/axi
    """
    from firebrick.hw.bus.top import BusOptions
    from firebrick.hw.codegen.bus_verilog import generate_on_bus
    from firebrick.hw.codegen.verilog import generate

    if interface == "native" and (bus_width or core_clock):
        raise click.UsageError("--bus-width and --core-clock belong to a bus; add --interface axi or --interface wishbone")
    options = BusOptions(stream_bytes=int(bus_width or 32) // 8, wishbone=interface == "wishbone", core_clock=core_clock)
    loaded = load_model(model, classes)
    with progress_bar() as progress:
        artefacts = generate(loaded, lanes, progress) if interface == "native" else generate_on_bus(loaded, lanes, options, progress)
        progress("writing files")
        artefacts.write(output)
    if as_json:
        print_json(artefacts.report)
    else:
        click.echo(f"wrote {output}: {artefacts.report['lanes']} lanes, {artefacts.report['cycles_per_frame']:,} cycles per frame")
