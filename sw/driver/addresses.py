# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Devices by their addresses."""

from ..errors import FirebrickError
from ..model import Model
from .device import Device
from .golden import GoldenDevice


def open_device(address: str, model: Model) -> Device:
    """The device at an address, which runs ``model``: ``golden``.

    Raises FirebrickError for an address of no known kind.
    """
    if address == "golden":
        return GoldenDevice(model)
    raise FirebrickError(f"device {address}: there is no such kind of device; known: golden")
