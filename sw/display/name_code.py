# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The names of all classes in one string of bits, for a ROM that is read a bit at a time."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..coding.huffman import CanonicalCode, code_lengths
from .probabilities import SHOWN_CLASSES
from .settings import DisplaySettings
from .state import STATUS_TEXT
from .text import CLASS, PERCENT_LABEL, displayed_name, fixed_cells

END = "\n"
"""The symbol behind each name."""
LENGTH_LIMIT = 13
"""Bits of the longest code word."""
GROUP_MAX = 32
"""Names between two that can be found without reading those before."""
WORD_BITS = 16
"""Bits of a word of the ROM."""
CYCLES_MAX = 24_000
"""Bits that finding the names of one screen may take to read, of the 36,000 pixels between two screens."""


@dataclass(frozen=True)
class NameCode:
    """Names in a canonical Huffman code. A name that is not to be shown is empty.

    The symbols are numbered by the lengths of their words, so that no table follows the decoder, and characters of the screen have the same
    numbers. To find a name, the decoder reads all names of its group before it.
    """

    settings: DisplaySettings

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The coded names."""
        return tuple("" if name is None else displayed_name(name) for name in self.settings.names)

    @cached_property
    def _lengths(self) -> dict[str, int]:
        counts = Counter("".join(name + END for name in self.names))
        characters = sorted(counts)
        return dict(zip(characters, code_lengths([counts[character] for character in characters], LENGTH_LIMIT), strict=True))

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """The symbols by number: those of the names, END among them, then the other characters of the screen."""
        fixed = "".join(fixed_cells(self.settings).values())
        others = set("0123456789. " + CLASS + PERCENT_LABEL + fixed + "".join(STATUS_TEXT))
        return (*sorted(self._lengths, key=lambda symbol: (self._lengths[symbol], symbol)), *sorted(others - set(self._lengths)))

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each symbol."""
        return {symbol: number for number, symbol in enumerate(self.symbols)}

    @cached_property
    def words_of_length(self) -> tuple[int, ...]:
        """How many code words there are of 1, 2, ... bits."""
        counts = Counter(self._lengths.values())
        return tuple(counts[length] for length in range(1, max(counts) + 1))

    @cached_property
    def _bits_of_names(self) -> list[list[int]]:
        code = CanonicalCode(tuple(self._lengths.get(symbol, 0) for symbol in self.symbols))
        return [code.encode([self.numbers[character] for character in name + END]).tolist() for name in self.names]

    @cached_property
    def bits(self) -> tuple[int, ...]:
        """All names, each with END, in the order of the classes."""
        return tuple(bit for bits in self._bits_of_names for bit in bits)

    @cached_property
    def words(self) -> tuple[int, ...]:
        """The bits in words of the ROM, the first bit lowest."""
        bits = self.bits
        return tuple(
            sum(bit << place for place, bit in enumerate(bits[first : first + WORD_BITS])) for first in range(0, len(bits), WORD_BITS)
        )

    @cached_property
    def group(self) -> int:
        """Names in a group, a power of two."""
        return next(size for size in (1 << bits for bits in range(GROUP_MAX.bit_length() - 1, -1, -1)) if self._cycles(size) <= CYCLES_MAX)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Where each group begins, in bits."""
        ends = np.cumsum([0, *map(len, self._bits_of_names)])
        return tuple(ends[: len(self.names) : self.group].tolist())

    def _cycles(self, group: int) -> int:
        """Bits to read for the five names that take most; with groups of 1 they are at most 5 x 25 x LENGTH_LIMIT."""
        lengths = [len(bits) for bits in self._bits_of_names]
        taken = [sum(lengths[index // group * group : index + 1]) for index in range(len(lengths))]
        return sum(sorted(taken)[-SHOWN_CLASSES:])
