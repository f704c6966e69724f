# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A ROM bank in look-up tables whose words are all equal, of which synthesis leaves no register, is read behind the bank multiplexer."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from firebrick.hw.verify.decoder_checks import read_lut_bank
from firebrick.hw.verify.netlist import Gate
from firebrick.hw.verify.rom_map import _bank_from_record, _bank_to_record, _locate_equal_words
from firebrick.hw.weights.rom import RomBank, bank_depth

WIDTH = 9
DEPTH = bank_depth(WIDTH)
OTHER, CHOSEN, WORD = 100, 200, 300
"""First nets of the other bank's register, of the bank's number, and of the register behind the multiplexer."""
AND_NOT = 0b0010_0010_0010_0010
"""a & ~b, whatever c and d are."""


class Netlist:
    """The part of a routed netlist that is asked for."""

    def __init__(self, gates: dict[int, Gate], names: dict[str, list[int]]) -> None:
        self.gates, self._names = gates, names

    def find_nets(self, _module: str, names: Sequence[str]) -> list[int] | None:
        return next((self._names[name] for name in names if name in self._names), None)


def locate(word: int, first: int, *, by_reset: bool = False, start: int = 0) -> tuple[Any, Any, Any]:
    """The bank, a ROM with its gates, and look-up tables, of a multiplexer that gives ``word`` where the bank's number is 1."""
    gates, tables = {}, {}
    for bit in range(WIDTH):
        gates[OTHER + bit] = Gate("ff", (999, 0))
        if by_reset:
            gates[WORD + bit] = Gate("ff", (OTHER + bit, CHOSEN), option=bool(word >> bit & 1))
        else:
            gates[WORD + bit] = Gate("ff", (400 + bit, 0))
            gates[400 + bit] = Gate("lut", (OTHER + bit, CHOSEN, 0, 0), f"bel{bit}")
            tables[f"bel{bit}"] = 0xEEEE if word >> bit & 1 else AND_NOT
    netlist: Any = Netlist(gates, {"rom.bank_1_3": [CHOSEN], "rom.word_1": [WORD + bit for bit in range(WIDTH)]})
    weights = SimpleNamespace(codes=SimpleNamespace(width=WIDTH))
    rom: Any = SimpleNamespace(weights=weights, word_lists=lambda: [[0] * start, [word] * (first + 3 - start)])
    bank, cone = _locate_equal_words(rom, RomBank(first, (word,) * 3, (1,), True), netlist, "top", "rom.")
    return bank, SimpleNamespace(gates=cone), SimpleNamespace(lut=tables.__getitem__)


@pytest.mark.parametrize("by_reset", [False, True])
@pytest.mark.parametrize("word", [0, 1, 0b101010101, 0x1FF])
@pytest.mark.parametrize(("first", "start"), [(DEPTH, DEPTH // 2), (3 * DEPTH, 2 * DEPTH + 5)])
def test_words_are_those_behind_the_multiplexer(word: int, first: int, start: int, by_reset: bool) -> None:
    bank, placed, memory = locate(word, first, by_reset=by_reset, start=start)
    assert _bank_from_record(_bank_to_record(bank)) == bank
    assert read_lut_bank(placed, bank, memory) == (word,) * 3


def test_other_words_are_found() -> None:
    bank, placed, memory = locate(5, DEPTH)
    memory.lut = lambda _bel: AND_NOT
    assert read_lut_bank(placed, bank, memory) == (0,) * 3


def test_words_that_depend_on_the_other_bank_are_unknown() -> None:
    bank, placed, memory = locate(5, DEPTH)
    memory.lut = lambda _bel: 0xAAAA
    assert read_lut_bank(placed, bank, memory) is None
