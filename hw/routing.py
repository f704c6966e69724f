# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Plumbing between engines: narrower words, one stream to several engines, several engines' words to one stream."""

from collections.abc import Sequence

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..sw.spec import NarrowSpec
from .words import count_up, lookup, words


class Narrow(wiring.Component):
    """Sends each word as several of fewer lanes (``Strips.narrowed``). No latency, one narrow word a cycle.

    Parameters
    ----------
    spec: what to build

    Members
    -------
    input: ``In(words(spec.source.lanes))``
    output: ``Out(words(spec.lanes))``
    """

    input: stream.Interface
    output: stream.Interface

    def __init__(self, *, spec: NarrowSpec) -> None:
        self._spec = spec
        super().__init__({"input": In(words(spec.source.lanes)), "output": Out(words(spec.lanes))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        ratio = self._spec.source.lanes // self._spec.lanes
        part = Signal(range(ratio))
        m.d.comb += [
            self.output.valid.eq(self.input.valid),
            self.input.ready.eq(self.output.ready & (part == ratio - 1)),
        ]
        with m.If(self.output.valid & self.output.ready):
            count_up(m, part, ratio)
        with m.Switch(part):
            for number in range(ratio):
                with m.Case(number):
                    for lane in range(self._spec.lanes):
                        m.d.comb += self.output.payload[lane].eq(self.input.payload[lane * ratio + number])
        return m


class Fork(wiring.Component):
    """Sends every word to each of several outputs, which may take it at different times. No latency, one word a cycle.

    Parameters
    ----------
    lanes: pixels in a word
    count: number of outputs, ``output_0`` and so on

    Members
    -------
    input: ``In(words(lanes))``
    """

    input: stream.Interface

    def __init__(self, *, lanes: int, count: int) -> None:
        self._count = count
        super().__init__({"input": In(words(lanes)), **{f"output_{number}": Out(words(lanes)) for number in range(count)}})

    @property
    def outputs(self) -> list[stream.Interface]:
        """The outputs in order."""
        return [getattr(self, f"output_{number}") for number in range(self._count)]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        done = Signal(self._count)  # outputs that have taken this word already
        takes = Signal(self._count)
        m.d.comb += self.input.ready.eq((done | takes).all())
        for number, output in enumerate(self.outputs):
            m.d.comb += [
                output.valid.eq(self.input.valid & ~done[number]),
                output.payload.eq(self.input.payload),
                takes[number].eq(output.ready),
            ]
        with m.If(self.input.valid):
            m.d.sync += done.eq(done | takes)
            with m.If(self.input.ready):
                m.d.sync += done.eq(0)
        return m


class Merge(wiring.Component):
    """Sends the words of several inputs in a fixed order: in each round, the words of one filter from each input that has a turn.

    No latency, one word a cycle.

    Parameters
    ----------
    lanes: pixels in a word
    tiles: words of one filter
    turns: for each round, how many inputs, from the first on, have a turn; rounds repeat for ever

    Members
    -------
    output: ``Out(words(lanes))``
    """

    output: stream.Interface

    def __init__(self, *, lanes: int, tiles: int, turns: Sequence[int]) -> None:
        self._tiles = tiles
        self._turns = tuple(turns)
        super().__init__({"output": Out(words(lanes)), **{f"input_{number}": In(words(lanes)) for number in range(max(turns))}})

    @property
    def inputs(self) -> list[stream.Interface]:
        """The inputs in order."""
        return [getattr(self, f"input_{number}") for number in range(max(self._turns))]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        count = max(self._turns)
        tile, turn, round_ = Signal(range(max(2, self._tiles))), Signal(range(max(2, count))), Signal(range(max(2, len(self._turns))))
        with m.Switch(turn):
            for number, source in enumerate(self.inputs):
                with m.Case(number):
                    m.d.comb += [
                        self.output.valid.eq(source.valid),
                        self.output.payload.eq(source.payload),
                        source.ready.eq(self.output.ready),
                    ]
        last = lookup([turns - 1 for turns in self._turns], round_, len(turn))
        with m.If(self.output.valid & self.output.ready):
            count_up(m, tile, self._tiles)
            with m.If(tile == self._tiles - 1):
                m.d.sync += turn.eq(turn + 1)
                with m.If(turn == last):
                    m.d.sync += turn.eq(0)
                    count_up(m, round_, len(self._turns))
        return m
