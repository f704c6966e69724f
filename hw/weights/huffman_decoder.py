# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A decoder of canonical Huffman codes, one symbol a cycle."""

from collections.abc import Iterable
from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...sw.coding.streams import HuffmanStream


class HuffmanDecoder(wiring.Component):
    """Decodes a Huffman stream to symbols, most frequent symbol first (0), over and over from the first symbol to the last.

    The decoder sees a window of two ROM words and decodes the code word that starts at ``offset``, most significant bit first::

         current: w bits        following: w bits
        |.........|code word|..|.....................|
        |-offset->|-length->|

    In a canonical code the words of one length are consecutive numbers, and longer words follow shorter ones. With the ``head`` of the
    window, as many bits from the offset as the longest word has (L), this gives for the lengths l1 < l2 < ...::

        limit(l)  = (first(l) + count(l)) << (L - l)      first(l): the first word of length l; count(l): number of them
        length    = the smallest l with head < limit(l)
        symbol    = (head >> (L - length)) - first(length) + (number of words shorter than length)

    Choosing the length and adding it to the offset is a loop of one cycle, and the path that limits the clock. Offset and length are
    therefore one-hot: adding is a shift, and comparisons with all limits run side by side. The symbol follows a cycle later, outside
    the loop::

        cycle   n                                   n+1                    n+2
                offset(k) -> length(k)              head, length taken     symbol(k) on the output
                offset(k+1) = offset(k) + length    offset(k+1) -> ...

    When the offset passes the end of ``current``, ``following`` moves up and the next ROM word comes in.

    Throughput is one symbol a cycle, except that the cycle after the last symbol of a pass skips the padding bits up to the next ROM word.
    The first symbol comes `LATENCY` cycles after the first word.

    Parameters
    ----------
    encoded: the stream; its code words must not be longer than a ROM word

    Members
    -------
    input: ``In(stream.Signature(encoded.width))``; the ROM words of the stream, repeated forever
    output: ``Out(stream.Signature(unsigned(bits of a symbol)))``

    Raises ValueError if a code word is longer than a ROM word.
    """

    input: stream.Interface
    output: stream.Interface

    LATENCY = 4
    """Cycles from the first ROM word to the first symbol: two to fill the window, one to find the length, one to find the symbol."""

    def __init__(self, *, encoded: HuffmanStream) -> None:
        if max(encoded.lengths) > encoded.width:
            raise ValueError(f"code words must be at most {encoded.width} bits, a ROM word, not {max(encoded.lengths)}")
        self._encoded = encoded
        symbol = unsigned(max(1, (len(encoded.lengths) - 1).bit_length()))
        super().__init__({"input": In(stream.Signature(unsigned(encoded.width))), "output": Out(stream.Signature(symbol))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        encoded = self._encoded
        width, longest = encoded.width, max(encoded.lengths)
        lengths = sorted(set(encoded.lengths))

        # The window, and how many bits of its first word have been used, one-hot. A word comes in when one is used up or missing.
        # Read-back verification finds these registers by the names that are given here (probes.py).
        current = Signal(width, name="current", reset_less=True)
        following = Signal(width, name="following", reset_less=True)
        current_valid = Signal(name="current_valid")
        following_valid = Signal(name="following_valid")
        offset = Signal(width, name="offset", init=1)
        word_done = Signal()
        with m.If(word_done | ~current_valid):
            m.d.sync += [current.eq(following), current_valid.eq(following_valid)]
            m.d.sync += [following.eq(self.input.payload), following_valid.eq(self.input.valid)]
            m.d.comb += self.input.ready.eq(1)
        with m.Elif(~following_valid):
            m.d.sync += [following.eq(self.input.payload), following_valid.eq(self.input.valid)]
            m.d.comb += self.input.ready.eq(1)

        # The head: the bits from the offset on. Its length is the first one below whose limit it lies, one-hot.
        window = Cat(following, current)
        head = Signal(longest)
        m.d.comb += head.eq(_any(offset[used].replicate(longest) & window[2 * width - used - longest :][:longest] for used in range(width)))
        below = [head < _limit(encoded.lengths, length, longest) for length in lengths[:-1]] + [Const(1, 1)]
        length_select = Signal(len(lengths))
        m.d.comb += length_select.eq(Cat(this & ~shorter for this, shorter in zip(below, [Const(0, 1), *below], strict=False)))
        # The offset behind the code word, and whether that is in the next word.
        # (No signal of its own: with a single length it is the offset, rotated, and synthesis would keep either of the two names.)
        next_offset = Cat(
            _any(length_select[index] & offset[(used - length) % width] for index, length in enumerate(lengths)) for used in range(width)
        )
        crosses_word = Signal()
        m.d.comb += crosses_word.eq(_any(length_select[index] & offset[width - length :].any() for index, length in enumerate(lengths)))

        # Take the code word if the symbol stage is free. After the last symbol of the pass, skip the padding up to the next ROM word.
        stage_free = Signal()
        take = Signal()
        skip_padding = Signal(name="skip_padding")
        symbols_left = Signal(range(max(2, encoded.count)), init=encoded.count - 1)
        with m.If(current_valid & following_valid):
            with m.If(skip_padding):
                m.d.comb += word_done.eq(~offset[0])
                m.d.sync += [offset.eq(1), skip_padding.eq(0)]
            with m.Elif(stage_free):
                m.d.comb += [take.eq(1), word_done.eq(crosses_word)]
                m.d.sync += [offset.eq(next_offset), symbols_left.eq(symbols_left - 1)]
                with m.If(symbols_left == 0):
                    m.d.sync += [symbols_left.eq(encoded.count - 1), skip_padding.eq(1)]

        # A cycle later, the symbol: the code word as a number, plus a constant for its length, modulo the alphabet's power of two.
        taken_head = Signal(longest, reset_less=True)
        taken_length_select = Signal(len(lengths), reset_less=True)
        taken_valid = Signal(name="taken_valid")
        output_free = Signal()
        m.d.comb += [output_free.eq(~self.output.valid | self.output.ready), stage_free.eq(~taken_valid | output_free)]
        with m.If(stage_free):
            m.d.sync += [taken_valid.eq(take), taken_head.eq(head), taken_length_select.eq(length_select)]
        symbol = self.output.payload
        code_word = Signal.like(symbol)
        symbol_offset = Signal.like(symbol)
        masks = [(taken_length_select[index].replicate(len(symbol)), length) for index, length in enumerate(lengths)]
        m.d.comb += [
            code_word.eq(_any(mask & (taken_head >> (longest - length)) for mask, length in masks)),
            symbol_offset.eq(
                _any(mask & Const(_symbol_offset(encoded.lengths, length) % (1 << len(symbol)), len(symbol)) for mask, length in masks)
            ),
        ]
        with m.If(output_free):
            m.d.sync += [self.output.valid.eq(taken_valid), self.output.payload.eq(code_word + symbol_offset)]
        # A name that synthesis keeps, so that read-back verification finds the symbol (probes.py).
        m.d.comb += Signal.like(symbol, name="symbol", attrs={"keep": 1}).eq(symbol)
        return m


def _any(values: Iterable[Value]) -> Value:
    """The bitwise OR of values: with one-hot masks, a multiplexer."""
    return reduce(or_, values)


def _first_word(lengths: tuple[int, ...], length: int) -> int:
    """The first canonical code word of ``length`` bits: shorter words, extended to this length, come before it."""
    return sum(1 << (length - shorter) for shorter in lengths if shorter < length)


def _limit(lengths: tuple[int, ...], length: int, longest: int) -> int:
    """The number below which all heads of ``longest`` bits lie that start with a word of at most ``length`` bits."""
    return (_first_word(lengths, length) + lengths.count(length)) << (longest - length)


def _symbol_offset(lengths: tuple[int, ...], length: int) -> int:
    """What to add to a code word of ``length`` bits to get its symbol; may be negative."""
    return sum(shorter < length for shorter in lengths) - _first_word(lengths, length)
