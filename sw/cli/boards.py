# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick boards`: the known boards, and the tools for their bitstreams."""

import click

from .common import json_option, print_json, print_tables


@click.command("boards")
@click.option("--open", "only_open", is_flag=True, help="Only boards with open tools.")
@json_option
def command(only_open: bool, as_json: bool) -> None:
    """List the boards of amaranth-boards, the resources of their FPGAs, and the tools that make their bitstreams.

    With open tools, `firebrick bitstream` makes a finished bitstream. With a vendor's tools it does so if they are on the PATH, and
    otherwise writes a project for them. The JSON document is a list of {name, part, family, luts, lut_inputs, block_rams, block_ram_bits,
    multipliers, clock_mhz, links, tools, open, extra, missing, lacks}: links are the possible links to the host, extra is the pip extra
    that installs the open tools, missing are the programs that are not installed, and lacks is what the accelerator needs and the board
    does not have, or null.

    \b
    Example: firebrick boards --open
    """
    from rich.table import Table

    from firebrick.hw.boards.inventory import board_inventory

    inventory = [board for board in board_inventory() if board["open"] or not only_open]
    if as_json:
        print_json(inventory)
        return
    table = Table(title=f"{len(inventory)} boards", title_justify="left")
    for column in ("board", "FPGA", "family"):
        table.add_column(column)
    for column in ("LUTs", "block RAMs", "multipliers", "clock, MHz"):
        table.add_column(column, justify="right")
    table.add_column("link")
    table.add_column("bitstream", min_width=14)
    for board in inventory:
        counts = ("" if board[kind] is None else f"{board[kind]:,}" for kind in ("luts", "block_rams", "multipliers"))
        clock = "" if board["clock_mhz"] is None else f"{board['clock_mhz']:g}"
        table.add_row(board["name"], board["part"], board["family"] or "", *counts, clock, ", ".join(board["links"]), _tools(board))
    print_tables(table, least=("family", "clock, MHz", "link", "multipliers", "block RAMs"))


def _tools(board: dict[str, object]) -> str:
    """The tools that make a board's bitstream, or why there is none."""
    if board["lacks"]:
        return f"no: lacks {board['lacks']}"
    return f"{board['tools']}, not found" if board["missing"] else str(board["tools"])
