# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What the link to the host takes, and what it leaves of a device."""

from .fabric import ECP5, Fabric
from .memory_shapes import scores_in_lut_ram
from .node_costs import scaled
from .resources import Resources

LINKS = {"uart": Resources(luts=1600, block_rams=2), "usb": Resources(luts=3600, block_rams=5)}
"""Resources by transport in an ECP5, from the builds of the README, rounded up (tests/hw/link/test_link_resources.py)."""
SMALL_FIFOS = 4
"""Its small FIFOs: block RAMs in a family without distributed RAM."""


def link_resources(link: str, fabric: Fabric = ECP5, *, reloadable: bool = False, classes: int | None = None) -> Resources:
    """What the link takes.

    In a reloadable design the device descriptor takes a block RAM; few classes save one, as their scores lie in distributed RAM.
    """
    fifos = 0 if fabric.lut_ram else SMALL_FIFOS
    saved = classes is not None and scores_in_lut_ram(classes, fabric)
    return scaled(LINKS[link], fabric) + Resources(block_rams=fifos + int(reloadable) - int(saved))


def available_beside_link(available: Resources, link: str = "uart", fabric: Fabric = ECP5, *, reloadable: bool = False) -> Resources:
    """What the link leaves of a device."""
    taken = link_resources(link, fabric, reloadable=reloadable)
    return Resources(max(0, available.luts - taken.luts), max(0, available.block_rams - taken.block_rams), available.multipliers)
