# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Devices by their addresses: the golden model, the virtual board and real boards."""

from ..sw.driver.device import Device
from ..sw.driver.golden_device import GoldenDevice
from ..sw.driver.linked_device import LinkedDevice
from ..sw.driver.open_transport import open_transport
from ..sw.model.quantized import Model
from ..sw.utils.progress import Progress, no_progress
from ..sw.zoo.catalogue import DEFAULT_LANES


def open_device(address: str, model: Model, *, lanes: int = DEFAULT_LANES, progress: Progress = no_progress) -> Device:
    """The device at an address, which runs ``model``.

    ``golden`` is the golden model. ``sim`` is the virtual board with ``lanes`` multipliers; building it for the first time takes minutes,
    which ``progress`` reports. All other addresses are those of boards, see ``open_transport``.

    Raises FirebrickError for an unknown kind of address, a device that cannot be reached, and one that runs another model.
    """
    if address == "golden":
        return GoldenDevice(model)
    if address == "sim":
        from .virtual_board import VirtualBoard

        return LinkedDevice(model, VirtualBoard(model, lanes=lanes, progress=progress))
    return LinkedDevice(model, open_transport(address))
