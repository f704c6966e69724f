# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The weight decoder behind its Huffman decoders: any symbols and zero runs become the weight entries that they encode.

Its two Huffman decoders and their ROM are replaced by streams of any symbols; `huffman_decoder` proves of the decoders what these are.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any
from unittest.mock import patch

from amaranth.hdl import Array, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ....hw.weights import weight_decoder as weight_decoder_module
from ....hw.weights.weight_decoder import WeightDecoder
from ....sw.coding.streams import EncodedWeights, HuffmanStream
from ..bench import Bench, transfer
from ..internals import internals
from ..proof import Engine, Fault, Proof
from .streams import drive

NUMBER_BITS = 3
"""Of the numbers of entries: more than are in flight, two in each skid buffer and two behind it."""


class AnySymbols(wiring.Component):
    """Takes the place of a Huffman decoder, or of the ROM in front of it. The bench drives its output."""

    def __init__(self, *, encoded: HuffmanStream | None = None, lists: Sequence[object] = (), **_parameters: object) -> None:
        symbol = unsigned(max(1, (len(encoded.lengths) - 1).bit_length()) if encoded else 1)
        super().__init__({"input": In(stream.Signature(unsigned(1))), "output": Out(stream.Signature(symbol))})
        self.outputs = [stream.Signature(unsigned(1)).create() for _ in lists]

    def elaborate(self, _platform: object) -> Module:
        """Nothing."""
        return Module()


def entries(weights: EncodedWeights) -> Callable[[Bench], None]:
    """The proof for the shape, codebooks and run lengths of ``weights``; any words stand for its streams."""

    def build(bench: Bench) -> None:
        """WeightDecoder: the n-th entry has the n-th symbol's weight, lies where n zero runs lead, and says if it is first or last."""
        m = bench.m
        dut = WeightDecoder(weights=weights)
        with patch.multiple(weight_decoder_module, Rom=AnySymbols, HuffmanDecoder=AnySymbols):
            inside = internals(dut)
        m.submodules.dut = dut
        m.d.comb += dut.output.ready.eq(bench.free(1, "ready"))
        joined = Signal(NUMBER_BITS)  # entries taken from the skid buffers
        m.d.sync += joined.eq(joined + inside["ready"])

        # What was put in, by number.
        symbols = Numbered(bench, inside["codes"].output, inside["symbols"], joined, len(weights.codes.lengths), "symbol")
        step: Value = Const(1)
        if weights.zero_runs is not None:
            runs = Numbered(bench, inside["zero_runs"].output, inside["step_buffer"], joined, len(weights.run_lengths), "run")
            step = _step(weights, runs.head)
            payload = inside["step_buffer"].output.payload
            for waiting, run in ((payload, runs.head), (data.View(payload.shape(), runs.inside["spare"]), runs.behind)):
                valid = runs.output_valid if run is runs.head else runs.spare_valid
                with m.If(valid):
                    bench.ensure(waiting.advance == _step(weights, run), "a step is one more than the run")
                    bench.ensure(waiting.wrapped == waiting.advance - weights.inner, "and is known without the positions of a tap")
        buffered: Any = inside["symbols"]
        with m.If(symbols.output_valid):
            bench.ensure(buffered.output.payload == symbols.head, "symbols wait in order")
        with m.If(symbols.spare_valid):
            bench.ensure(symbols.inside["spare"] == symbols.behind, "symbols wait in order")

        # Where the entry held back must lie, and the one on the output.
        sizes = [weights.inner if filter_type else weights.inner * weights.taps for filter_type in weights.filter_types]
        starts = [0, *accumulate(sizes)]
        total = starts[-1]
        held = Place(m, weights, starts, inside["entry"], inside["entry_type"], "held")
        offered = Place(m, weights, starts, dut.output.payload, None, "offered")
        tap, inner = weights.last
        last = starts[-2] + (inner if weights.filter_types[-1] else tap * weights.inner + inner)
        expected = Signal(range(total), init=last)
        expected_offered = Signal(range(total))
        expected_first = Signal()
        expected_first_offered = Signal()
        after = Signal(range(2 * total))
        wraps = Signal()
        m.d.comb += [after.eq(expected + step), wraps.eq(after >= total)]
        ends = Array(Const(end, range(total + 1)) for end in starts[1:])
        with m.If(inside["ready"]):
            m.d.sync += [
                expected.eq(Mux(wraps, after - total, after)),
                expected_offered.eq(expected),
                expected_first.eq(after >= ends[inside["entry"].group]),
                expected_first_offered.eq(expected_first),
            ]
        for place, where, valid in ((held, expected, Const(1)), (offered, expected_offered, dut.output.valid)):
            with m.If(valid):
                bench.ensure(place.exists, "the position exists")
                bench.ensure(place.flat == where, "the position is the sum of the steps")
        with m.If(inside["entry_valid"]):
            bench.ensure(inside["entry"].first == expected_first, "the first entry of a group is marked")
        with m.If(dut.output.valid):
            bench.ensure(inside["entry_valid"], "one entry is held back")
            bench.ensure(dut.output.payload.first == expected_first_offered, "the first entry of a group is marked")
            bench.ensure(dut.output.payload.last == expected_first, "the last entry of a group is the one before the next group's first")
        with m.If(~inside["entry_valid"]):
            bench.ensure((joined == 0) & (expected == last), "the first entry is counted from the last one of a pass")
        with m.If(inside["entry_valid"]):
            bench.ensure(inside["entry_symbol"] == symbols.board[(joined - 1)[:NUMBER_BITS]], "the symbol is that of the entry")
        with m.If(dut.output.valid):
            symbol = symbols.board[(joined - 2)[:NUMBER_BITS]]
            codebooks = Array(Array(Const(c, range(-1 << 15, 1 << 15)) for c in codebook) for codebook in weights.codebooks)
            centroid = codebooks[offered.filter_type][symbol] if len(weights.codebooks) > 1 else codebooks[0][symbol]
            bench.ensure(dut.output.payload.centroid == centroid, "the weight is that of the symbol")
        out = transfer(dut.output)
        popped = Signal(NUMBER_BITS)
        m.d.sync += popped.eq(popped + out)
        bench.ensure((popped + dut.output.valid + inside["entry_valid"])[:NUMBER_BITS] == joined, "entries come out in order")
        bench.reaches(out & (expected_offered != 0))
        if weights.inner <= 3:  # in larger groups, the last entry comes after more cycles than are searched for counterexamples
            bench.reaches(out & dut.output.payload.last)

    return build


def _step(weights: EncodedWeights, run: Value) -> Value:
    """One more than the zeros that a symbol of the zero runs stands for."""
    return Array(Const(length + 1, range(weights.inner + 1)) for length in weights.run_lengths)[run]


class Numbered:
    """A stream of any symbols into a skid buffer, and the symbols by number: ``head`` is next at its output, ``behind`` after it."""

    def __init__(self, bench: Bench, source: Any, buffer: Any, taken: Signal, count: int, name: str) -> None:
        m = bench.m
        self.inside = internals(buffer)
        drive(bench, source, name)
        bench.assume(source.payload < count, f"each {name} is of the alphabet")
        pushed = Signal(NUMBER_BITS, name=f"{name}s_pushed")
        self.board = Array(Signal(source.payload.shape(), name=f"{name}_{number}") for number in range(1 << NUMBER_BITS))
        with m.If(transfer(source)):
            m.d.sync += [pushed.eq(pushed + 1), self.board[pushed].eq(source.payload)]
        self.output_valid, self.spare_valid = buffer.output.valid, self.inside["spare_full"]
        self.head, self.behind = self.board[taken], self.board[(taken + 1)[:NUMBER_BITS]]
        waiting = (taken + self.output_valid + self.spare_valid)[:NUMBER_BITS]
        bench.ensure(waiting == pushed, f"no {name} is lost or repeated")
        bench.ensure(~self.spare_valid | self.output_valid, f"the {name} buffer fills from its output")
        for entry in self.board:
            bench.ensure(entry < count, f"each {name} is of the alphabet")


class Place:
    """The position of an entry as one number, counted through all groups."""

    def __init__(self, m: Module, weights: EncodedWeights, starts: list[int], entry: Any, filter_type: Value | None, name: str) -> None:
        types = Array(Const(kind, 1) for kind in weights.filter_types)
        self.filter_type = Signal(name=f"{name}_type")
        self.flat = Signal(range(starts[-1] + 2 * weights.inner * weights.taps), name=f"{name}_flat")
        self.exists = Signal(name=f"{name}_exists")
        start = Array(Const(start, range(starts[-1])) for start in starts[:-1])[entry.group]
        m.d.comb += [
            self.filter_type.eq(types[entry.group]),
            self.flat.eq(start + Mux(self.filter_type, 0, entry.tap * weights.inner) + entry.inner),
            self.exists.eq(
                (entry.group < weights.groups)
                & (entry.inner < weights.inner)
                & Mux(self.filter_type, entry.tap == weights.taps // 2, entry.tap < weights.taps)
                & (1 if filter_type is None else filter_type == self.filter_type)
            ),
        ]


FAULTS = (
    Fault(weight_decoder_module, "carry.eq(wrapped_inner >= 0)", "carry.eq(wrapped_inner > 0)"),
    Fault(weight_decoder_module, "carry & (entry_type | (entry.tap == weights.taps - 1))", "carry & (entry.tap == weights.taps - 1)"),
    Fault(weight_decoder_module, "self.output.payload.last.eq(next_group_starts)", "self.output.payload.last.eq(entry.first)"),
    Fault(weight_decoder_module, "self._centroid(entry_type, entry_symbol)", "self._centroid(entry_type, symbols.output.payload)"),
    Fault(weight_decoder_module, "init=self._last_entry()", 'init={"group": 0}'),
)


def _weights(
    inner: int, taps: int, filter_types: tuple[int, ...], symbols: int, runs: tuple[int, ...], last: tuple[int, int]
) -> EncodedWeights:
    """The parameters of a decoder; its streams have any words."""
    code = HuffmanStream(lengths=(1,) * symbols, width=9, words=(), count=1, bits=0)
    return EncodedWeights(
        inner=inner,
        taps=taps,
        filter_types=filter_types,
        codes=code,
        codebooks=tuple(tuple((-1) ** n * (7 * n + 3 + book) for n in range(symbols)) for book in range(max(filter_types) + 1)),
        zero_runs=HuffmanStream(lengths=(1,) * len(runs), width=9, words=(), count=1, bits=0) if runs else None,
        run_lengths=runs or (0,),
        last=last,
        entries_per_group=(1,) * len(filter_types),
    )


def _proof(name: str, weights: EncodedWeights, faults: tuple[Fault, ...] = FAULTS, *, quick: bool = True) -> Proof:
    """A proof for one shape of weights."""
    runs = f"{len(weights.run_lengths)} zero runs" if weights.zero_runs else "no zero runs"
    shape = f"{weights.groups} groups of {weights.taps} taps of {weights.inner}, {len(weights.codebooks[0])} symbols, {runs}"
    return Proof(name, entries(weights), faults, shape, Engine.INDUCTION, depth=1, counterexample_depth=12, quick=quick)


PROOFS = (
    _proof("weight_decoder", _weights(3, 3, (0, 1, 1, 0), 3, (0, 1, 2), (2, 1))),
    _proof("weight_decoder_dense", _weights(2, 1, (0, 0, 0), 3, (), (0, 1)), FAULTS[2:4]),
    _proof("weight_decoder_large", _weights(64, 9, (0, 1) * 8, 256, tuple(range(64)), (4, 63)), quick=False),
)
