# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The whole pipeline: a picture's bytes in, scores out."""

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..sw.spec import AverageSpec, ConvSpec, EngineSpec, NarrowSpec, Plan, PoolSpec
from .average import GlobalSum, scores
from .conv import ConvEngine
from .pool import MaxPool
from .routing import Fork, Merge, Narrow
from .squeeze import SqueezeEngine
from .words import words


class Engine(wiring.Component):
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
                "input": In(words(spec.parts[0].source.lanes)),
                "output": Out(words(spec.output.lanes)),
                "busy": Out(len(spec.parts)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec = self._spec
        parts = [ConvEngine(spec=part) if isinstance(part, ConvSpec) else SqueezeEngine(spec=part) for part in spec.parts]
        for number, part in enumerate(parts):
            m.submodules[f"part_{number}"] = part
        m.d.comb += self.busy.eq(Cat(part.busy for part in parts))
        if len(parts) == 1:
            wiring.connect(m, wiring.flipped(self.input), parts[0].input)
            wiring.connect(m, parts[0].output, wiring.flipped(self.output))
            return m
        m.submodules.fork = fork = Fork(lanes=spec.parts[0].source.lanes, count=len(parts))
        m.submodules.merge = merge = Merge(lanes=spec.output.lanes, tiles=spec.output.tiles, turns=spec.turns)
        wiring.connect(m, wiring.flipped(self.input), fork.input)
        for part, source, sink in zip(parts, fork.outputs, merge.inputs, strict=True):
            wiring.connect(m, source, part.input)
            wiring.connect(m, part.output, sink)
        wiring.connect(m, merge.output, wiring.flipped(self.output))
        return m


class Accelerator(wiring.Component):
    """A network in hardware.

    Parameters
    ----------
    plan: what the compiler made of the model

    Members
    -------
    input: ``In(stream.Signature(8))``; frames as bytes, row by row, in a row pixel by pixel, in a pixel channel by channel
    output: ``Out(scores(...))``; a frame's scores in the order of the classes
    busy: ``Out(...)``; a bit for each part of each engine: its lanes multiply in this cycle
    """

    input: stream.Interface
    output: stream.Interface
    busy: Signal

    def __init__(self, *, plan: Plan) -> None:
        average = plan.nodes[-1]
        if not isinstance(average, AverageSpec):
            raise ValueError("plan must end with the global average")
        self._plan = plan
        super().__init__(
            {
                "input": In(stream.Signature(unsigned(8))),
                "output": Out(scores(average)),
                "busy": Out(sum(len(engine.parts) for engine in plan.engines)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.picture = source = _Picture()
        wiring.connect(m, wiring.flipped(self.input), source.input)
        output: stream.Interface = source.output
        busy = []
        narrows = 0
        for node in self._plan.nodes:
            match node:
                case EngineSpec(name=name):
                    component = Engine(spec=node)
                    busy.append(component.busy)
                case NarrowSpec():
                    component, name, narrows = Narrow(spec=node), f"narrow{narrows}", narrows + 1
                case PoolSpec(name=name):
                    component = MaxPool(spec=node)
                case AverageSpec(name=name):
                    component = GlobalSum(spec=node)
            m.submodules[name.replace("/", "_")] = component
            wiring.connect(m, output, component.input)
            output = component.output
        wiring.connect(m, output, wiring.flipped(self.output))
        m.d.comb += self.busy.eq(Cat(busy))
        return m


class _Picture(wiring.Component):
    """Bytes as words of a single lane."""

    input: stream.Interface
    output: stream.Interface

    def __init__(self) -> None:
        super().__init__({"input": In(stream.Signature(unsigned(8))), "output": Out(words(1))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += [
            self.output.valid.eq(self.input.valid),
            self.output.payload[0].eq(self.input.payload),
            self.input.ready.eq(self.output.ready),
        ]
        return m
