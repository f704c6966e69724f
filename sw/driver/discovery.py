# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Discovery of the devices that are connected."""

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
    """A serial port or a device on USB, and the board behind it."""

    address: str
    """Address, as ``open_device`` takes it."""
    description: str
    """Description by the operating system."""
    identity: DeviceDescriptor | None
    """The descriptor that the device reports; None where no board of ours answers."""
    problem: str = ""
    """Why no board answers, in a sentence."""


def serial_ports() -> list[tuple[str, str]]:
    """Address and description of each serial port of the system, sorted by name."""
    return sorted((f"serial:{port.device}", port.description) for port in comports())


def usb_boards() -> list[tuple[str, str]]:
    """Address and description of each board on USB; none without the extra ``usb``. Raises FirebrickError where USB cannot be used."""
    try:
        from .usb_transport import description, usb_devices
    except ModuleNotFoundError:
        return []
    return sorted((address, description(device)) for address, device in usb_devices().items())


def find_devices(addresses: Iterable[tuple[str, str]], progress: Progress = no_progress) -> list[DiscoveredDevice]:
    """Ask each device for its descriptor; an address without an answer takes a second or two.

    The request is a few bytes long, and goes over a serial port at 115,200 bits per second. A port that another program has open is not
    disturbed.

    Parameters
    ----------
    addresses: pairs of address and description
    progress: called with each address before it is asked
    """
    devices = []
    for address, description in addresses:
        progress(f"asking {address}")
        descriptor, problem = None, ""
        try:
            transport = open_transport(address)
            try:
                descriptor = Session(transport).identify(PROBE_ATTEMPTS)
            finally:
                transport.close()
        except FirebrickError as error:
            problem = str(error)
        devices.append(DiscoveredDevice(address, description, descriptor, problem))
    return devices
