# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick swap`: weight reload, which puts another model's weights into a finished bitstream."""

from pathlib import Path

import click

from ..errors import FirebrickError
from ..zoo import catalogue
from .common import bitstream_option, json_option, model_option, print_json, readback_progress
from .output_paths import OutputFile


@click.command("swap")
@bitstream_option
@model_option
@click.option("-o", "--output", type=OutputFile(), required=True, metavar="OUT.bit", help="The bitstream to write.")
@json_option
def command(bitstream: Path, model: str, output: Path, as_json: bool) -> None:
    """Replace the weights in a finished bitstream, without placement and routing.

    The bitstream must have been built with --swappable, which keeps all weight ROMs and the device descriptor in block RAM. The model
    must fit the logic of the bitstream: the same network, biases, shifts and codebooks; no new nonzero weights where
    the old model has zeros that the ROMs skip; and codes that fill the same number of ROM words. Otherwise the command says what does not
    fit. The new bitstream is verified by read-back before it is written. Beside it are OUT.roms.json and the model: model.fire, or OUT.fire
    if the folder has other bitstreams.

    \b
    Example: firebrick swap --bitstream build/ulx3s_85f/firebrick.bit --model tuned.fire -o tuned.bit
    """
    from firebrick.hw.verify.ecp5_bitstream import pack, read_bitstream, unpack
    from firebrick.hw.verify.readback import new_model_path, read_rom_map, require_verified, rom_map_path, verify_bitstream
    from firebrick.hw.verify.weight_reload import reload_weights

    from ..fire_format.file import encode_model
    from ..utils.atomic_files import write_atomically

    new_model, (roms, descriptor) = catalogue.load(model), read_rom_map(bitstream)
    model_data = encode_model(new_model)
    model_file = new_model_path(output, model_data)
    with readback_progress() as progress:
        old_data = read_bitstream(bitstream)
        configuration = unpack(old_data, bitstream.name, progress)
        new_text = reload_weights(configuration, roms, new_model, descriptor)
        # Unpacking must lose nothing: packing the unchanged text again has to give the same bytes.
        if pack(configuration.text, bitstream.name, progress) != old_data:
            raise FirebrickError(f"{bitstream} has settings that packing it again would lose; build a bitstream for the model")
        new_data = pack(new_text, output.name, progress)
        report = verify_bitstream(new_data, output.name, roms, descriptor, new_model, progress)
    require_verified(report, "the new bitstream is not verified to hold the model, and was not written")
    write_atomically(rom_map_path(output), rom_map_path(bitstream).read_bytes())
    write_atomically(output, new_data)
    write_atomically(model_file, model_data)
    if as_json:
        print_json(report)
    click.echo(f"wrote {output}: verified to hold all {report['weights']:,} weights of {model}; the model is in {model_file}", err=as_json)
