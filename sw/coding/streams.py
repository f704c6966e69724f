# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The encoded weights of one engine."""

from collections.abc import Sequence
from dataclasses import dataclass, field

LUT_ROM_BITS = 8 * 1024
"""Bits up to which the last bank of a ROM is made of logic, unless the plan says otherwise."""


@dataclass(frozen=True)
class HuffmanStream:
    """A Huffman-coded stream in ROM words, read in a circle: after the last symbol, bits up to the next word are skipped."""

    lengths: tuple[int, ...]
    """Code length of each rank, not decreasing: symbols are renamed by rank, so canonical codes need no table of symbols."""
    width: int
    """Bits in a word; at least the longest code."""
    words: Sequence[int] = field(repr=False)
    """Most significant bit first."""
    count: int
    """Symbols in the stream."""
    bits: int
    """Bits of the symbols, without padding."""


@dataclass(frozen=True)
class EncodedWeights:
    """The weights of one engine as a circular list of entries, one multiply-accumulate (for each tile) an entry.

    Entries lie at positions (group, tap, inner), the last counting fastest. Each entry advances by 1 to ``inner`` positions from the
    one before, the first entry from the last one of the pass before. Groups of kind 0 have all ``taps``; groups of kind 1 have the
    centre tap alone.
    """

    inner: int
    taps: int
    filter_types: tuple[int, ...] = field(repr=False)
    """The kind of each group."""
    codes: HuffmanStream
    codebooks: tuple[tuple[int, ...], ...]
    """For each kind, the integer centroid of each rank."""
    zero_runs: HuffmanStream | None
    """In words as wide as those of the codes; None when every position has an entry."""
    run_lengths: tuple[int, ...]
    """Zeros skipped before the entry, for each rank of the gap code."""
    last: tuple[int, int]
    """(tap, inner) of the last entry: where the first entry counts from."""
    entries_per_group: tuple[int, ...] = field(repr=False)
    """Entries of each group."""
    lut_rom_bits: int = LUT_ROM_BITS
    """Bits up to which the last bank of the ROM, which is not full, is made of logic instead of a block RAM."""

    @property
    def groups(self) -> int:
        """Number of groups: filters of a convolution engine, input channels of a squeeze engine."""
        return len(self.filter_types)

    @property
    def entries(self) -> int:
        """Entries in one pass, fillers included."""
        return self.codes.count

    @property
    def centroid_bits(self) -> int:
        """Width of a signed centroid."""
        return max(max(c.bit_length() if c >= 0 else (-c - 1).bit_length() for book in self.codebooks for c in book) + 1, 2)
