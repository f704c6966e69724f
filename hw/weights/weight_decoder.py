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

        ROM port 0 --> codes (Huffman) --------------> symbols (skid buffer) --+
                                                                               +--> entry --> output
        ROM port 1 --> zero_runs (Huffman) --> run + 1 --> steps (skid buffer) +    position += run + 1

    A position is (group, tap, inner); inner counts fastest and has I values. An entry is run + 1 positions after the one before, at most I,
    so inner carries into the tap at most once. Both possible results are computed at once, and the sign of one chooses::

        next inner = inner + (run + 1)          if inner + (run + 1) - I < 0
                   = inner + (run + 1) - I      otherwise, with carry: tap + 1, and after the last tap of a group the next group

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
        m.submodules.symbols = symbols = SkidBuffer(shape=codes.output.payload.shape())
        wiring.connect(m, codes.output, symbols.input)
        sources = [symbols.output]
        steps = data.StructLayout({"advance": range(weights.inner + 1), "wrapped": signed(ceil_log2(weights.inner) + 1)})
        step: Any = Signal(steps)  # run + 1, and the same minus the positions of a tap
        if weights.zero_runs is None:
            m.d.comb += [step.advance.eq(1), step.wrapped.eq(1 - weights.inner)]
        else:
            m.submodules.zero_runs = zero_runs = HuffmanDecoder(encoded=weights.zero_runs)
            m.submodules.steps = step_buffer = SkidBuffer(shape=steps)
            wiring.connect(m, rom.outputs[1], zero_runs.input)
            advance = Signal(range(weights.inner + 1))
            m.d.comb += [
                advance.eq(Array(Const(run + 1, advance.shape()) for run in weights.run_lengths)[zero_runs.output.payload]),
                step_buffer.input.payload.advance.eq(advance),
                step_buffer.input.payload.wrapped.eq(advance - weights.inner),
                step_buffer.input.valid.eq(zero_runs.output.valid),
                zero_runs.output.ready.eq(step_buffer.input.ready),
                step.eq(step_buffer.output.payload),
            ]
            sources.append(step_buffer.output)

        # The position of the next entry, from that of the entry held back, which is the one before it.
        # Read-back verification finds the registers of the entry by the names that are given here (probes.py).
        entry: Any = Signal(layout, name="entry", init=self._last_entry())
        entry_symbol = Signal.like(symbols.output.payload, name="entry_symbol")
        entry_valid = Signal()
        entry_type = Signal(name="entry_type", init=weights.filter_types[-1])
        wrapped_inner = Signal(signed(ceil_log2(weights.inner) + 2))
        carry = Signal()
        next_group_starts = Signal()
        next_group = Signal.like(entry.group)
        next_tap = Signal.like(entry.tap)
        next_inner = Signal.like(entry.inner)
        next_type = Signal()
        centre = weights.taps // 2
        m.d.comb += [
            wrapped_inner.eq(entry.inner + step.wrapped),
            carry.eq(wrapped_inner >= 0),
            next_inner.eq(Mux(carry, wrapped_inner, entry.inner + step.advance)),
            next_group_starts.eq(carry & (entry_type | (entry.tap == weights.taps - 1))),
            next_group.eq(Mux(next_group_starts, Mux(entry.group == weights.groups - 1, 0, entry.group + 1), entry.group)),
            next_type.eq(Mux(next_group_starts, self._next_filter_type(entry.group), entry_type)),
            next_tap.eq(Mux(next_group_starts, Mux(next_type, centre, 0), entry.tap + carry)),
        ]

        # Move on when both streams have an entry and the output is free: the entry held back goes out, with what the next one says of it.
        ready = Signal()
        m.d.comb += ready.eq((~self.output.valid | self.output.ready) & Cat(source.valid for source in sources).all())
        m.d.comb += [source.ready.eq(ready) for source in sources]
        with m.If(self.output.ready):
            m.d.sync += self.output.valid.eq(0)
        with m.If(ready):
            m.d.sync += [
                entry.group.eq(next_group),
                entry.tap.eq(next_tap),
                entry.inner.eq(next_inner),
                entry.first.eq(next_group_starts),
                entry_type.eq(next_type),
                entry_symbol.eq(symbols.output.payload),
                entry_valid.eq(1),
                self.output.valid.eq(entry_valid),
                self.output.payload.eq(entry),
                self.output.payload.last.eq(next_group_starts),
                self.output.payload.centroid.eq(self._centroid(entry_type, entry_symbol)),
            ]
        return m

    def _last_entry(self) -> Any:
        """The entry at reset has the position of the last entry of a pass, from which the first entry is counted."""
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
