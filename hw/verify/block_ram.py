# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A memory in block RAM on the chip: where it lies, and its words out of those of 9 bits, and back."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .ecp5_bitstream import BLOCK_UNITS, UNIT_BITS, Configuration


@dataclass(frozen=True)
class PlacedBank:
    """A bank of a ROM on the chip."""

    first: int
    count: int
    ports: tuple[int, ...]
    bel: str
    """Of its block RAM, ``X6/Y25/EBR1``; empty for logic."""
    word_bits: int = 0
    """Of a word of the block RAM."""
    data_nets: tuple[int, ...] = ()
    """Of a bank of logic, the nets of its output."""
    address_nets: tuple[int, ...] = ()
    """And those of its address."""

    @property
    def units_per_word(self) -> int:
        """Words of 9 bits that make one of the block RAM."""
        return max(1, self.word_bits // UNIT_BITS)

    @property
    def fits(self) -> bool:
        """A block RAM has room for its words."""
        return self.count * self.units_per_word <= BLOCK_UNITS


def read_bank(bank: PlacedBank, width: int, configuration: Configuration) -> tuple[int, ...]:
    """The words of a bank in block RAM, each so many bits. Raises FirebrickError where the bitstream has none there."""
    contents = np.array(configuration.block_ram(bank.bel), np.int64)
    words = contents[: bank.count * bank.units_per_word].reshape(-1, bank.units_per_word) << UNIT_BITS * np.arange(bank.units_per_word)
    found: list[int] = (words.sum(axis=1) & (1 << width) - 1).tolist()
    return tuple(found)


def write_bank(bank: PlacedBank, words: Sequence[int], old: Sequence[int]) -> list[int]:
    """A block RAM's words of 9 bits with a bank's words at its beginning, the rest as it was: ``read_bank`` reversed."""
    mask = (1 << UNIT_BITS) - 1
    new = [word >> UNIT_BITS * piece & mask for word in words for piece in range(bank.units_per_word)]
    return [*new, *old[len(new) : BLOCK_UNITS]]
