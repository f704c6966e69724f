# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A ROM bank that has been placed: reading its words from a bitstream's block RAM, and replacing them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .ecp5_bitstream import BLOCK_UNITS, UNIT_BITS, Configuration


@dataclass(frozen=True)
class PlacedBank:
    """Where a bank of a ROM is on the FPGA: in one block RAM, or in look-up tables."""

    first: int
    """Address in the ROM of the bank's first word."""
    count: int
    """Number of words."""
    ports: tuple[int, ...]
    """The ROM outputs that read this bank."""
    bel: str
    """The block RAM, for example ``X6/Y25/EBR1``; empty for a bank in look-up tables."""
    word_bits: int = 0
    """Bits of a word as the block RAM is configured; the ROM's words may be narrower."""
    data_nets: tuple[int, ...] = ()
    """Output nets of a bank in look-up tables, lowest bit first."""
    address_nets: tuple[int, ...] = ()
    """Address nets of a bank in look-up tables, lowest bit first."""
    address_offset: int = 0
    """What the address nets have less than the ROM's address."""

    @property
    def units_per_word(self) -> int:
        """Number of 9-bit units of a block RAM that hold one word."""
        return max(1, self.word_bits // UNIT_BITS)

    @property
    def fits(self) -> bool:
        """Whether one block RAM can hold the words."""
        return self.count * self.units_per_word <= BLOCK_UNITS


def read_bank(bank: PlacedBank, width: int, configuration: Configuration) -> tuple[int, ...]:
    """The words of a bank in block RAM, ``width`` bits each.

    Raises FirebrickError if the bitstream does not use the block RAM.
    """
    units = np.array(configuration.block_ram(bank.bel), np.int64)
    # A word's first unit is its lowest 9 bits.
    shifted = units[: bank.count * bank.units_per_word].reshape(-1, bank.units_per_word) << UNIT_BITS * np.arange(bank.units_per_word)
    words: list[int] = (shifted.sum(axis=1) & (1 << width) - 1).tolist()
    return tuple(words)


def write_bank(bank: PlacedBank, words: Sequence[int], old_units: Sequence[int]) -> list[int]:
    """The units of a block RAM with a bank's words at its start and the old units behind them: the inverse of ``read_bank``."""
    mask = (1 << UNIT_BITS) - 1
    new_units = [word >> UNIT_BITS * index & mask for word in words for index in range(bank.units_per_word)]
    return [*new_units, *old_units[len(new_units) : BLOCK_UNITS]]
