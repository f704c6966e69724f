# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Decoding of canonical Huffman codes, one symbol a cycle."""

from collections.abc import Iterable
from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...sw.coding.streams import HuffmanStream


class HuffmanDecoder(wiring.Component):
    """Sends the ranks of an encoded stream from first to last, in a circle, for ever.

    Two words of the ROM and an offset into the first are the window. The code word that starts at the offset is compared with the
    limits of each length; that chooses its length and so the next offset, all in one cycle: the loop that limits the clock, so lengths and
    offsets have a bit for each of their values. The rank follows a cycle later.
    Throughput is one symbol a cycle, but for one cycle after the last symbol, in which bits up to the next ROM word are skipped.
    The first symbol comes 4 cycles after the first word.

    Parameters
    ----------
    encoded: the stream; its code words are no longer than a ROM word

    Members
    -------
    input: ``In(stream.Signature(encoded.width))``; the stream's words, in a circle
    output: ``Out(stream.Signature(unsigned(bits of a rank)))``
    """

    input: stream.Interface
    output: stream.Interface

    def __init__(self, *, encoded: HuffmanStream) -> None:
        if max(encoded.lengths) > encoded.width:
            raise ValueError(f"code words must be at most {encoded.width} bits, a ROM word, not {max(encoded.lengths)}")
        self._encoded = encoded
        rank = unsigned(max(1, (len(encoded.lengths) - 1).bit_length()))
        super().__init__({"input": In(stream.Signature(unsigned(encoded.width))), "output": Out(stream.Signature(rank))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        encoded = self._encoded
        width, longest = encoded.width, max(encoded.lengths)
        lengths = sorted(set(encoded.lengths))

        # The window: this word and the next, and how many bits of this one are used up, one bit for each number.
        current, following = Signal(width, name="current", reset_less=True), Signal(width, name="following", reset_less=True)
        current_valid, following_valid = Signal(name="current_valid"), Signal(name="following_valid")
        offset = Signal(width, init=1)
        shift = Signal()
        with m.If(shift | ~current_valid):
            m.d.sync += [current.eq(following), current_valid.eq(following_valid)]
            m.d.sync += [following.eq(self.input.payload), following_valid.eq(self.input.valid)]
            m.d.comb += self.input.ready.eq(1)
        with m.Elif(~following_valid):
            m.d.sync += [following.eq(self.input.payload), following_valid.eq(self.input.valid)]
            m.d.comb += self.input.ready.eq(1)

        # What stands at the offset, and how long its code word is: words of one length end below a limit.
        window = Cat(following, current)
        head = Signal(longest)
        m.d.comb += head.eq(_any(offset[used].replicate(longest) & window[2 * width - used - longest :][:longest] for used in range(width)))
        below = [head < _limit(encoded.lengths, value, longest) for value in lengths[:-1]] + [Const(1, 1)]
        chosen = Signal(len(lengths))
        m.d.comb += chosen.eq(Cat(mine & ~shorter for mine, shorter in zip(below, [Const(0, 1), *below], strict=False)))
        after, beyond = Signal(width), Signal()  # the offset behind it, and whether that is in the next word
        m.d.comb += [
            after[place].eq(_any(chosen[index] & offset[(place - value) % width] for index, value in enumerate(lengths)))
            for place in range(width)
        ]
        m.d.comb += beyond.eq(_any(chosen[index] & offset[width - value :].any() for index, value in enumerate(lengths)))

        # Take it when it can move on; after the last symbol, skip to the next word.
        free, take, skip = Signal(), Signal(), Signal()
        left = Signal(range(max(2, encoded.count)), init=encoded.count - 1)
        with m.If(current_valid & following_valid):
            with m.If(skip):
                m.d.comb += shift.eq(~offset[0])
                m.d.sync += [offset.eq(1), skip.eq(0)]
            with m.Elif(free):
                m.d.comb += [take.eq(1), shift.eq(beyond)]
                m.d.sync += [offset.eq(after), left.eq(left - 1)]
                with m.If(left == 0):
                    m.d.sync += [left.eq(encoded.count - 1), skip.eq(1)]

        # A cycle later, the rank: the number of the word among those of its length, plus the number of shorter ones.
        head_taken, chosen_taken, taken = Signal(longest, reset_less=True), Signal.like(chosen, reset_less=True), Signal(name="taken")
        forward = Signal()
        m.d.comb += [forward.eq(~self.output.valid | self.output.ready), free.eq(~taken | forward)]
        with m.If(free):
            m.d.sync += [taken.eq(take), head_taken.eq(head), chosen_taken.eq(chosen)]
        rank = self.output.payload
        number, first = Signal.like(rank), Signal.like(rank)  # modulo the alphabet, a power of two
        sizes = [(chosen_taken[index].replicate(len(rank)), value) for index, value in enumerate(lengths)]
        m.d.comb += [
            number.eq(_any(mask & (head_taken >> (longest - value)) for mask, value in sizes)),
            first.eq(_any(mask & Const(_rank_offset(encoded.lengths, value) % (1 << len(rank)), len(rank)) for mask, value in sizes)),
        ]
        with m.If(forward):
            m.d.sync += [self.output.valid.eq(taken), self.output.payload.eq(number + first)]
        # A name that synthesis keeps, by which the proof of a bitstream finds the rank (hw/verify/rom_map.py).
        m.d.comb += Signal.like(rank, name="rank", attrs={"keep": 1}).eq(rank)
        return m


def _any(values: Iterable[Value]) -> Value:
    """The bitwise or of values."""
    return reduce(or_, values)


def _first_word(lengths: tuple[int, ...], length: int) -> int:
    """The first canonical code word of a length."""
    return sum(1 << (length - shorter) for shorter in lengths if shorter < length)


def _limit(lengths: tuple[int, ...], length: int, longest: int) -> int:
    """What heads of ``longest`` bits that start with words of at most this length lie below."""
    return (_first_word(lengths, length) + lengths.count(length)) << (longest - length)


def _rank_offset(lengths: tuple[int, ...], length: int) -> int:
    """What turns a word of this length into its rank."""
    return sum(shorter < length for shorter in lengths) - _first_word(lengths, length)
