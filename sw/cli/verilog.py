# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick verilog`: the accelerator of a model as Verilog."""

from pathlib import Path

import click

from ..zoo.catalogue import DEFAULT_FREQUENCY
from .common import classes_option, json_option, lanes_option, load_model, model_option, print_json, progress_bar
from .output_paths import OutputFolder


@click.command("verilog")
@model_option
@classes_option
@lanes_option
@click.option(
    "--frequency",
    type=click.FloatRange(1, 1000),
    default=DEFAULT_FREQUENCY,
    show_default=True,
    metavar="MHZ",
    help="Clock at which times are stated, and which the constraints ask for.",
)
@click.option(
    "--image",
    "images",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Picture for the benches; may be repeated.  [default: photographs of scikit-image]",
)
@click.option("-o", "--output", type=OutputFolder(), required=True, metavar="DIR", help="Output folder.")
@click.option(
    "--name",
    default="firebrick",
    show_default=True,
    metavar="NAME",
    help="What the names of modules and files begin with: a design may have several cores of different names.",
)
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
    classes: str | None,
    lanes: int,
    frequency: float,
    images: tuple[Path, ...],
    output: Path,
    name: str,
    interface: str,
    bus_width: str | None,
    core_clock: bool,
    as_json: bool,
) -> None:
    """Generate the accelerator as a core: a folder to put into your own design.

    DIR gets README.md, which describes all other files: the Verilog, with all weights in it; benches with pictures and the scores that
    they must give; FuseSoC, IP-XACT and constraint files; a C header; and report.json. The same arguments give the same bytes. The
    JSON document is the report, with lanes and predicted cycles of each engine and of the whole network.

    \b
    Examples:
      firebrick verilog --model squeezenet1_1 --lanes 200 -o build/verilog
      firebrick verilog --model squeezenet1_1 --lanes 200 --interface axi --bus-width 64 -o build/axi
    """
    from firebrick.core import bus_options, write_core

    if interface == "native" and (bus_width or core_clock):
        raise click.UsageError("--bus-width and --core-clock belong to a bus; add --interface axi or --interface wishbone")
    bus = bus_options(interface, int(bus_width) if bus_width else None, core_clock)
    loaded = load_model(model, classes)
    with progress_bar() as progress:
        report = write_core(loaded, lanes, output, frequency=frequency, name=name, bus=bus, images=images, progress=progress)
    if as_json:
        print_json(report)
    else:
        click.echo(f"wrote {output}: {report['lanes']} lanes, {report['cycles_per_frame']:,} cycles per frame")
