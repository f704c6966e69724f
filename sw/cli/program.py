# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick program`: load a bitstream into a board."""

from pathlib import Path

import click

from .board_choice import BOARD
from .common import json_option, print_json


@click.command("program")
@click.option("--board", default=BOARD, show_default=True, metavar="B", help="A board that `firebrick boards` lists.")
@click.option("--flash", is_flag=True, help="Write it to the flash, so that it survives power cycles.")
@click.option("--loader-board", metavar="NAME", help="openFPGALoader's name of the board, such as ecpix5 for an ECPIX-5 of revision 02.")
@click.option("--cable", metavar="NAME", help="openFPGALoader's name of the programming cable, if it is not the board's own.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="Folder with the bitstream.  [default: build/BOARD]")
@json_option
def command(board: str, flash: bool, loader_board: str | None, cable: str | None, output: Path | None, as_json: bool) -> None:
    """Load the bitstream that `firebrick bitstream` made into a board, with openFPGALoader.

    `openFPGALoader --list-boards` and `--list-cables` list the names that --loader-board and --cable take. The JSON document is {board,
    bitstream, flash}.

    \b
    Example: firebrick program --board ulx3s_85f
    """
    from firebrick.hw.boards.programmer import program
    from firebrick.hw.boards.registry import board as find_board

    target = find_board(board)
    bitstream = (output or Path("build") / board) / target.flow.bitstream
    program(target, bitstream, flash=flash, loader_board=loader_board, cable=cable)
    if as_json:
        print_json({"board": board, "bitstream": str(bitstream), "flash": flash})
    else:
        click.echo(f"{board} runs {bitstream}")
