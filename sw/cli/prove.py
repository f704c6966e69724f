# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick prove`: what weights a finished bitstream holds."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import FirebrickError
from ..utils.progress import Progress
from ..zoo import catalogue
from .common import json_option, print_json, print_tables, progress_bar

if TYPE_CHECKING:
    from rich.table import Table

    from firebrick.hw.verify.identity import PlacedIdentity
    from firebrick.hw.verify.rom_map import PlacedRom

    from ..model.quantized import Model

RECORD_MAX = 1 << 28
REASONS = 3
"""Most that a refusal names."""

bitstream_option = click.option(
    "--bitstream", type=click.Path(path_type=Path), required=True, metavar="B.bit", help="What `firebrick bitstream` wrote."
)


@click.command("prove")
@bitstream_option
@click.option(
    "--model", metavar="M", help="A .fire file, or a name that `firebrick models` lists; model.fire beside the bitstream unless given."
)
@json_option
def command(bitstream: Path, model: str | None, as_json: bool) -> None:
    """Prove that a finished bitstream holds a model, every weight of it.

    The contents of block RAMs and look-up tables are read back out of the bitstream. The weight ROMs are decoded to integers and compared
    with the model's, layer by layer; what decoders have in logic (code words, gaps, codebooks, the order of filters, biases) is
    compared too, case by case, and so is what the board tells the host of its model, where --swappable keeps that in block RAM. Where
    each of them lies is told by B.roms.json, which the build wrote beside the bitstream. Exits with status 1 unless all is proven.

    \b
    Example: firebrick prove --bitstream build/ulx3s_85f/firebrick.bit --model squeezenet1_1_small
    """
    from firebrick.hw.verify.ecp5_bitstream import read_bitstream

    model = model or str(bitstream.with_name("model.fire"))
    with _progress() as progress:
        report = _prove(read_bitstream(bitstream), bitstream.name, *_recorded(bitstream), catalogue.load(model), progress)
    if as_json:
        print_json(report)
    else:
        print_tables(_table(report))
    _judge(report, f"{bitstream} is not proven to hold {model}")
    click.echo(f"proven: all {report['weights']:,} weights of {report['network']} are in {bitstream}", err=as_json)


def _prove(
    data: bytes, name: str, parts: "list[PlacedRom]", identity: "PlacedIdentity | None", model: "Model", progress: "Progress"
) -> dict[str, Any]:
    from firebrick.hw.verify.ecp5_bitstream import unpack
    from firebrick.hw.verify.weight_verification import verify_weights

    configuration = unpack(data, name, progress)
    progress("decoding")
    return {"bitstream": name} | verify_weights(configuration, parts, model, identity)


def _record(bitstream: Path) -> Path:
    return bitstream.with_suffix(".roms.json")


def _recorded(bitstream: Path) -> "tuple[list[PlacedRom], PlacedIdentity | None]":
    """What the build kept beside a bitstream."""
    from firebrick.hw.verify.identity import identity_from_record
    from firebrick.hw.verify.rom_map import DAMAGED, roms_from_record

    from ..utils.atomic_files import read_limited

    path = _record(bitstream)
    try:
        document = json.loads(read_limited(path, RECORD_MAX, "the record that `firebrick bitstream` wrote beside the bitstream"))
        return roms_from_record(document), identity_from_record(document)
    except (ValueError, RecursionError) as error:
        raise error if isinstance(error, FirebrickError) else FirebrickError(f"{path}: {DAMAGED}") from error


@contextmanager
def _progress() -> "Iterator[Progress]":
    """Progress; gates in a record that go on and on, as no design's do, are refused."""
    from firebrick.hw.verify.rom_map import DAMAGED

    try:
        with progress_bar() as progress:
            progress("reading")
            yield progress
    except RecursionError as error:
        raise FirebrickError(DAMAGED) from error


def _judge(report: dict[str, Any], complaint: str) -> None:
    """Raise FirebrickError unless all is proven."""
    if not report["proven"]:
        told = [report["identity"]] if report["identity"] else []
        reasons = list(dict.fromkeys(f"{one['name']}: {reason}" for one in (*told, *report["layers"]) for reason in one["reasons"]))
        more = f" and {len(reasons) - REASONS} more" if len(reasons) > REASONS else ""
        raise FirebrickError(f"{complaint}: {'; '.join(reasons[:REASONS])}{more}")


def _table(report: dict[str, Any]) -> "Table":
    from rich.table import Table

    table = Table(title=f"{report['network']} in {report['bitstream']} ({report['device']})", title_justify="left")
    table.add_column("layer")
    for column in ("weights", "not zero", "read back equal"):
        table.add_column(column, justify="right")
    table.add_column("")
    for layer in report["layers"]:
        table.add_row(layer["name"], *(f"{layer[key]:,}" for key in ("weights", "nonzero", "equal")), layer["verdict"])
    blocks, logic = (sum(rom[kind] for rom in report["roms"]) for kind in ("block_bits", "logic_bits"))
    cases = sum(table["cases"] for rom in report["roms"] for table in rom["tables"])
    table.caption = f"{blocks:,} bits read from block RAM and {logic:,} from look-up tables, {cases:,} cases of tables in logic checked"
    table.caption_justify = "left"
    return table
