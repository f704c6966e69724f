# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The names of the classes, one bit after the other out of a ROM."""

from amaranth.hdl import Array, Module, Signal, Value
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from ...sw.display.name_code import WORD_BITS, NameCode
from ..module_names import LUT_ROM_PREFIX
from ..utils import lookup
from .lut_rom import LutRom

TREE_WORDS = 128
"""Words in look-up tables in front of one register: as many as an ECP5 selects with the multiplexers in its slices."""


class NameDecoder(wiring.Component):
    """Finds and decodes the name of a class (`NameCode`): a bit a cycle from the second on, in the domain ``pixel``.

    The code is canonical: of the words of each length, the first ``count`` are symbols, in order; what is left begins the longer words. So
    the bits read since the last symbol, less the words that were symbols at each length, tell a symbol from the beginning of one.

    Parameters
    ----------
    code: the names; its settings say whether the ROM is in block RAM or in look-up tables

    Members
    -------
    start: ``In(1)``; for a cycle
    index: ``In(...)``; the class
    symbol: ``Out(...)``, symbol_valid: ``Out(1)``; each symbol of the name, and its end
    finished: ``Out(1)``; that is the end
    """

    start: Signal
    index: Signal
    symbol: Signal
    symbol_valid: Signal
    finished: Signal

    def __init__(self, *, code: NameCode) -> None:
        self._code = code
        super().__init__(
            {
                "start": In(1),
                "index": In(range(max(2, len(code.names)))),
                "symbol": Out(range(len(code.symbols))),
                "symbol_valid": Out(1),
                "finished": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        code = self._code
        counts = code.words_of_length
        position = Signal(range(len(code.bits) + 1))
        place = Signal(range(WORD_BITS))
        bit = Signal()
        bit_valid = Signal()
        m.d.pixel += place.eq(position % WORD_BITS)
        m.d.comb += bit.eq(self._rom(m, position).bit_select(place, 1))

        group_bits = code.group.bit_length() - 1
        busy = Signal()
        skip = Signal(range(max(2, code.group)))  # names before the wanted one
        length = Signal(range(len(counts)))  # bits since the last symbol
        offset = Signal(range(max(counts) + len(code.symbols)))  # of the word that begins with these bits from the first that is no symbol
        first = Signal.like(self.symbol)  # the first symbol with a longer word
        read = Signal(len(offset) + 1)
        count = Signal(range(max(counts) + 1))
        end = Signal()
        m.d.comb += [
            count.eq(lookup(counts, length, len(count))),
            read.eq(offset << 1 | bit),
            end.eq(self.symbol == code.numbers["\n"]),
            self.symbol.eq(first + read),
        ]
        with m.If(busy):
            m.d.pixel += [position.eq(position + 1), bit_valid.eq(1)]
        with m.Elif(self.start):
            m.d.pixel += [busy.eq(1), position.eq(lookup(code.starts, self.index >> group_bits, len(position)))]
            m.d.pixel += skip.eq(self.index[:group_bits])
        with m.If(bit_valid):
            with m.If(read < count):
                m.d.comb += [self.symbol_valid.eq(skip == 0), self.finished.eq(self.symbol_valid & end)]
                m.d.pixel += [length.eq(0), offset.eq(0), first.eq(0), skip.eq(skip - (end & (skip != 0)))]
            with m.Else():
                m.d.pixel += [length.eq(length + 1), offset.eq(read - count), first.eq(first + count)]
        with m.If(self.finished):
            m.d.pixel += [busy.eq(0), bit_valid.eq(0)]
        return m

    def _rom(self, m: Module, position: Signal) -> Value:
        """The word with the bit of a position, a cycle later."""
        words = list(self._code.words)
        words += [0] * (2 - len(words))  # a memory of one word has no address
        address = position[WORD_BITS.bit_length() - 1 :]
        if self._code.settings.names_in_block_ram:
            rom: memory.Memory = memory.Memory(shape=WORD_BITS, depth=len(words), init=words, attrs={"rom_style": "block"})
            m.submodules.rom = rom
            clocked = rom.read_port(domain="pixel")
            m.d.comb += clocked.addr.eq(address)
            return Value.cast(clocked.data)
        trees = []
        for number, first in enumerate(range(0, len(words), TREE_WORDS)):
            content = words[first : first + TREE_WORDS]
            tree = LutRom(words=content, width=WORD_BITS)
            m.submodules[f"{LUT_ROM_PREFIX}{number}"] = tree
            word = Signal(WORD_BITS, name=f"word_{number}")
            m.d.comb += tree.address.eq(address)
            m.d.pixel += word.eq(tree.word)
            trees.append(word)
        chosen = Signal(range(max(2, len(trees))))
        m.d.pixel += chosen.eq(address >> TREE_WORDS.bit_length() - 1)
        return Array(trees)[chosen]
