# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""How to build a bitstream."""

from dataclasses import dataclass

from ...sw.fpga.peripherals import NONE, Peripherals


@dataclass(frozen=True)
class Options:
    """Options of a build."""

    frequency: float
    """The target of the accelerator's clock, in Hz. The PLL may make, and the build then meets, up to 5 % less."""
    seed: int = 1
    placer: str = "heap"
    router: str = ""
    """nextpnr's router; empty for the family's default."""
    more_seeds: tuple[int, ...] = ()
    """Seeds to try besides the first; the fastest result is kept."""
    jobs: int = 1
    """Seeds to place and route in parallel."""
    link: str | None = None
    """The link to the host, ``uart`` or ``usb``; None for the board's default."""
    cycles: int | None = None
    """Cycles of a frame, as simulated; None for those of the plan."""
    reloadable: bool = False
    """Weights and device descriptor can be reloaded in the finished bitstream."""
    peripherals: Peripherals = NONE
    """A camera and a display beside the accelerator."""
