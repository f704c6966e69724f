# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What decides the size of an engine: the inputs of the cost model.

They come from a compiled plan (``cost_model.estimate``), or as an approximation from a layer before it is compiled
(``sw/compiler/workload_resources.py``); the same function turns either into resources.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_


@dataclass(frozen=True)
class PartitionFeatures:
    """One partition of an engine, without its line buffer."""

    lanes: int
    tiles: int
    rom_bits: int
    """Bits of weight and zero-run codes."""
    lut_rom_bits: int
    """Bits up to which the last bank of the ROM is a LUT ROM."""
    zero_run_code_bits: int
    """Bits of the longest zero-run code word; 0 without zero runs."""
    filters: int
    init_bits: int
    """Bits of an accumulator's initial value that are not zero in all filters."""
    accumulator_bits: int
    accumulators: int
    """Words of the accumulator memory, for each lane."""
    squeeze: bool
    halo: bool
    """Lanes read columns of their neighbours."""
    lut_multipliers: bool
    fast: bool = False
    """Lanes at twice the clock."""
    wide_words: bool = False
    """These select their column from a word with both tiles."""


@dataclass(frozen=True)
class BufferFeatures:
    """A line buffer."""

    depth: int
    width: int
    """Bits of a word."""
    lanes: int
    shared: bool = False
    """Two partitions read it."""
    distributed: bool = False
    """It lies in distributed RAM, however large it is."""


@dataclass(frozen=True)
class EngineFeatures:
    """An engine: partitions, line buffers and the interleaver of their outputs."""

    partitions: tuple[tuple[PartitionFeatures, int], ...]
    """Each with how many there are of it."""
    buffers: tuple[tuple[BufferFeatures, int], ...]
    """Each with how many there are of it."""
    interleaver_lanes: int | None
    """Lanes of the interleaved stream; None for an interleaver of average width."""

    @property
    def partition_count(self) -> int:
        """Number of partitions."""
        return sum(count for _, count in self.partitions)


def conv_accumulators(tiles: int, fast: bool) -> int:
    """Words of a convolution's accumulator memory: one for each tile; fast lanes keep those of two tiles in registers."""
    return 1 if fast and tiles <= 2 else tiles


def significant_bits(values: Iterable[int], width: int) -> int:
    """Bits of values of this width, without the low-order ones that are zero in all of them."""
    union = reduce(or_, values, 0)
    lowest = (union & -union).bit_length() - 1
    return width - min(width, lowest) if union else 0
