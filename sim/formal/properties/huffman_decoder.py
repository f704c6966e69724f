# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The Huffman decoder against an encoder: what comes out is what the encoder put in.

The encoder makes a ROM word of any symbols whenever the decoder takes one. Each bit carries a note: whether a code word starts there, which
symbol it is, counted from the first, and how many follow it in its pass. One symbol is marked, any one; it must come out in its turn. The
notes follow the bits through the decoder's window, so that one cycle's invariants imply the next one's, for any number of cycles.
"""

from collections.abc import Callable
from functools import reduce
from operator import or_
from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data

from ....hw.weights import huffman_decoder as huffman_decoder_module
from ....hw.weights.huffman_decoder import HuffmanDecoder
from ....sw.coding.huffman import CanonicalCode
from ....sw.coding.streams import HuffmanStream
from ..bench import Bench, transfer
from ..internals import internals
from ..proof import Engine, Fault, Proof


class Encoder:
    """Makes ROM words of ``width`` bits from any symbols; zeros fill the last word of a pass of ``count`` symbols.

    ``word`` is the next word, its first bit first, each bit with its note. ``pending`` are the bits of the last symbol that did not fit
    the words so far, left-aligned, ``pending_bits`` their number; with ``padding``, zeros fill the word behind them. ``number`` and
    ``left`` are those of the next symbol: its number, modulo more than are in flight, and how many follow it in its pass. ``value`` is
    the marked symbol; ``watching`` says that there is one and that it has not come out.
    """

    def __init__(self, bench: Bench, *, lengths: tuple[int, ...], width: int, count: int, taken: Value, came_out: Value) -> None:
        self._m = m = bench.m
        self.lengths, self.width, self.count = lengths, width, count
        self.code_words = CanonicalCode(lengths).words
        self.longest = max(lengths)
        self.number_bits = (2 * width + self.longest + 2).bit_length()
        self.note = data.StructLayout({"bit": 1, "start": 1, "mark": 1, "number": self.number_bits, "left": range(max(2, count))})
        self.pending = Signal(self.longest)
        self.pending_bits = Signal(range(self.longest))
        self.padding = Signal()
        self.number = Signal(self.number_bits)
        self.left = Signal(range(max(2, count)), init=count - 1)
        self.value = Signal(range(max(2, len(lengths))))
        marked = Signal()
        done = Signal()
        self.watching = marked & ~done
        with m.If(came_out):
            m.d.sync += done.eq(1)
        bench.ensure(marked | ~done, "only the marked symbol comes out")
        bench.reaches(done)

        registers = [self.pending, self.pending_bits, self.padding, self.number, self.left, marked, self.value]
        state: list[Any] = registers
        self.word: list[Any] = []
        for place in range(width):
            state = self._append_bit(bench, place, *state)
        with m.If(taken):
            m.d.sync += [register.eq(later) for register, later in zip(registers, state, strict=True)]
            m.d.sync += self.padding.eq(state[2] & (state[1] != 0))

    def _append_bit(self, bench: Bench, place: int, *before: Any) -> list[Any]:
        """Append a bit: of the pending code word, of a new one, or padding. Returns the state after it."""
        m = self._m
        pending, pending_bits, padding, number, left, marked, _ = before
        symbol = bench.free(range(max(2, len(self.lengths))), f"symbol_{place}")
        bench.assume(symbol < len(self.lengths), "symbols are of the alphabet")
        mark = bench.free(1, f"mark_{place}")
        word, length = self.code_word(symbol, f"symbol_{place}")
        later = [Signal.like(signal, name=f"{signal.name.split('_after')[0]}_after_{place}") for signal in before]
        note: Any = Signal(self.note, name=f"word_{place}")
        m.d.comb += [now.eq(then) for now, then in zip(later, before, strict=True)]
        with m.If(pending_bits != 0):
            m.d.comb += [note.bit.eq(pending[-1]), later[0].eq(pending << 1), later[1].eq(pending_bits - 1)]
        with m.Elif(~padding):
            m.d.comb += [
                note.bit.eq(word[-1]),
                note.start.eq(1),
                note.mark.eq(mark & ~marked),
                note.number.eq(number),
                note.left.eq(left),
                later[0].eq(word << 1),
                later[1].eq(length - 1),
                later[2].eq(left == 0),
                later[3].eq(number + 1),
                later[4].eq(Mux(left == 0, self.count - 1, left - 1)),
                later[5].eq(marked | mark),
            ]
            with m.If(mark & ~marked):
                m.d.comb += later[6].eq(symbol)
        self.word.append(note)
        return later

    def code_word(self, symbol: Value, name: str) -> tuple[Signal, Signal]:
        """The code word of a symbol, left-aligned in as many bits as the longest has, and its length."""
        word = Signal(self.longest, name=f"{name}_word")
        length = Signal(range(self.longest + 1), name=f"{name}_length")
        with self._m.Switch(symbol):
            for number, bits in enumerate(self.lengths):
                with self._m.Case(number):
                    self._m.d.comb += [word.eq(self.code_words[number] << (self.longest - bits)), length.eq(bits)]
        return word, length


def decodes(lengths: tuple[int, ...], width: int, count: int) -> Callable[[Bench], None]:
    """The proof for the lengths of a code, a width of ROM words, and a number of symbols in a pass."""

    def build(bench: Bench) -> None:
        """HuffmanDecoder: the n-th symbol out is the n-th that the encoder put in, for any symbols, gaps and back-pressure."""
        m = bench.m
        dut = HuffmanDecoder(encoded=HuffmanStream(lengths=lengths, width=width, words=(), count=count, bits=0))
        inside = internals(dut)
        m.submodules.dut = dut
        mark_out = Signal()
        encoder = Encoder(
            bench, lengths=lengths, width=width, count=count, taken=transfer(dut.input), came_out=transfer(dut.output) & mark_out
        )
        m.d.comb += [
            dut.input.valid.eq(bench.free(1, "valid")),
            dut.input.payload.eq(Cat(note.bit for note in reversed(encoder.word))),
            dut.output.ready.eq(bench.free(1, "ready")),
        ]
        with m.If(dut.output.valid & mark_out):
            bench.ensure(dut.output.payload == encoder.value, "the marked symbol comes out as it went in")
        Window(bench, encoder, dut, inside, mark_out)

    return build


class Window:
    """The invariants: how the decoder's registers relate to the encoder's notes."""

    def __init__(self, bench: Bench, encoder: Encoder, dut: HuffmanDecoder, inside: dict[str, Any], mark_out: Signal) -> None:
        self._bench, self._encoder = bench, encoder
        m, width = bench.m, encoder.width
        self._view(m, inside)
        offset, skip = inside["offset"], inside["skip_padding"]
        position = Signal(range(2 * width))  # of the next code word
        for place in range(width):
            with m.If(offset[place]):
                m.d.comb += position.eq(Mux(skip & (place != 0), width, place))
        self._picked_word, self._picked_length = encoder.code_word(encoder.value, "picked")
        bench.ensure(encoder.value < len(encoder.lengths), "the marked symbol is of the alphabet")
        self._marks: list[Value] = []
        for place in range(2 * width):
            started = Signal(name=f"started_{place}")
            m.d.comb += started.eq(self._notes[place].start & (place < self._end) & (position <= place))
            self._marks.append(started & self._notes[place].mark)
            with m.If(started):
                self._ensure_code_word(m, place)

        # The next code word, if it has begun to arrive, is where the decoder looks for it.
        popped = Signal(encoder.number_bits)
        next_number = Signal(encoder.number_bits)
        m.d.sync += popped.eq(popped + transfer(dut.output))
        m.d.comb += next_number.eq(popped + dut.output.valid + inside["taken_valid"])
        following: Any = Array(self._notes)[position]
        with m.If(position < self._end):
            bench.ensure(following.start, "the decoder is at the start of a code word")
            bench.ensure(following.number == next_number, "it is at the symbol whose turn it is")
            bench.ensure(following.left == inside["symbols_left"], "it knows how many symbols follow")
        with m.Else():
            bench.ensure(position == self._tail(), "the decoder waits for the start of a code word")
            bench.ensure(encoder.number == next_number, "it waits for the symbol whose turn it is")
            bench.ensure(encoder.left == inside["symbols_left"], "it knows how many symbols follow")
        bench.ensure(~encoder.padding | (encoder.pending_bits != 0), "the encoder pads the word in which a pass ends")
        bench.ensure((offset != 0) & (offset & (offset - 1) == 0), "the offset is one-hot")
        bench.ensure(inside["current_valid"] | (offset[0] & ~skip), "the decoder begins with the first bit")
        self._ensure_pipeline(m, dut, inside, following.mark & (position < self._end), mark_out)

    def _view(self, m: Module, inside: dict[str, Any]) -> None:
        """``_notes`` and ``_bits`` are all bits that the decoder has, ``_end`` of them; behind them come those that are pending."""
        encoder, width = self._encoder, self._encoder.width
        current: list[Any] = [Signal(encoder.note, name=f"current_{place}") for place in range(width)]
        following: list[Any] = [Signal(encoder.note, name=f"following_{place}") for place in range(width)]
        with m.If(inside["word_done"] | ~inside["current_valid"]):
            m.d.sync += [note.eq(later) for note, later in zip([*current, *following], [*following, *encoder.word], strict=True)]
        with m.Elif(~inside["following_valid"]):
            m.d.sync += [note.eq(later) for note, later in zip(following, encoder.word, strict=True)]
        for name, notes in (("current", current), ("following", following)):
            with m.If(inside[f"{name}_valid"]):
                self._bench.ensure(inside[name] == Cat(note.bit for note in reversed(notes)), f"the {name} word is the encoder's")
        pending = list(reversed(list(encoder.pending)))
        self._notes: list[Any] = [Signal(encoder.note, name=f"note_{place}") for place in range(2 * width)]
        self._bits = [Signal(name=f"bit_{place}") for place in range(2 * width + encoder.longest)]
        self._end = Signal(range(2 * width + 1), name="window_end")
        with m.Switch(Cat(inside["current_valid"], inside["following_valid"])):
            for case, words in ((0b11, current + following), (0b01, current), (0b10, following), (0b00, [])):
                with m.Case(case):
                    m.d.comb += self._end.eq(len(words))
                    m.d.comb += [note.eq(source) for note, source in zip(self._notes, words, strict=False)]
                    m.d.comb += [bit.eq(source) for bit, source in zip(self._bits, [*(note.bit for note in words), *pending], strict=False)]

    def _tail(self) -> Value:
        """Where the next symbol that the encoder puts in will start."""
        encoder = self._encoder
        return (self._end + Mux(encoder.padding, encoder.width, encoder.pending_bits))[: len(self._end) + 1]

    def _ensure_code_word(self, m: Module, place: int) -> None:
        """At a place where a code word starts: it is a word of the code, and the next one starts behind it."""
        encoder, longest = self._encoder, self._encoder.longest
        note, head = self._notes[place], Cat(reversed(self._bits[place : place + longest]))
        shorter: Value = Const(0, 1)
        for length in sorted(set(encoder.lengths)):
            last = max(word for word, bits in zip(encoder.code_words, encoder.lengths, strict=True) if bits == length)
            this = (head >> (longest - length)) <= last
            with m.If(this & ~shorter):
                self._ensure_next(m, place, length)
                with m.If(note.mark):
                    matches = (head >> (longest - length)) == (self._picked_word >> (longest - length))
                    self._bench.ensure((self._picked_length == length) & matches, "the bits are the code word of the marked symbol")
            shorter = shorter | this
        self._bench.ensure(shorter, "the bits are a code word")

    def _ensure_next(self, m: Module, place: int, length: int) -> None:
        """The symbol behind one of ``length`` bits: it has the next number, and nothing lies between but the padding of a pass."""
        encoder, note = self._encoder, self._notes[place]
        with m.If(place + length > self._end):
            self._bench.ensure(self._end + encoder.pending_bits == place + length, "the rest of its bits is pending")
        end_of_pass = -(-(place + length) // encoder.width) * encoder.width
        for condition, start, left in (
            (note.left == 0, end_of_pass, Const(encoder.count - 1, len(note.left))),
            (note.left != 0, place + length, (note.left - 1)[: len(note.left)]),
        ):
            number = (note.number + 1)[: encoder.number_bits]
            with m.If(condition):
                between = [self._notes[inner].start & (inner < self._end) for inner in range(place + 1, min(start, len(self._notes)))]
                self._bench.ensure(~reduce(or_, between, Const(0, 1)), "no other code word starts before it ends")
                with m.If(start < self._end):
                    if start < len(self._notes):
                        behind = self._notes[start]
                        follows = behind.start & (behind.number == number) & (behind.left == left)
                        self._bench.ensure(follows, "the next symbol follows")
                with m.Else():
                    follows = (self._tail() == start) & (encoder.number == number) & (encoder.left == left)
                    self._bench.ensure(follows, "the next symbol will follow")

    def _ensure_pipeline(self, m: Module, dut: HuffmanDecoder, inside: dict[str, Any], mark: Value, mark_out: Signal) -> None:
        """The marked symbol in the registers behind the window."""
        encoder, longest = self._encoder, self._encoder.longest
        mark_taken = Signal()
        with m.If(inside["stage_free"]):
            m.d.sync += mark_taken.eq(inside["take"] & mark)
        with m.If(inside["output_free"]):
            m.d.sync += mark_out.eq(mark_taken & inside["taken_valid"])
        marks = Cat(*self._marks, mark_taken & inside["taken_valid"], mark_out & dut.output.valid)
        self._bench.ensure(marks.any() == encoder.watching, "the marked symbol is there until it comes out")
        self._bench.ensure(marks & (marks - 1) == 0, "it is there once")
        with m.If(mark_taken & inside["taken_valid"]):
            for index, length in enumerate(sorted(set(encoder.lengths))):
                with m.If(self._picked_length == length):
                    self._bench.ensure(inside["taken_length_select"] == 1 << index, "the length is that of the marked symbol")
                    taken_word = inside["taken_head"] >> (longest - length)
                    self._bench.ensure(taken_word == self._picked_word >> (longest - length), "the code word is that of the marked symbol")


FAULTS = (
    Fault(huffman_decoder_module, "head < _limit(", "head <= _limit("),
    Fault(huffman_decoder_module, "word_done.eq(~offset[0])", "word_done.eq(0)"),
    Fault(huffman_decoder_module, "symbols_left.eq(encoded.count - 1), skip", "skip"),
    Fault(huffman_decoder_module, "stage_free.eq(~taken_valid | output_free)", "stage_free.eq(1)"),
)


def _proof(lengths: tuple[int, ...], width: int, count: int, faults: tuple[Fault, ...], *, quick: bool) -> Proof:
    """The proof for a code, a width of ROM words, and a number of symbols in a pass."""
    name = f"huffman_decoder_{''.join(map(str, lengths))}"
    words = ", ".join(f"{lengths.count(length)} of {length}" for length in sorted(set(lengths)))
    size = f"code words: {words} bits; ROM words of {width} bits; {count} symbols a pass"
    return Proof(name, decodes(lengths, width, count), faults, size, Engine.INDUCTION, depth=1, counterexample_depth=16, quick=quick)


# Complete codes, each with the bits of a ROM word and the symbols of a pass. A code of one length has no limits to compare.
ONE_LENGTH = (((1,), 2, 3), ((1, 1), 2, 3))
LENGTHS = (((1, 2, 2), 2, 3), ((1, 2, 3, 3), 3, 3), ((1, 3, 3, 3, 3), 3, 3), ((2, 2, 2, 3, 3), 3, 3))
QUICK = ((1, 2, 2), (1, 2, 3, 3))
PROOFS = (
    *(_proof(code, width, count, FAULTS[1:], quick=False) for code, width, count in ONE_LENGTH),
    _proof((2, 2, 2, 2), 2, 3, FAULTS[3:], quick=False),  # its code words fill the ROM words, so that nothing is skipped
    *(_proof(code, width, count, FAULTS, quick=code in QUICK) for code, width, count in LENGTHS),
)
