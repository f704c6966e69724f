# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Words of a ROM bank in the units of a block RAM."""

import numpy as np
import pytest

from firebrick.hw.verify.block_ram import PlacedBank, read_bank, write_bank
from firebrick.hw.verify.ecp5_bitstream import parse_configuration
from tests.helpers.recorded_bitstream import ROM_BLOCK, configuration


@pytest.mark.parametrize(("width", "word_bits"), [(9, 9), (9, 18), (18, 18)])
def test_bank_is_read_as_it_was_written(width: int, word_bits: int) -> None:
    rng = np.random.default_rng(word_bits + width)
    words = rng.integers(0, 1 << width, 1000).tolist()
    bank = PlacedBank(0, len(words), (0,), "X6/Y25/EBR1", word_bits)
    old_units = configuration().block_rams[ROM_BLOCK]
    units = write_bank(bank, words, old_units)
    assert units[len(words) * word_bits // 9 :] == list(old_units[len(words) * word_bits // 9 :])
    written = parse_configuration(configuration().with_block_rams({ROM_BLOCK: units}))
    assert list(read_bank(bank, width, written)) == words
