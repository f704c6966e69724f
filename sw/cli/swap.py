# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick swap`: other weights put into a finished bitstream."""

from pathlib import Path

import click

from ..errors import FirebrickError
from ..zoo import catalogue
from .common import json_option, model_option, print_json
from .prove import _judge, _progress, _prove, _record, _recorded, bitstream_option


@click.command("swap")
@bitstream_option
@model_option
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="OUT.bit", help="The bitstream to write.")
@json_option
def command(bitstream: Path, model: str, output: Path, as_json: bool) -> None:
    """Replace the weights in a finished bitstream, without placement and routing.

    The bitstream must have been built with --swappable, which keeps all ROMs, and the model's checksum that the board tells the host, in
    block RAM. The model must fit what is in logic: the same network, biases, shifts and codebooks, no weight where the old model has a
    zero without an entry, and code words that fill as many ROM words as before. Otherwise the command says what does not fit. The
    result is proven to hold the model before it is written.

    \b
    Example: firebrick swap --bitstream build/ulx3s_85f/firebrick.bit --model tuned.fire -o tuned.bit
    """
    from firebrick.hw.verify.ecp5_bitstream import pack, read_bitstream, unpack
    from firebrick.hw.verify.weight_reload import reload_weights

    from ..utils.atomic_files import write_atomically

    loaded, (parts, identity) = catalogue.load(model), _recorded(bitstream)
    with _progress() as progress:
        before = read_bitstream(bitstream)
        configuration = unpack(before, bitstream.name, progress)
        after = reload_weights(configuration, parts, loaded, identity)
        if pack(configuration.text, bitstream.name, progress) != before:
            raise FirebrickError(f"{bitstream} has settings that packing it again would lose; build a bitstream for the model")
        data = pack(after, output.name, progress)
        report = _prove(data, output.name, parts, identity, loaded, progress)
    _judge(report, "the swapped bitstream is not proven to hold the model, and was not written")
    write_atomically(_record(output), _record(bitstream).read_bytes())
    write_atomically(output, data)
    if as_json:
        print_json(report)
    click.echo(f"wrote {output}: proven to hold all {report['weights']:,} weights of {model}", err=as_json)
