# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Which devices there are."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from serial.tools.list_ports import comports

from ..errors import FirebrickError
from ..link.identity import Identity
from .channel import RETRIES, Channel
from .serialline import SerialLine


@dataclass(frozen=True)
class Found:
    """A serial port and what is behind it."""

    address: str
    """As ``open_device`` takes it."""
    description: str
    """What the system says of the port."""
    identity: Identity | None
    """None where no device of ours answers."""
    problem: str = ""
    """Why not, in a sentence."""


def serial_ports() -> list[tuple[str, str]]:
    """Name and description of each serial port that the system knows, by name."""
    return sorted((port.device, port.description) for port in comports())


def find_devices(ports: Iterable[tuple[str, str]], tell: Callable[[str], None]) -> list[Found]:
    """Ask each port's device what it is; a second or two for each that does not answer. ``tell`` gets the name of each port.

    What is asked is a few bytes at 115,200 bits a second; a port that another program has open is left alone.
    """
    found = []
    for port, description in ports:
        tell(port)
        address, identity, problem = f"serial:{port}", None, ""
        try:
            line = SerialLine(port)
            try:
                identity = Channel(line).identify(RETRIES)
            finally:
                line.close()
        except FirebrickError as error:
            problem = str(error)
        found.append(Found(address, description, identity, problem))
    return found
