# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Decodes an engine's weight ROM to weight entries, each a weight with its position, one a cycle."""

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Shape, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import Out
from amaranth.utils import ceil_log2

from ...sw.coding.streams import EncodedWeights
from ..stream.skid_buffer import SkidBuffer
from ..utils import lookup
from .huffman_decoder import HuffmanDecoder
from .rom import Rom


def entry_layout(weights: EncodedWeights) -> data.StructLayout:
    """A weight entry: its integer, its position, and whether it is the first or last of its group."""
    return data.StructLayout(
        {
            "centroid": signed(weights.centroid_bits),
            "group": Shape.cast(range(max(2, weights.groups))),
            "tap": Shape.cast(range(max(2, weights.taps))),
            "inner": Shape.cast(range(max(2, weights.inner))),
            "first": 1,
            "last": 1,
        }
    )


class WeightDecoder(wiring.Component):
    """Sends the weight entries of an engine's partition from first to last, over and over.

    One ROM holds two Huffman streams, of codebook symbols and of the zero runs before each weight. They are decoded side by side, neither
    waiting for the other, and joined::

        ROM port 0 --> codes (Huffman) --> ranks (skid buffer) ---- symbol ----+
                                                                               +--> held entry --> output
        ROM port 1 --> gaps (Huffman) --> run + 1 --> steps (skid buffer) -----+    position += run + 1

    A position is (group, tap, inner); inner counts fastest and has I values. An entry is run + 1 positions after the one before, at most I,
    so inner carries into the tap at most once. Both possible results are computed at once, and the sign of one chooses::

        on   = inner + (run + 1)          if no carry
        back = inner + (run + 1) - I      if back >= 0: carry, tap + 1; and after the last tap of a group the next group

    Groups of filter type 1 only have the centre tap. Whether an entry is the last of its group is known when the next one has its position,
    so one entry is held back.

    Throughput is one entry a cycle, except for one cycle a pass.

    Parameters
    ----------
    weights: the encoded weights of the partition

    Members
    -------
    output: ``Out(stream.Signature(entry_layout(weights)))``
    """

    output: stream.Interface

    def __init__(self, *, weights: EncodedWeights) -> None:
        self._weights = weights
        super().__init__({"output": Out(stream.Signature(entry_layout(weights)))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        weights = self._weights
        layout = entry_layout(weights)
        encoded = [weights.codes] if weights.zero_runs is None else [weights.codes, weights.zero_runs]
        m.submodules.rom = rom = Rom(
            lists=[stream.words for stream in encoded], width=weights.codes.width, lut_rom_bits=weights.lut_rom_bits
        )
        m.submodules.codes = codes = HuffmanDecoder(encoded=weights.codes)
        wiring.connect(m, rom.outputs[0], codes.input)
        m.submodules.ranks = ranks = SkidBuffer(shape=codes.output.payload.shape())
        wiring.connect(m, codes.output, ranks.input)
        sources = [ranks.output]
        steps = data.StructLayout({"on": range(weights.inner + 1), "back": signed(ceil_log2(weights.inner) + 1)})
        step: Any = Signal(steps)  # run + 1, and the same minus the positions of a tap
        if weights.zero_runs is None:
            m.d.comb += [step.on.eq(1), step.back.eq(1 - weights.inner)]
        else:
            m.submodules.gaps = gaps = HuffmanDecoder(encoded=weights.zero_runs)
            m.submodules.steps = placed = SkidBuffer(shape=steps)
            wiring.connect(m, rom.outputs[1], gaps.input)
            on = Signal(range(weights.inner + 1))
            m.d.comb += [
                on.eq(Array(Const(gap + 1, on.shape()) for gap in weights.run_lengths)[gaps.output.payload]),
                placed.input.payload.on.eq(on),
                placed.input.payload.back.eq(on - weights.inner),
                placed.input.valid.eq(gaps.output.valid),
                gaps.output.ready.eq(placed.input.ready),
                step.eq(placed.output.payload),
            ]
            sources.append(placed.output)

        # The position of the next entry, from that of the held entry, which is the one before it.
        held: Any = Signal(layout, init=self._last_entry())
        held_rank = Signal.like(ranks.output.payload)
        held_valid = Signal()
        held_kind = Signal(init=weights.filter_types[-1])
        back = Signal(signed(ceil_log2(weights.inner) + 2))
        carry, wrap = Signal(), Signal()
        group, tap, inner, kind = Signal.like(held.group), Signal.like(held.tap), Signal.like(held.inner), Signal()
        centre = weights.taps // 2
        m.d.comb += [
            back.eq(held.inner + step.back),
            carry.eq(back >= 0),
            inner.eq(Mux(carry, back, held.inner + step.on)),
            wrap.eq(carry & (held_kind | (held.tap == weights.taps - 1))),
            group.eq(Mux(wrap, Mux(held.group == weights.groups - 1, 0, held.group + 1), held.group)),
            kind.eq(Mux(wrap, self._next_filter_type(held.group), held_kind)),
            tap.eq(Mux(wrap, Mux(kind, centre, 0), held.tap + carry)),
        ]

        # Move on when both streams have an entry and the output is free. The held entry goes out; the next one tells if it was the last.
        ready = Signal()
        m.d.comb += ready.eq((~self.output.valid | self.output.ready) & Cat(source.valid for source in sources).all())
        m.d.comb += [source.ready.eq(ready) for source in sources]
        with m.If(self.output.ready):
            m.d.sync += self.output.valid.eq(0)
        with m.If(ready):
            m.d.sync += [
                held.group.eq(group),
                held.tap.eq(tap),
                held.inner.eq(inner),
                held.first.eq(wrap),
                held_kind.eq(kind),
                held_rank.eq(ranks.output.payload),
                held_valid.eq(1),
                self.output.valid.eq(held_valid),
                self.output.payload.eq(held),
                self.output.payload.last.eq(wrap),
                self.output.payload.centroid.eq(self._centroid(held_kind, held_rank)),
            ]
        return m

    def _last_entry(self) -> Any:
        """The held position at reset: that of the last entry of a pass, from which the first entry is counted."""
        tap, inner = self._weights.last
        return {"group": self._weights.groups - 1, "tap": tap, "inner": inner}

    def _next_filter_type(self, group: Value) -> Value:
        """The filter type of the group after ``group``, a constant table."""
        types = self._weights.filter_types
        return lookup(types[1:] + types[:1], group, 1)

    def _centroid(self, filter_type: Value, symbol: Value) -> Value:
        """The codebooks: from filter type and symbol to the weight."""
        size = 1 << len(symbol)
        codebooks = [codebook + (0,) * (size - len(codebook)) for codebook in self._weights.codebooks]
        shape = signed(self._weights.centroid_bits)
        table = Array(Const(centroid, shape) for codebook in codebooks for centroid in codebook)
        return table[Cat(symbol, filter_type) if len(codebooks) > 1 else symbol]
