# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick devices`: the boards that are connected."""

from dataclasses import asdict

import click

from .common import json_option, print_json, print_tables, progress_bar

KINDS = ("serial:", "usb")
"""How addresses of boards begin."""


@click.command("devices")
@json_option
@click.argument("places", nargs=-1, metavar="[PORT...]")
def command(as_json: bool, places: tuple[str, ...]) -> None:
    """List the boards that are connected, and what they run.

    Asks what is behind each serial port, at 115,200 bits a second, and each board on USB; or behind each PORT given, a serial port or an
    address. The JSON document is a list of {address, description, identity, problem}; identity is null where no board of ours answers.

    \b
    Example: firebrick devices
    """
    from rich.table import Table

    from ..driver.discovery import find_devices, serial_ports, usb_boards

    with progress_bar() as progress:
        progress("looking for boards")
        given = [(place if place.startswith(KINDS) else f"serial:{place}", "") for place in places]
        found = find_devices(given or [*serial_ports(), *usb_boards()], progress)
    if as_json:
        print_json([{**asdict(each), "identity": each.identity.as_dict() if each.identity else None} for each in found])
        return
    if not found:
        click.echo("No serial port and no board on USB was found; connect a board, or use the device golden or sim.")
        return
    table = Table("address", "network", "input", "classes", "lanes", "clock", "model")
    for each in found:
        if each.identity is None:
            table.add_row(each.address, "no board of ours answers")
            continue
        it = each.identity
        shape = f"{it.channels} x {it.rows} x {it.columns}"
        checksum = it.checksum.hex()[:8]
        table.add_row(each.address, it.network, shape, f"{it.classes:,}", f"{it.lanes:,}", f"{it.clock / 1e6:.1f} MHz", checksum)
    print_tables(table)
    for each in found:
        if each.problem and (places or each.address.startswith("usb")):  # on other serial ports there need not be a board
            click.echo(each.problem, err=True)
