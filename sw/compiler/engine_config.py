# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""How one engine is configured: lanes, partitions, memories and multipliers."""

from dataclasses import dataclass
from typing import TypeAlias

StreamLayout: TypeAlias = tuple[int, int]
"""Lanes of a stream's words, and words of one row of one channel."""
INPUT_LAYOUT: StreamLayout = (1, 1)
"""Stands for the layout in front of the first engine, whose pixels come one by one."""
SQUEEZE_SLOTS = 4
"""Input channels that a squeeze engine's buffer holds for each partition in front of it: the rate of a source varies by filter."""


@dataclass(frozen=True)
class EngineConfig:
    """The degrees of freedom of one engine."""

    lanes: int
    """Pixels that each partition multiplies in a cycle (P)."""
    partitions: int = 1
    """Partitions that its filters are distributed over (S)."""
    paired: bool = False
    """Every two partitions read one line buffer."""
    distributed: bool = False
    """The line buffer lies in distributed RAM, however large it is."""
    serialized: bool = False
    """A serialiser sends its output pixel by pixel to the pooling behind it, which then needs a single lane."""
    lut_multipliers: bool = False
    """Its multipliers are made of LUTs."""
    fast: bool = False
    """Its lanes run at twice the clock and multiply two tiles in a cycle."""

    @property
    def wide_words(self) -> bool:
        """A word of the line buffer holds both tiles of fast lanes, so that it is read at the slow clock (``ConvSpec.wide_words``)."""
        return self.fast and (self.paired or self.distributed)

    def buffer_tiles(self, tiles: int, stride: int) -> int:
        """Words of a row of one channel in a convolution's line buffer, for rows of ``tiles`` in the output."""
        return -(-tiles * stride // 2) if self.wide_words else tiles * stride
