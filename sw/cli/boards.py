# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick boards`: the boards there are, and whose bitstreams can be made."""

import click

from .common import json_option, print_json, print_tables


@click.command("boards")
@click.option("--open", "only_open", is_flag=True, help="Only those whose bitstreams open tools finish.")
@json_option
def command(only_open: bool, as_json: bool) -> None:
    """List the boards of amaranth-boards, what their FPGAs have, and who makes their bitstreams.

    A board with open tools gets a finished bitstream; another gets one where its vendor's tools are on the PATH, and else a project for
    them. The JSON document is a list of {name, part, family, luts, lut_inputs, block_rams, block_ram_bits, multipliers, clock_mhz,
    links, tools, open, extra, missing, lacks}: links are what can carry bytes to the host, extra is what pip installs the open tools as,
    missing are programs that are not there, and lacks says what the board has not that the accelerator needs, or nothing.

    \b
    Example: firebrick boards --open
    """
    from rich.table import Table

    from firebrick.hw.boards.inventory import board_inventory

    found = [one for one in board_inventory() if one["open"] or not only_open]
    if as_json:
        print_json(found)
        return
    table = Table(title=f"{len(found)} boards", title_justify="left")
    for column in ("board", "FPGA", "family"):
        table.add_column(column)
    for column in ("LUTs", "block RAMs", "multipliers", "clock, MHz"):
        table.add_column(column, justify="right")
    table.add_column("link")
    table.add_column("bitstream")
    for one in found:
        counts = ("" if one[kind] is None else f"{one[kind]:,}" for kind in ("luts", "block_rams", "multipliers"))
        clock = "" if one["clock_mhz"] is None else f"{one['clock_mhz']:g}"
        table.add_row(one["name"], one["part"], one["family"] or "", *counts, clock, ", ".join(one["links"]), _said(one))
    print_tables(table)


def _said(one: dict[str, object]) -> str:
    """How a board's bitstream is made, in a few words."""
    if one["lacks"]:
        return f"no: lacks {one['lacks']}"
    tools, missing = str(one["tools"]), one["missing"]
    return f"{tools}, not found" if missing else f"{tools}"
