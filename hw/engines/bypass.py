# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The connection round a Fire module: a fork in front of both, a delay, an adder behind them."""

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
    """Keeps words in their order until they are asked for: queues one behind the other, large ones in block RAM.

    Throughput is one word a cycle; latency at most 2 cycles a queue.

    Parameters
    ----------
    spec: what to build; it must not hold fewer words than the least

    Members
    -------
    input: ``In(words(lanes))``
    output: ``Out(words(lanes))``
    """

    input: stream.Interface
    output: stream.Interface

    def __init__(self, *, spec: SkipFifoSpec) -> None:
        if spec.depth < spec.min_depth:
            raise ValueError(f"depth of {spec.name} must be at least {spec.min_depth}, or the pipeline comes to a halt, not {spec.depth}")
        self._spec = spec
        super().__init__({"input": In(pixel_stream(spec.source.lanes)), "output": Out(pixel_stream(spec.source.lanes))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        lanes = self._spec.source.lanes
        output: Any = wiring.flipped(self.input)
        for number, depth in enumerate(skip_fifo_depths(self._spec.depth, lanes)):
            queue = Fifo(shape=pixel_beat(lanes), depth=depth, block=8 * depth * lanes > MAX_DISTRIBUTED_FIFO_BITS)
            m.submodules[f"queue_{number}"] = queue
            wiring.connect(m, output, queue.input)
            output = queue.output
        wiring.connect(m, output, wiring.flipped(self.output))
        return m


class SkipConnection(wiring.Component):
    """Sends every word both into a Fire module and round it, and adds what comes back, pixel by pixel, with saturation at 255.

    No latency at the fork, 1 cycle at the adder; throughput is one word a cycle at each.

    Parameters
    ----------
    spec: what to build; the nodes of its path and its side are the surroundings' business

    Members
    -------
    input: ``In(words(spec.source.lanes))``
    to_path, to_side: ``Out(words(spec.source.lanes))``
    from_path, from_side: ``In(words(spec.output.lanes))``; both operands in the same order
    output: ``Out(words(spec.output.lanes))``
    """

    input: stream.Interface
    to_path: stream.Interface
    to_side: stream.Interface
    from_path: stream.Interface
    from_side: stream.Interface
    output: stream.Interface

    def __init__(self, *, spec: BypassSpec) -> None:
        self._spec = spec
        before, behind = pixel_stream(spec.source.lanes), pixel_stream(spec.output.lanes)
        super().__init__(
            {
                "input": In(before),
                "to_path": Out(before),
                "to_side": Out(before),
                "from_path": In(behind),
                "from_side": In(behind),
                "output": Out(behind),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.fork = fork = Broadcast(lanes=self._spec.source.lanes, count=2)
        wiring.connect(m, wiring.flipped(self.input), fork.input)
        for output, end in zip(fork.outputs, (self.to_path, self.to_side), strict=True):
            wiring.connect(m, output, wiring.flipped(end))

        operands, output = (self.from_path, self.from_side), self.output
        advance, both = Signal(), Signal()
        m.d.comb += [
            advance.eq(~output.valid | output.ready),
            both.eq(self.from_path.valid & self.from_side.valid),
            *(operand.ready.eq(advance & both) for operand in operands),
        ]
        with m.If(advance):
            m.d.sync += output.valid.eq(both)
            for lane in range(self._spec.output.lanes):
                total = self.from_path.payload[lane] + self.from_side.payload[lane]
                m.d.sync += output.payload[lane].eq(Mux(total[8], 255, total))
        return m
