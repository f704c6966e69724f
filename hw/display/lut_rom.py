# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A small read-only memory in look-up tables, mapped on its own."""

from collections.abc import Sequence

from amaranth.hdl import Module, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2


class LutRom(wiring.Component):
    """Reads a word in the same cycle. In a submodule whose name begins with LUT_ROM_PREFIX, it takes a look-up table for 16 bits.

    Parameters
    ----------
    words: the contents
    width: bits of a word

    Members
    -------
    address: ``In(...)``
    word: ``Out(width)``
    """

    address: Signal
    word: Signal

    def __init__(self, *, words: Sequence[int], width: int) -> None:
        self._words = list(words)
        super().__init__({"address": In(max(1, ceil_log2(len(words)))), "word": Out(width)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        rom: memory.Memory = memory.Memory(
            shape=len(self.word), depth=max(2, len(self._words)), init=self._words, attrs={"rom_style": "logic"}
        )
        m.submodules.rom = rom
        port = rom.read_port(domain="comb")
        m.d.comb += [port.addr.eq(self.address), self.word.eq(port.data)]
        return m
