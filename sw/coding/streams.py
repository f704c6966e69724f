# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The encoded weights of one partition of an engine: two Huffman streams, and the tables that turn their symbols into weights."""

from collections.abc import Sequence
from dataclasses import dataclass, field

LUT_ROM_BITS = 8 * 1024
"""Default size in bits up to which the last bank of a ROM is built from look-up tables instead of a block RAM."""


@dataclass(frozen=True)
class HuffmanStream:
    """A Huffman-coded stream in ROM words, most significant bit first.

    The hardware reads it over and over. Padding bits follow the last symbol, up to the end of its word.
    """

    lengths: tuple[int, ...]
    """Code length of each symbol, never decreasing: symbols are numbered by frequency, so the canonical code needs no table of symbols."""
    width: int
    """Bits of a ROM word; at least the longest code length."""
    words: Sequence[int] = field(repr=False)
    count: int
    """Number of symbols."""
    bits: int
    """Number of bits without padding."""


@dataclass(frozen=True)
class EncodedWeights:
    """The weights of a partition as a cyclic list of entries, one multiply-accumulate (in each fold) for each entry.

    An entry lies at a position (group, tap, inner), of which inner counts fastest. A group is a filter in a convolution engine, whose
    inner index is the input channel; in a squeeze engine it is an input channel, whose inner index is the filter. Groups of filter type 0
    have all taps of the kernel, groups of type 1 only the centre tap.

    Only entries are stored. Each is coded as the symbol of its weight and the symbol of the run of zeros before it::

        weights of a pass     0  0  5  0 -3  7  0  0            inner = 8, one group, one tap
        entries                     5    -3  7
        run of zeros before         4     1  0                  the first run includes the two zeros at the end of the last pass
        step                        5     2  1                  = run + 1, at most ``inner``

    Where weights are further apart, entries of weight zero (padding zeros) lie between them. The steps of a pass add up to the number of
    positions, so the next pass starts where this one did.
    """

    inner: int
    """Positions of a tap."""
    taps: int
    """Taps of a kernel, 1 or 9 for example."""
    filter_types: tuple[int, ...] = field(repr=False)
    """0 or 1 for each group: all taps, or only the centre tap."""
    codes: HuffmanStream
    codebooks: tuple[tuple[int, ...], ...]
    """For each filter type, the integer weight (centroid) of each symbol."""
    zero_runs: HuffmanStream | None
    """The runs of zeros before the entries, in words as wide as those of the codes; None if every position has an entry."""
    run_lengths: tuple[int, ...]
    """The number of zeros for each symbol of ``zero_runs``."""
    last: tuple[int, int]
    """(tap, inner) of the last entry, from which the first entry's step is counted."""
    entries_per_group: tuple[int, ...] = field(repr=False)
    """Number of entries of each group."""
    lut_rom_bits: int = LUT_ROM_BITS
    """Bits up to which the last bank of the ROM, which is not full, is built from look-up tables instead of a block RAM."""

    @property
    def groups(self) -> int:
        """Number of groups."""
        return len(self.filter_types)

    @property
    def entries(self) -> int:
        """Number of entries in one pass, padding zeros included."""
        return self.codes.count

    @property
    def centroid_bits(self) -> int:
        """Width of the centroids as signed integers, at least 2."""
        return max(max(c.bit_length() if c >= 0 else (-c - 1).bit_length() for book in self.codebooks for c in book) + 1, 2)
