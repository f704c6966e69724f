# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""How the columns of a feature map are laid out in the words of a stream.

A word holds one pixel for each lane. Lane l owns the strip of columns l*tiles .. l*tiles+tiles-1, and tile t is column t of every
strip, so a neighbouring column is the next word, and only at the ends of strips does a pixel come from the lane beside. Columns
beyond the map's width are zero, always.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LaneLayout:
    """The layout of a row of one channel: ``tiles`` words of ``lanes`` pixels, sent in the order ``order``."""

    lanes: int
    """Pixels in a word."""
    width: int
    """Columns of the map; at most lanes * tiles."""
    order: tuple[int, ...]
    """The tile that each word of a row holds; a permutation of 0 .. tiles-1."""

    def __post_init__(self) -> None:
        if sorted(self.order) != list(range(len(self.order))):
            raise ValueError(f"order must be a permutation, not {self.order}")
        if not 0 < self.width <= self.lanes * self.tiles:
            raise ValueError(f"width must be 1 to {self.lanes * self.tiles}, not {self.width}")

    @classmethod
    def natural(cls, *, lanes: int, tiles: int, width: int) -> "LaneLayout":
        """Strips whose tiles are sent from first to last."""
        return cls(lanes, width, tuple(range(tiles)))

    @property
    def tiles(self) -> int:
        """Words in a row of one channel."""
        return len(self.order)

    @property
    def is_natural(self) -> bool:
        """Whether tiles are sent from first to last."""
        return self.order == tuple(range(self.tiles))

    def downsized(self, lanes: int) -> "LaneLayout":
        """The same columns in words of fewer lanes, each word sent as several.

        Lane l of the narrower word holds the strips of old lanes l*m .. l*m+m-1 (m the ratio), so word t becomes the words of tiles
        t, t + tiles, t + 2*tiles and so on: old lanes l*m + j for j = 0, 1, ...
        """
        if self.lanes % lanes:
            raise ValueError(f"lanes must divide {self.lanes}, not {lanes}")
        return LaneLayout(lanes, self.width, tuple(j * self.tiles + tile for tile in self.order for j in range(self.lanes // lanes)))

    def lanes_for(self, tiles: int) -> int:
        """As many of its lanes as words should have for an engine with strips of ``tiles`` columns.

        All pixels of a word must lie in one tile. Strips of one column are put together from single pixels.
        """
        if tiles == 1 < self.tiles:
            return 1
        divisors = (lanes for lanes in range(self.lanes, 0, -1) if self.lanes % lanes == 0)
        return next(lanes for lanes in divisors if lanes == 1 or self.lanes // lanes * self.tiles % tiles == 0)

    @cached_property
    def columns(self) -> NDArray[np.int64]:
        """The column of each pixel, shape (tiles, lanes), words in the order they are sent."""
        return np.asarray(self.order)[:, None] + self.tiles * np.arange(self.lanes)[None, :]

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Which pixels lie within the map, shape (tiles, lanes), words in the order they are sent."""
        return self.columns < self.width

    def pack(self, row: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The words of a row: (channels, width) to (channels, tiles, lanes)."""
        padded = np.pad(row, ((0, 0), (0, self.lanes * self.tiles - self.width)))
        return np.asarray(padded[:, self.columns])

    def unpack(self, words: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The row that words hold: (channels, tiles, lanes) to (channels, width)."""
        row = np.empty((len(words), self.lanes * self.tiles), np.uint8)
        row[:, self.columns] = words
        return row[:, : self.width]
