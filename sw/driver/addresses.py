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

KINDS = "golden, sim, serial:PORT (such as serial:/dev/ttyUSB0)"
"""The addresses there are, for help and messages."""


def open_device(address: str, model: Model, *, lanes: int = DEFAULT_LANES, progress: Report | None = None) -> Device:
    """The device at an address, which runs ``model``.

    ``golden`` is the golden model; ``sim`` the virtual board, with so many multiplier ``lanes``, which takes minutes to build for the
    first time (``progress`` is told); ``serial:PORT`` a board on a serial port.

    Raises FirebrickError for an address of no known kind, a device that cannot be reached, and one that runs another model.
    """
    kind, _, rest = address.partition(":")
    if address == "golden":
        return GoldenDevice(model)
    if address == "sim":
        from firebrick.sim.board import VirtualBoard

        return LinkedDevice(model, VirtualBoard(model, lanes=lanes, progress=progress))
    if kind == "serial" and rest:
        from .serialline import SerialLine

        return LinkedDevice(model, SerialLine(rest))
    raise FirebrickError(f"device {address}: there is no such kind of device; known: {KINDS}")
