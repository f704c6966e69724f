# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The streams between components, and small helpers that several of them need."""

from collections.abc import Sequence

from amaranth.hdl import Array, Const, Module, Mux, ShapeLike, Signal, Value, unsigned
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out


def word(lanes: int) -> data.ArrayLayout:
    """One pixel, 0..255, for each lane."""
    return data.ArrayLayout(unsigned(8), lanes)


def words(lanes: int) -> stream.Signature:
    """A stream of words: one pixel, 0..255, for each lane. Rows follow each other, in a row channels, in a channel tiles."""
    return stream.Signature(word(lanes))


def bits_for(count: int) -> int:
    """Width of an index below ``count``."""
    return (count - 1).bit_length()


def lookup(table: Sequence[int], index: Value, width: int) -> Value:
    """The entry of a constant table; ``width`` bits an entry. An index beyond the table gives the last entry."""
    if len(set(table)) == 1:
        return Const(table[0], width)
    return Array(Const(entry, width) for entry in table)[index]


def count_up(m: Module, counter: Signal, count: int) -> None:
    """Step a counter 0 .. count-1 round, at the next clock edge."""
    m.d.sync += counter.eq(counter + 1)
    with m.If(counter == count - 1):
        m.d.sync += counter.eq(0)


class Queue(wiring.Component):
    """A first-in first-out queue of words, for any stream.

    Latency 1 cycle, or 2 in block RAM; throughput one payload a cycle.

    Parameters
    ----------
    shape: of a payload
    depth: payloads it holds, at least 2
    block: they lie in block RAM

    Members
    -------
    input: ``In(stream.Signature(shape))``
    output: ``Out(stream.Signature(shape))``
    """

    input: stream.Interface
    output: stream.Interface

    def __init__(self, *, shape: ShapeLike, depth: int, block: bool = False) -> None:
        if depth < 2:
            raise ValueError(f"depth must be at least 2, not {depth}")
        self._depth = depth
        self._kind = fifo.SyncFIFOBuffered if block else fifo.SyncFIFO
        super().__init__({"input": In(stream.Signature(shape)), "output": Out(stream.Signature(shape))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.fifo = queue = self._kind(width=Value.cast(self.input.payload).shape().width, depth=self._depth)
        m.d.comb += [
            queue.w_data.eq(Value.cast(self.input.payload)),
            queue.w_en.eq(self.input.valid),
            self.input.ready.eq(queue.w_rdy),
            Value.cast(self.output.payload).eq(queue.r_data),
            self.output.valid.eq(queue.r_rdy),
            queue.r_en.eq(self.output.ready),
        ]
        return m


class Relay(wiring.Component):
    """A register in a stream, for payload, valid and ready alike, so that no logic reaches from one side to the other.

    Latency 1 cycle, throughput one payload a cycle.

    Parameters
    ----------
    shape: of a payload

    Members
    -------
    input: ``In(stream.Signature(shape))``
    output: ``Out(stream.Signature(shape))``
    """

    input: stream.Interface
    output: stream.Interface

    def __init__(self, *, shape: ShapeLike) -> None:
        super().__init__({"input": In(stream.Signature(shape)), "output": Out(stream.Signature(shape))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        payload = Value.cast(self.input.payload)
        spare, taken = Signal(payload.shape(), reset_less=True), Signal()  # what came while the output had to wait
        m.d.comb += self.input.ready.eq(~taken)
        with m.If(~self.output.valid | self.output.ready):
            m.d.sync += [self.output.valid.eq(taken | self.input.valid), taken.eq(0)]
            m.d.sync += Value.cast(self.output.payload).eq(Mux(taken, spare, payload))
        with m.Elif(self.input.valid & ~taken):
            m.d.sync += [taken.eq(1), spare.eq(payload)]
        return m
