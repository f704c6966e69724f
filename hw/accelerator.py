# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The whole pipeline: a picture's bytes in, scores out."""

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


class PartitionedEngine(wiring.Component):
    """The engines of one layer, as one.

    Parameters
    ----------
    spec: what to build

    Members
    -------
    input: ``In(words(lanes of the source))``
    output: ``Out(words(spec.output.lanes))``
    busy: ``Out(number of parts)``; whose lanes multiply in this cycle
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
        parts = [ConvEngine(spec=part) if isinstance(part, ConvSpec) else SqueezeEngine(spec=part) for part in spec.partitions]
        for number, part in enumerate(parts):
            m.submodules[partition_module(number)] = part
        m.d.comb += self.busy.eq(Cat(part.busy for part in parts))
        sinks = list(self._sinks(m, parts))
        if len(sinks) == 1:
            wiring.connect(m, wiring.flipped(self.input), sinks[0])
        else:
            m.submodules.fork = fork = Broadcast(lanes=spec.source.lanes, count=len(sinks))
            wiring.connect(m, wiring.flipped(self.input), fork.input)
            for source, sink in zip(fork.outputs, sinks, strict=True):
                wiring.connect(m, source, sink)
        if len(parts) == 1:
            wiring.connect(m, parts[0].output, wiring.flipped(self.output))
        else:
            m.submodules.merge = merge = Interleaver(lanes=spec.output.lanes, tiles=spec.output.tiles, schedule=spec.schedule)
            for part, sink in zip(parts, merge.inputs, strict=True):
                wiring.connect(m, part.output, sink)
            m.submodules.relay = relay = SkidBuffer(shape=pixel_beat(spec.output.lanes))
            wiring.connect(m, merge.output, relay.input)
            wiring.connect(m, relay.output, wiring.flipped(self.output))
        return m

    def _sinks(self, m: Module, parts: Sequence[Any]) -> Iterator[Any]:
        """Where the engine's input goes: to each squeeze engine, and to the line buffer of each convolution engine or pair of them."""
        readers = 2 if self._spec.paired else 1
        for first in range(0, len(parts), readers):
            group, spec = parts[first : first + readers], self._spec.partitions[first]
            if isinstance(spec, ConvSpec):
                buffer = line_buffer(spec, len(group))
                m.submodules[f"buffer_{first}"] = buffer
                for part, reader in zip(group, buffer.readers, strict=True):
                    wiring.connect(m, part.pixels, reader)
                yield buffer.input
            else:
                yield group[0].input


class Pipeline(wiring.Component):
    """A run of nodes, one behind the other: a Fire module, say, or the whole network.

    Parameters
    ----------
    nodes: what to build; each one's source is the output of the one before

    Members
    -------
    input: ``In(words(lanes of the first node's source))``
    output: ``Out(words(lanes))``, or ``Out(scores(...))`` when the last node is the global average
    busy: ``Out(...)``; a bit for each part of each engine: its lanes begin a multiplication in this cycle
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
        """Build nodes one behind the other, the first behind an output, in the order of ``walk``; returns the last one's output."""
        for node in nodes:
            name = module_name(node, len(self._components))
            component = create_component(node)
            self._components.append(component)
            m.submodules[name] = component
            wiring.connect(m, output, component.input)
            if isinstance(component, SkipConnection) and isinstance(node, BypassSpec):
                wiring.connect(m, self._chain(m, node.main_branch, component.to_path), component.from_path)
                wiring.connect(m, self._chain(m, node.skip_branch, component.to_side), component.from_side)
            output = component.output
        return output


def create_component(node: Node) -> Any:
    """The hardware of one node; of a bypass only the fork and the adder."""
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
    """A network in hardware. Queues at both ends keep the outside's timing apart from the pipeline's.

    Parameters
    ----------
    plan: what the compiler made of the model

    Members
    -------
    input: ``In(stream.Signature(8))``; frames as bytes, row by row, in a row pixel by pixel, in a pixel channel by channel
    output: ``Out(scores(...))``; a frame's scores in the order of the classes
    busy: ``Out(...)``; a bit for each part of each engine: its lanes begin a multiplication in this cycle
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
        m.submodules.incoming = incoming = Fifo(shape=unsigned(8), depth=FIFO_DEPTH)
        m.submodules.outgoing = outgoing = Fifo(shape=score_layout(self._plan.global_sum), depth=FIFO_DEPTH)
        wiring.connect(m, wiring.flipped(self.input), incoming.input)
        m.d.comb += [
            pipeline.input.valid.eq(incoming.output.valid),
            pipeline.input.payload[0].eq(incoming.output.payload),
            incoming.output.ready.eq(pipeline.input.ready),
            self.busy.eq(pipeline.busy),
        ]
        wiring.connect(m, pipeline.output, outgoing.input)
        wiring.connect(m, outgoing.output, wiring.flipped(self.output))
        return m
