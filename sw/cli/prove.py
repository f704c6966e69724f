# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick prove`: read-back verification of the weights in a finished bitstream."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..zoo import catalogue
from .common import bitstream_option, json_option, print_json, print_tables, readback_progress

if TYPE_CHECKING:
    from rich.table import Table

VERDICTS = {"proven": "verified", "different": "different", "unknown": "unknown"}
"""How the table words the verdicts of the JSON document."""


@click.command("prove")
@bitstream_option
@click.option(
    "--model",
    metavar="M",
    help="A .fire file, or a name that `firebrick models` lists. Default: B.fire or model.fire beside the bitstream.",
)
@json_option
def command(bitstream: Path, model: str | None, as_json: bool) -> None:
    """Verify by read-back that a finished bitstream holds every weight of a model.

    The command unpacks the bitstream and reads the contents of its block RAMs and look-up tables. It decodes the weight ROMs to integers
    and compares them with the model's weights, layer by layer. The tables of the weight decoders that are built from logic (Huffman
    codes, zero runs, codebooks, filter order, biases) are evaluated and compared case by case. The device descriptor, which
    the board sends to the host, is compared too if the bitstream was built with --swappable.

    B.roms.json, which the build wrote beside the bitstream, says where each of these is on the FPGA. The exit status is 1 unless
    everything is verified.

    \b
    Example: firebrick prove --bitstream build/ulx3s_85f/firebrick.bit --model squeezenet1_1_small
    """
    from firebrick.hw.verify.ecp5_bitstream import read_bitstream
    from firebrick.hw.verify.readback import model_path, read_rom_map, require_verified, verify_bitstream

    model = model or str(model_path(bitstream))
    with readback_progress() as progress:
        report = verify_bitstream(read_bitstream(bitstream), bitstream.name, *read_rom_map(bitstream), catalogue.load(model), progress)
    if as_json:
        print_json(report)
    else:
        print_tables(_table(report))
    require_verified(report, f"{bitstream} is not verified to hold {model}")
    click.echo(f"verified: {bitstream} holds all {report['weights']:,} weights of {report['network']}", err=as_json)


def _table(report: dict[str, Any]) -> "Table":
    """One row for each layer, and what was read back in the caption."""
    from rich.table import Table

    table = Table(title=f"{report['network']} in {report['bitstream']} ({report['device']})", title_justify="left")
    table.add_column("layer")
    for column in ("weights", "nonzero", "equal"):
        table.add_column(column, justify="right")
    table.add_column("read-back")
    for layer in report["layers"]:
        table.add_row(layer["name"], *(f"{layer[key]:,}" for key in ("weights", "nonzero", "equal")), VERDICTS[layer["verdict"]])
    block_bits, lut_bits = (sum(rom[key] for rom in report["roms"]) for key in ("block_bits", "logic_bits"))
    cases = sum(check["cases"] for rom in report["roms"] for check in rom["tables"])
    table.caption = (
        f"{block_bits:,} ROM bits read from block RAM, {lut_bits:,} from look-up tables; {cases:,} cases of decoder logic checked"
    )
    table.caption_justify = "left"
    return table
