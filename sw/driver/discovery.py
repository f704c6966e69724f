# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Which devices there are."""

from collections.abc import Iterable
from dataclasses import dataclass

from serial.tools.list_ports import comports

from ..errors import FirebrickError
from ..link.identity import DeviceDescriptor
from ..utils.progress import Progress, no_progress
from .open_transport import open_transport
from .session import PROBE_ATTEMPTS, Session


@dataclass(frozen=True)
class DiscoveredDevice:
    """A serial port or a device on USB, and what is behind it."""

    address: str
    """As ``open_device`` takes it."""
    description: str
    """What the system says of it."""
    identity: DeviceDescriptor | None
    """None where no device of ours answers."""
    problem: str = ""
    """Why not, in a sentence."""


def serial_ports() -> list[tuple[str, str]]:
    """Address and description of each serial port that the system knows, by name."""
    return sorted((f"serial:{port.device}", port.description) for port in comports())


def usb_boards() -> list[tuple[str, str]]:
    """Address and description of each board on USB; none without the extra ``usb``. Raises FirebrickError where USB cannot be used."""
    try:
        from .usb_transport import description, usb_devices
    except ModuleNotFoundError:
        return []
    return sorted((address, description(device)) for address, device in usb_devices().items())


def find_devices(addresses: Iterable[tuple[str, str]], progress: Progress = no_progress) -> list[DiscoveredDevice]:
    """Ask the devices at addresses what they are; a second or two for each that does not answer. ``progress`` is called with each address.

    What is asked is a few bytes, on a serial port at 115,200 bits a second; what another program has open is left alone.
    """
    found = []
    for address, description in addresses:
        progress(f"asking {address}")
        identity, problem = None, ""
        try:
            line = open_transport(address)
            try:
                identity = Session(line).identify(PROBE_ATTEMPTS)
            finally:
                line.close()
        except FirebrickError as error:
            problem = str(error)
        found.append(DiscoveredDevice(address, description, identity, problem))
    return found
