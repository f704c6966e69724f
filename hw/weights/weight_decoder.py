# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From the weight ROMs to weights and their places: one non-zero weight a cycle."""

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
    """One weight: its integer, its place, and whether it begins or ends its group."""
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
    """Sends the entries of an engine's weights from first to last, in a circle, for ever.

    Codes and gaps are decoded from the two ports of one ROM, neither waiting for the other, and joined here. Position (group, tap,
    inner) advances by gap + 1, which carries once at most. Whether an entry is the last of its group shows when the next one is
    placed, so one entry is held back.
    Throughput is one entry a cycle, but for one cycle a pass.

    Parameters
    ----------
    weights: the encoded weights

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
        m.submodules.rom = rom = Rom(lists=[one.words for one in encoded], width=weights.codes.width, logic_bits=weights.lut_rom_bits)
        m.submodules.codes = codes = HuffmanDecoder(encoded=weights.codes)
        wiring.connect(m, rom.outputs[0], codes.input)
        m.submodules.ranks = ranks = SkidBuffer(shape=codes.output.payload.shape())
        wiring.connect(m, codes.output, ranks.input)
        sources = [ranks.output]
        steps = data.StructLayout({"on": range(weights.inner + 1), "back": signed(ceil_log2(weights.inner) + 1)})
        step: Any = Signal(steps)  # how far to the entry's place, and how far with the next tap's first place as zero
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

        # Where the next entry lies. The held entry is the one before it.
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
            kind.eq(Mux(wrap, self._next_kind(held.group), held_kind)),
            tap.eq(Mux(wrap, Mux(kind, centre, 0), held.tap + carry)),
        ]

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
        """What is held at reset: the place of the last entry, so that the first one is placed after it."""
        tap, inner = self._weights.last
        return {"group": self._weights.groups - 1, "tap": tap, "inner": inner}

    def _next_kind(self, group: Value) -> Value:
        """The kind of the group that follows, as a constant table."""
        kinds = self._weights.filter_types
        return lookup(kinds[1:] + kinds[:1], group, 1)

    def _centroid(self, kind: Value, rank: Value) -> Value:
        """The codebooks: from kind and rank to the weight."""
        size = 1 << len(rank)
        books = [book + (0,) * (size - len(book)) for book in self._weights.codebooks]
        shape = signed(self._weights.centroid_bits)
        table = Array(Const(centroid, shape) for book in books for centroid in book)
        return table[Cat(rank, kind) if len(books) > 1 else rank]
