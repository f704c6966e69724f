# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The whole accelerator: the bytes of images in, scores out."""

from collections.abc import Iterator, Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..sw.plan.nodes import (
    BypassSpec,
    ConvSpec,
    DownsizerSpec,
    EngineSpec,
    GlobalSumSpec,
    MaxPoolSpec,
    Node,
    Plan,
    SerializerSpec,
    SkipFifoSpec,
    walk,
)
from .engines.bypass import SkipConnection, SkipFifo
from .engines.conv import ConvEngine, line_buffer
from .engines.global_sum import GlobalSum, score_layout, score_stream
from .engines.max_pool import MaxPoolEngine
from .engines.squeeze import SqueezeEngine
from .module_names import module_name, partition_module
from .stream.adapters import Broadcast, Downsizer, Interleaver, Serializer
from .stream.fifo import Fifo
from .stream.signatures import pixel_beat, pixel_stream
from .stream.skid_buffer import SkidBuffer

FIFO_DEPTH = 4
"""Depth of the FIFOs at both ends of the accelerator: enough for one beat a cycle."""


class PartitionedEngine(wiring.Component):
    """The engine of one layer: its partitions with their line buffers, as one component.

    ::

                               +--> line buffer --> partition 0 --+
        input --> broadcast ---+                                  +--> interleaver --> skid buffer --> output
                               +--> line buffer --> partition 1 --+

    Each partition computes some of the layer's filters from the same input. Two partitions share a line buffer when the engine is paired.
    A squeeze engine has a buffer of its own inside.

    Parameters
    ----------
    spec: what to build

    Members
    -------
    input: ``In(pixel_stream(spec.source.lanes))``
    output: ``Out(pixel_stream(spec.output.lanes))``
    busy: ``Out(number of partitions)``; whose lanes multiply in this cycle
    """

    input: stream.Interface
    output: stream.Interface
    busy: Signal

    def __init__(self, *, spec: EngineSpec) -> None:
        self._spec = spec
        super().__init__(
            {
                "input": In(pixel_stream(spec.source.lanes)),
                "output": Out(pixel_stream(spec.output.lanes)),
                "busy": Out(len(spec.partitions)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec = self._spec
        partitions = [
            ConvEngine(spec=partition) if isinstance(partition, ConvSpec) else SqueezeEngine(spec=partition)
            for partition in spec.partitions
        ]
        for index, partition in enumerate(partitions):
            m.submodules[partition_module(index)] = partition
        m.d.comb += self.busy.eq(Cat(partition.busy for partition in partitions))
        sinks = list(self._sinks(m, partitions))
        if len(sinks) == 1:
            wiring.connect(m, wiring.flipped(self.input), sinks[0])
        else:
            m.submodules.broadcast = broadcast = Broadcast(lanes=spec.source.lanes, count=len(sinks))
            wiring.connect(m, wiring.flipped(self.input), broadcast.input)
            for source, sink in zip(broadcast.outputs, sinks, strict=True):
                wiring.connect(m, source, sink)
        if len(partitions) == 1:
            wiring.connect(m, partitions[0].output, wiring.flipped(self.output))
        else:
            m.submodules.interleaver = interleaver = Interleaver(lanes=spec.output.lanes, tiles=spec.output.tiles, schedule=spec.schedule)
            for partition, sink in zip(partitions, interleaver.inputs, strict=True):
                wiring.connect(m, partition.output, sink)
            m.submodules.skid_buffer = skid_buffer = SkidBuffer(shape=pixel_beat(spec.output.lanes))
            wiring.connect(m, interleaver.output, skid_buffer.input)
            wiring.connect(m, skid_buffer.output, wiring.flipped(self.output))
        return m

    def _sinks(self, m: Module, partitions: Sequence[Any]) -> Iterator[Any]:
        """Where the input goes: to the line buffer of each convolution engine or pair of them, or to each squeeze engine."""
        readers = 2 if self._spec.paired else 1
        for first in range(0, len(partitions), readers):
            group, spec = partitions[first : first + readers], self._spec.partitions[first]
            if isinstance(spec, ConvSpec):
                buffer = line_buffer(spec, len(group))
                m.submodules[f"line_buffer_{first}"] = buffer
                for partition, reader in zip(group, buffer.readers, strict=True):
                    wiring.connect(m, partition.pixels, reader)
                yield buffer.input
            else:
                yield group[0].input


class Pipeline(wiring.Component):
    """Nodes connected in series: a Fire module, say, or the whole network.

    Parameters
    ----------
    nodes: what to build; the source layout of each is the output layout of the one before

    Members
    -------
    input: ``In(pixel_stream(lanes of the first node's source))``
    output: ``Out(pixel_stream(lanes))``, or ``Out(score_stream(...))`` when the last node is the global average
    busy: ``Out(...)``; a bit for each partition of each engine: its lanes begin a multiplication in this cycle
    """

    input: stream.Interface
    output: stream.Interface
    busy: Signal

    def __init__(self, *, nodes: Sequence[Node]) -> None:
        self._nodes = tuple(nodes)
        first, last = nodes[0], nodes[-1]
        super().__init__(
            {
                "input": In(pixel_stream(first.source.lanes)),
                "output": Out(score_stream(last) if isinstance(last, GlobalSumSpec) else pixel_stream(last.output.lanes)),
                "busy": Out(sum(len(node.partitions) for node in walk(nodes) if isinstance(node, EngineSpec))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self._components: list[Any] = []
        output = self._chain(m, self._nodes, wiring.flipped(self.input))
        wiring.connect(m, output, wiring.flipped(self.output))
        m.d.comb += self.busy.eq(Cat(component.busy for component in self._components if isinstance(component, PartitionedEngine)))
        return m

    def _chain(self, m: Module, nodes: Sequence[Node], output: Any) -> Any:
        """Builds nodes in series behind an output, in the order of ``walk``. Returns the output of the last one."""
        for node in nodes:
            name = module_name(node, len(self._components))
            component = create_component(node)
            self._components.append(component)
            m.submodules[name] = component
            wiring.connect(m, output, component.input)
            if isinstance(component, SkipConnection) and isinstance(node, BypassSpec):
                wiring.connect(m, self._chain(m, node.main_branch, component.to_main), component.from_main)
                wiring.connect(m, self._chain(m, node.skip_branch, component.to_skip), component.from_skip)
            output = component.output
        return output


def create_component(node: Node) -> Any:
    """The hardware of one node; of a bypass only its skip connection, without the branches."""
    match node:
        case EngineSpec():
            return PartitionedEngine(spec=node)
        case DownsizerSpec():
            return Downsizer(spec=node)
        case SerializerSpec():
            return Serializer(spec=node)
        case MaxPoolSpec():
            return MaxPoolEngine(spec=node)
        case GlobalSumSpec():
            return GlobalSum(spec=node)
        case SkipFifoSpec():
            return SkipFifo(spec=node)
        case BypassSpec():
            return SkipConnection(spec=node)


class Accelerator(wiring.Component):
    """A network in hardware. FIFOs at both ends cut the combinational paths between the pipeline and its surroundings.

    Parameters
    ----------
    plan: what to build, as the compiler planned it

    Members
    -------
    input: ``In(stream.Signature(8))``; images as bytes in channels-last order: row by row, pixel by pixel, channel by channel
    output: ``Out(score_stream(plan.global_sum))``; the scores of a frame in the order of the classes
    busy: ``Out(...)``; a bit for each partition of each engine: its lanes begin a multiplication in this cycle
    """

    input: stream.Interface
    output: stream.Interface
    busy: Signal

    def __init__(self, *, plan: Plan) -> None:
        self._plan = plan
        super().__init__(
            {
                "input": In(stream.Signature(unsigned(8))),
                "output": Out(score_stream(plan.global_sum)),
                "busy": Out(sum(len(engine.partitions) for engine in plan.engines)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.pipeline = pipeline = Pipeline(nodes=self._plan.nodes)
        m.submodules.input_fifo = input_fifo = Fifo(shape=unsigned(8), depth=FIFO_DEPTH)
        m.submodules.output_fifo = output_fifo = Fifo(shape=score_layout(self._plan.global_sum), depth=FIFO_DEPTH)
        wiring.connect(m, wiring.flipped(self.input), input_fifo.input)
        m.d.comb += [
            pipeline.input.valid.eq(input_fifo.output.valid),
            pipeline.input.payload[0].eq(input_fifo.output.payload),
            input_fifo.output.ready.eq(pipeline.input.ready),
            self.busy.eq(pipeline.busy),
        ]
        wiring.connect(m, pipeline.output, output_fifo.input)
        wiring.connect(m, output_fifo.output, wiring.flipped(self.output))
        return m
