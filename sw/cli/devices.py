# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick devices`: list the connected boards."""

from dataclasses import asdict

import click

from .common import json_option, print_json, print_tables, progress_bar

ADDRESS_PREFIXES = ("serial:", "usb")
"""Prefixes of the addresses of boards; anything else is a serial port."""


@click.command("devices")
@json_option
@click.argument("ports", nargs=-1, metavar="[PORT...]")
def command(as_json: bool, ports: tuple[str, ...]) -> None:
    """List the connected boards and the networks that they run.

    Asks every serial port, at 115,200 bits per second, and every board on USB for its device descriptor; or only each PORT given, a serial
    port or an address. The JSON document is a list of {address, description, identity, problem}; identity is the descriptor, or null
    where no board of ours answers.

    \b
    Example: firebrick devices
    """
    from rich.table import Table

    from ..driver.discovery import find_devices, serial_ports, usb_boards

    with progress_bar() as progress:
        progress("looking for boards")
        given = [(port if port.startswith(ADDRESS_PREFIXES) else f"serial:{port}", "") for port in ports]
        devices = find_devices(given or [*serial_ports(), *usb_boards()], progress)
    if as_json:
        print_json([{**asdict(device), "identity": device.identity.as_dict() if device.identity else None} for device in devices])
        return
    if not devices:
        click.echo("No serial port and no board on USB was found; connect a board, or use the device golden or sim.")
        return
    table = Table("address", "network", "input", "classes", "lanes", "clock", "model")
    for device in devices:
        if device.identity is None:
            table.add_row(device.address, "no board of ours answers")
            continue
        descriptor = device.identity
        shape = f"{descriptor.channels} x {descriptor.rows} x {descriptor.columns}"
        numbers = f"{descriptor.classes:,}", f"{descriptor.lanes:,}", f"{descriptor.clock / 1e6:.1f} MHz"
        table.add_row(device.address, descriptor.network, shape, *numbers, descriptor.checksum.hex()[:8])
    print_tables(table, least=("classes", "input", "clock", "lanes"))
    for device in devices:
        if device.problem and (ports or device.address.startswith("usb")):  # a serial port that nobody named need not have a board
            click.echo(device.problem, err=True)
