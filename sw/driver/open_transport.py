# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Devices by their addresses."""

from ..errors import FirebrickError
from .transport import Transport

ADDRESS_KINDS = "golden, sim, serial:PORT (such as serial:/dev/ttyUSB0), usb (or usb:PLACE, such as usb:1-2)"
"""The addresses there are, for help and messages."""


def open_transport(address: str) -> Transport:
    """What carries bytes to the board at an address: ``serial:PORT``, ``usb:PLACE``, or ``usb``, which is the only board on USB.

    Raises FirebrickError for an address of another kind, and where there is no such line or it cannot be opened.
    """
    kind, _, rest = address.partition(":")
    if kind == "serial" and rest:
        from .serial_transport import SerialTransport

        return SerialTransport(rest)
    if kind == "usb" and (rest or address == kind):
        try:
            from .usb_transport import UsbTransport
        except ModuleNotFoundError as problem:
            raise FirebrickError(f"device {address}: pyusb, which speaks to boards on USB, is missing; install firebrick[usb]") from problem
        return UsbTransport(rest)
    raise FirebrickError(f"device {address}: there is no such kind of device; known: {ADDRESS_KINDS}")
