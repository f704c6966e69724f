# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A memory in block RAM on the chip: where it lies, and its words out of those of 9 bits, and back."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .ecp5_bitstream import WORD_BITS, WORDS, Configuration


@dataclass(frozen=True)
class BankPlace:
    """A bank of a ROM on the chip."""

    first: int
    count: int
    ports: tuple[int, ...]
    place: str
    """Of its block RAM, ``X6/Y25/EBR1``; empty for logic."""
    bits: int = 0
    """Of a word of the block RAM."""
    data: tuple[int, ...] = ()
    """Of a bank of logic, the nets of its output."""
    address: tuple[int, ...] = ()
    """And those of its address."""

    @property
    def pieces(self) -> int:
        """Words of 9 bits that make one of the block RAM."""
        return max(1, self.bits // WORD_BITS)

    @property
    def fits(self) -> bool:
        """A block RAM has room for its words."""
        return self.count * self.pieces <= WORDS


def read_block(bank: BankPlace, width: int, configuration: Configuration) -> tuple[int, ...]:
    """The words of a bank in block RAM, each so many bits. Raises FirebrickError where the bitstream has none there."""
    contents = np.array(configuration.block(bank.place), np.int64)
    words = contents[: bank.count * bank.pieces].reshape(-1, bank.pieces) << WORD_BITS * np.arange(bank.pieces)
    found: list[int] = (words.sum(axis=1) & (1 << width) - 1).tolist()
    return tuple(found)


def contents_with(bank: BankPlace, words: Sequence[int], old: Sequence[int]) -> list[int]:
    """A block RAM's words of 9 bits with a bank's words at its beginning, the rest as it was: ``read_block`` reversed."""
    mask = (1 << WORD_BITS) - 1
    new = [word >> WORD_BITS * piece & mask for word in words for piece in range(bank.pieces)]
    return [*new, *old[len(new) : WORDS]]
