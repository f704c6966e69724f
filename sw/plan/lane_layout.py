# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""How the columns of a feature map are laid out in the beats of a stream.

A beat holds one pixel for each lane. Lane l owns the strip of columns l*tiles .. l*tiles + tiles-1, and tile t holds column t of every
strip. A row of 11 columns in 3 lanes and 4 tiles::

                  lane 0  lane 1  lane 2
    beat (tile) 0    0       4       8
    beat (tile) 1    1       5       9
    beat (tile) 2    2       6      10
    beat (tile) 3    3       7       -   beyond the map: always zero

So a neighbouring column is in the same lane of the next beat; only at the end of a strip is it in the next lane.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LaneLayout:
    """The layout of one channel's row: ``tiles`` beats of ``lanes`` pixels, sent in the order ``order``."""

    lanes: int
    """Pixels in a beat."""
    width: int
    """Columns of the map; at most lanes * tiles."""
    order: tuple[int, ...]
    """The tile of each beat of a row; a permutation of 0 .. tiles-1."""

    def __post_init__(self) -> None:
        if sorted(self.order) != list(range(len(self.order))):
            raise ValueError(f"order must be a permutation, not {self.order}")
        if not 0 < self.width <= self.lanes * self.tiles:
            raise ValueError(f"width must be 1 to {self.lanes * self.tiles}, not {self.width}")

    @classmethod
    def natural(cls, *, lanes: int, tiles: int, width: int) -> "LaneLayout":
        """A layout whose tiles are sent from first to last."""
        return cls(lanes, width, tuple(range(tiles)))

    @property
    def tiles(self) -> int:
        """Beats in a row of one channel."""
        return len(self.order)

    @property
    def is_natural(self) -> bool:
        """Whether tiles are sent from first to last."""
        return self.order == tuple(range(self.tiles))

    def downsized(self, lanes: int) -> "LaneLayout":
        """The same columns in beats of fewer lanes: each beat is split into ``ratio`` beats.

        New lane l owns the strips of the old lanes l*ratio .. l*ratio + ratio-1. The pixels of these lanes in old tile t become the tiles
        t, t + tiles, t + 2*tiles ... of new lane l, and are sent one after the other.

        Raises ValueError when ``lanes`` does not divide the present number of lanes.
        """
        if self.lanes % lanes:
            raise ValueError(f"lanes must divide {self.lanes}, not {lanes}")
        ratio = self.lanes // lanes
        return LaneLayout(lanes, self.width, tuple(part * self.tiles + tile for tile in self.order for part in range(ratio)))

    def lanes_for(self, tiles: int) -> int:
        """To how many lanes this layout must be downsized for the line buffer of an engine with strips of ``tiles`` columns.

        The buffer writes a beat to one address, so all its pixels must lie in one of the buffer's tiles. For strips of one column it packs
        single pixels instead.
        """
        if tiles == 1 < self.tiles:
            return 1
        divisors = (lanes for lanes in range(self.lanes, 0, -1) if self.lanes % lanes == 0)
        return next(lanes for lanes in divisors if lanes == 1 or self.lanes // lanes * self.tiles % tiles == 0)

    @cached_property
    def columns(self) -> NDArray[np.int64]:
        """The column of each pixel, shape (tiles, lanes), beats in stream order."""
        return np.asarray(self.order)[:, None] + self.tiles * np.arange(self.lanes)[None, :]

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Which pixels lie within the map, shape (tiles, lanes), beats in stream order."""
        return self.columns < self.width

    def pack(self, row: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The beats of a row: (channels, width) to (channels, tiles, lanes)."""
        padded = np.pad(row, ((0, 0), (0, self.lanes * self.tiles - self.width)))
        return np.asarray(padded[:, self.columns])

    def unpack(self, beats: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The row that beats hold: (channels, tiles, lanes) to (channels, width); the inverse of ``pack``."""
        row = np.empty((len(beats), self.lanes * self.tiles), np.uint8)
        row[:, self.columns] = beats
        return row[:, : self.width]
