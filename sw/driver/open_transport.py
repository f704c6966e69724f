# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Transports by their addresses."""

from ..errors import FirebrickError
from ..utils.distribution import install_extra
from .transport import Transport

SERVER_SCHEMES = ("socket://", "rfc2217://")
"""How addresses of serial ports of other machines begin: a TCP connection that carries the bytes alone, and RFC 2217."""
ADDRESS_KINDS = (
    "golden, sim, serial:PORT (such as serial:/dev/ttyUSB0), socket://HOST:PORT or rfc2217://HOST:PORT (a serial port of another machine), "
    "usb (or usb:PLACE, such as usb:1-2)"
)
"""The kinds of addresses, for help texts and messages."""


def open_transport(address: str) -> Transport:
    """Open the transport to the board at an address: ``serial:PORT``, ``usb:PLACE``, or ``usb`` for the only board on USB.

    PORT may also be the URL of a port of another machine, ``socket://HOST:PORT`` or ``rfc2217://HOST:PORT``, and ``serial:`` be left out.

    Raises FirebrickError for an address of another kind, and where the port does not exist or cannot be opened.
    """
    kind, _, rest = address.partition(":")
    port = rest if kind == "serial" else address
    if port.startswith(SERVER_SCHEMES):
        from .serial_server_transport import SerialServerTransport

        return SerialServerTransport(port)
    if kind == "serial" and rest:
        from .serial_transport import SerialTransport

        return SerialTransport(rest)
    if kind == "usb" and (rest or address == kind):
        try:
            from .usb_transport import UsbTransport
        except ModuleNotFoundError as error:
            raise FirebrickError(f"device {address}: pyusb, which accesses boards on USB, is missing; {install_extra('usb')}") from error
        return UsbTransport(rest)
    raise FirebrickError(f"device {address}: there is no such kind of device; known: {ADDRESS_KINDS}")
