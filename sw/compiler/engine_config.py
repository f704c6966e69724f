# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""How one engine is built: its lanes, its partitions and its memories."""

from dataclasses import dataclass
from typing import TypeAlias

StreamLayout: TypeAlias = tuple[int, int]
"""Lanes of a stream's words, and words of a row of one channel."""
INPUT_LAYOUT: StreamLayout = (1, 1)


@dataclass(frozen=True)
class EngineConfig:
    """What one engine gets."""

    lanes: int
    """Pixels that each of its parts multiplies at a time (P)."""
    partitions: int = 1
    """Parts that its filters are dealt to (S)."""
    paired: bool = False
    """Parts two and two read one line buffer."""
    distributed: bool = False
    """The line buffer lies in distributed RAM, however large."""
    serialized: bool = False
    """Its words are sent pixel by pixel to the pooling behind it, which then needs a single lane."""
    lut_multipliers: bool = False
    """Its multipliers are made of LUTs."""
