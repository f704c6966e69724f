# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The skip connection of a Fire module: a broadcast to both branches, a FIFO in the skip branch, an adder that joins them."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...sw.plan.memory_mapping import skip_fifo_depths
from ...sw.plan.nodes import MAX_DISTRIBUTED_FIFO_BITS, BypassSpec, SkipFifoSpec
from ..stream.adapters import Broadcast
from ..stream.fifo import Fifo
from ..stream.signatures import pixel_beat, pixel_stream


class SkipFifo(wiring.Component):
    """The FIFO of a skip branch: cascaded FIFOs, of which the large ones lie in block RAM (``skip_fifo_depths``).

    Throughput: one beat a cycle. Latency: the sum of the FIFOs' latencies, at most 2 cycles each.

    Parameters
    ----------
    spec: what to build; its depth must be at least ``min_depth``

    Members
    -------
    input: ``In(pixel_stream(lanes))``
    output: ``Out(pixel_stream(lanes))``
    """

    input: stream.Interface
    output: stream.Interface

    def __init__(self, *, spec: SkipFifoSpec) -> None:
        if spec.depth < spec.min_depth:
            raise ValueError(f"depth of {spec.name} must be at least {spec.min_depth}, or the pipeline deadlocks, not {spec.depth}")
        self._spec = spec
        super().__init__({"input": In(pixel_stream(spec.source.lanes)), "output": Out(pixel_stream(spec.source.lanes))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        lanes = self._spec.source.lanes
        output: Any = wiring.flipped(self.input)
        for number, depth in enumerate(skip_fifo_depths(self._spec.depth, lanes)):
            fifo = Fifo(shape=pixel_beat(lanes), depth=depth, block=8 * depth * lanes > MAX_DISTRIBUTED_FIFO_BITS)
            m.submodules[f"fifo_{number}"] = fifo
            wiring.connect(m, output, fifo.input)
            output = fifo.output
        wiring.connect(m, output, wiring.flipped(self.output))
        return m


class SkipConnection(wiring.Component):
    """Sends every beat into both branches of a bypass and adds their outputs pixel by pixel, with saturation.

    ::

                 +--> to_main --> Fire module --> from_main --+
        input ---+                                            +--> output = min(from_main + from_skip, 255)
                 +--> to_skip --> SkipFifo ... -> from_skip --+

    The branches themselves are not part of it. Latency: none from ``input``, ADDER_LATENCY cycles to ``output``. Throughput: one beat a
    cycle.

    Parameters
    ----------
    spec: what to build; only its layouts are used

    Members
    -------
    input: ``In(pixel_stream(spec.source.lanes))``
    to_main, to_skip: ``Out(pixel_stream(spec.source.lanes))``
    from_main, from_skip: ``In(pixel_stream(spec.output.lanes))``; their channels in the same order
    output: ``Out(pixel_stream(spec.output.lanes))``
    """

    ADDER_LATENCY = 1

    input: stream.Interface
    to_main: stream.Interface
    to_skip: stream.Interface
    from_main: stream.Interface
    from_skip: stream.Interface
    output: stream.Interface

    def __init__(self, *, spec: BypassSpec) -> None:
        self._spec = spec
        branch_input, branch_output = pixel_stream(spec.source.lanes), pixel_stream(spec.output.lanes)
        super().__init__(
            {
                "input": In(branch_input),
                "to_main": Out(branch_input),
                "to_skip": Out(branch_input),
                "from_main": In(branch_output),
                "from_skip": In(branch_output),
                "output": Out(branch_output),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.broadcast = broadcast = Broadcast(lanes=self._spec.source.lanes, count=2)
        wiring.connect(m, wiring.flipped(self.input), broadcast.input)
        for output, branch in zip(broadcast.outputs, (self.to_main, self.to_skip), strict=True):
            wiring.connect(m, output, wiring.flipped(branch))

        # Take both operands in the same cycle, when both are there and the output register is free.
        operands, output = (self.from_main, self.from_skip), self.output
        advance = Signal()
        both_valid = Signal()
        m.d.comb += [
            advance.eq(~output.valid | output.ready),
            both_valid.eq(self.from_main.valid & self.from_skip.valid),
            *(operand.ready.eq(advance & both_valid) for operand in operands),
        ]
        with m.If(advance):
            m.d.sync += output.valid.eq(both_valid)
            for lane in range(self._spec.output.lanes):
                total = self.from_main.payload[lane] + self.from_skip.payload[lane]
                m.d.sync += output.payload[lane].eq(Mux(total[8], 255, total))
        return m
