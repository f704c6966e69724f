# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Devices by their addresses."""

from ..catalogue import DEFAULT_LANES
from ..errors import FirebrickError
from ..model import Model
from ..progress import Report
from .device import Device
from .golden import GoldenDevice
from .linked import LinkedDevice
from .transport import Transport

KINDS = "golden, sim, serial:PORT (such as serial:/dev/ttyUSB0), usb (or usb:PLACE, such as usb:1-2)"
"""The addresses there are, for help and messages."""


def open_device(address: str, model: Model, *, lanes: int = DEFAULT_LANES, progress: Report | None = None) -> Device:
    """The device at an address, which runs ``model``.

    ``golden`` is the golden model; ``sim`` the virtual board, with so many multiplier ``lanes``, which takes minutes to build for the
    first time (``progress`` is told); all others are boards, see ``open_line``.

    Raises FirebrickError for an address of no known kind, a device that cannot be reached, and one that runs another model.
    """
    if address == "golden":
        return GoldenDevice(model)
    if address == "sim":
        from firebrick.sim.board import VirtualBoard

        return LinkedDevice(model, VirtualBoard(model, lanes=lanes, progress=progress))
    return LinkedDevice(model, open_line(address))


def open_line(address: str) -> Transport:
    """What carries bytes to the board at an address: ``serial:PORT``, ``usb:PLACE``, or ``usb``, which is the only board on USB.

    Raises FirebrickError for an address of another kind, and where there is no such line or it cannot be opened.
    """
    kind, _, rest = address.partition(":")
    if kind == "serial" and rest:
        from .serialline import SerialLine

        return SerialLine(rest)
    if kind == "usb" and (rest or address == kind):
        try:
            from .usbline import UsbLine
        except ModuleNotFoundError as problem:
            raise FirebrickError(f"device {address}: pyusb, which speaks to boards on USB, is missing; install firebrick[usb]") from problem
        return UsbLine(rest)
    raise FirebrickError(f"device {address}: there is no such kind of device; known: {KINDS}")
