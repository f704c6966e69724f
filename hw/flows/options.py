# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""How a bitstream is to be built."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """How to build."""

    frequency: float
    """Of the accelerator's clock, in Hz; what is made of it, and met, may be up to 5 % less."""
    seed: int = 1
    placer: str = "heap"
    router: str = ""
    """Unless given, the one that suits the family."""
    more_seeds: tuple[int, ...] = ()
    """Seeds to try besides the first; the fastest result is kept."""
    jobs: int = 1
    """Placements at a time."""
    link: str | None = None
    """What carries bytes to the host: ``uart`` or ``usb``; what the board has unless given, ``uart`` where it has both."""
    cycles: int | None = None
    """Of a frame, as simulated; those of the plan unless given."""
    swappable: bool = False
    """What the device says of its model can be replaced in the bitstream."""
