# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The compiler: from a model and its engines' shares to the plan that the hardware is generated from.

Any order of channels is as good as another, since the next layer's weights are permuted here; so filters are dealt to engines, and
1x1 and 3x3 filters mixed, in the order that keeps everyone busy (sw/deal.py). Only the scores come in the order of the classes, and
both operands of a bypass in the same order: a simple bypass keeps the order of its Fire module's input.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from .allocate import SQUEEZE_SLOTS, Share, allocate, column_capacities
from .contents import Engine, shelf_of
from .deal import Filter
from .errors import FirebrickError
from .model import Model
from .network import Bypass, Conv, Fire, GlobalAverage, Layer, MaxPool, Shape, stage_layers
from .pace import apart, lead
from .spec import (
    LOGIC_BITS,
    AverageSpec,
    BypassSpec,
    ConvSpec,
    DelaySpec,
    EngineSpec,
    NarrowSpec,
    Node,
    Plan,
    PoolSpec,
    SqueezeSpec,
)
from .strips import Strips


def compile_model(model: Model, lanes: int) -> Plan:
    """The plan for a total number of multiplier lanes."""
    return plan_with(model, allocate(model, lanes))


def plan_with(model: Model, shares: Mapping[str, Share], logic_bits: int = LOGIC_BITS) -> Plan:
    """The plan for given shares, by engine name. Raises FirebrickError where shares do not fit the network or each other.

    ``logic_bits``: up to which the last bank of an engine's ROM is made of logic.
    """
    model.verify()
    return _Compiler(model, shares, logic_bits).run()


class _Compiler:
    def __init__(self, model: Model, shares: Mapping[str, Share], logic_bits: int) -> None:
        self.logic_bits = logic_bits
        self.shelf = shelf_of(model)
        self.model = model
        self.shares = shares
        self.nodes: list[Node] = []
        width = model.network.input.width
        self.strips = Strips.natural(lanes=1, tiles=width, width=width)
        self.order = list(range(model.network.input.channels))
        self.raster = True

    def run(self) -> Plan:
        network = self.model.network
        shapes = network.shapes()
        capacities = column_capacities(network)
        if not isinstance(network.stages[0], Conv):
            raise FirebrickError(f"network {network.name}: the first stage must be a convolution to be built in hardware")
        for index, stage in enumerate(network.stages):
            shape, output, capacity = shapes[index], shapes[index + 1], capacities[index]
            layers = stage_layers(stage, shape)
            match stage:
                case Conv(name=name):
                    self.convolution(name, layers, capacity, self.order_of(index))
                case Fire(name=name, bypass=Bypass.NONE):
                    self.squeeze(f"{name}/squeeze", layers[0])
                    self.convolution(f"{name}/expand", layers[1:], capacity, self.order_of(index))
                case Fire():
                    self.fire_with_bypass(stage, layers, capacity, self.order_of(index))
                case MaxPool(name=name):
                    self.pool(name, shape, output, capacity)
                case GlobalAverage(name=name):
                    self.nodes.append(AverageSpec(name, self.strips, shape.channels, shape.height))
        return Plan(network.name, tuple(self.nodes))

    def order_of(self, index: int) -> list[int]:
        """The order in which a stage's filters come: one that suits all engines whose words are added to them or to their sums."""
        stages, shapes = self.model.network.stages, self.model.network.shapes()
        engines: list[Engine] = []
        for place, stage in enumerate(stages[index:], index):
            match stage:
                case Fire(bypass=Bypass.SIMPLE) if place == index:
                    return self.order
                case GlobalAverage():
                    return list(range(shapes[-1].channels))
                case Fire(name=name, bypass=bypass) if place == index or bypass is Bypass.SIMPLE:
                    layers = stage_layers(stage, shapes[place])
                    expand = [layer for layer in layers if "/expand" in layer.name]
                    engines.append(self.dealt(f"{name}/expand", expand))
                    if bypass is Bypass.COMPLEX:
                        engines.append(self.dealt(f"{name}/bypass", layers[-1:]))
                case Conv(name=name) if place == index:
                    engines.append(self.dealt(name, stage_layers(stage, shapes[place])))
                case MaxPool():
                    pass
                case _:
                    break
        return self.shelf.common_order(engines)

    def fire_with_bypass(self, fire: Fire, layers: Sequence[Layer], capacity: int, order: Sequence[int]) -> None:
        """A Fire module and its bypass: both read the stream that comes here, and both give the same channels in the same order."""
        name, complex_ = fire.name, fire.bypass is Bypass.COMPLEX
        before, entering = self.nodes, (self.strips, self.order)
        self.nodes = []
        squeeze = self.squeeze(f"{name}/squeeze", layers[0])
        expand = self.convolution(f"{name}/expand", layers[1:-1] if complex_ else layers[1:], capacity, order)
        path, leaving = tuple(self.nodes), self.strips
        self.nodes, (self.strips, self.order) = [], entering
        rows = min(max(layer.conv.padding for layer in layers) + 1, layers[0].input.height)
        words = layers[0].input.channels * self.strips.tiles
        slack = apart(squeeze, expand) * self.strips.tiles
        if complex_:
            self.delay(f"{name}/delay", (rows - 1) * words + slack, 0)
            side = self.convolution(f"{name}/bypass", layers[-1:], capacity, order)
            self.delay(f"{name}/lead", lead(expand, side) * self.strips.tiles, 0)
        else:
            self.delay(f"{name}/delay", rows * words + slack, rows * words - 1)
        if self.strips != leaving:
            lanes = f"{self.strips.lanes} and {leaving.lanes}"
            raise FirebrickError(f"stage {name}: both operands of a bypass must come in words of equally many lanes, not {lanes}")
        self.nodes = [*before, BypassSpec(name, path, tuple(self.nodes), entering[0], self.strips)]

    def delay(self, name: str, depth: int, least: int) -> None:
        self.nodes.append(DelaySpec(name, self.strips, max(2, depth), least))

    def convolution(self, name: str, layers: Sequence[Layer], capacity: int, order: Sequence[int]) -> EngineSpec:
        """A filter-major engine; of several layers the last has the largest kernel, and the others are its centre tap."""
        share = self.share(name, capacity)
        main = layers[-1]
        kernel = main.conv.kernel
        if not self.raster:
            self.narrow(share.lanes)
        contents = self.shelf.filter_major(self.dealt(name, layers), self.order, order)
        output = Strips.natural(lanes=share.lanes, tiles=capacity // share.lanes, width=main.output.width)
        parts = tuple(
            ConvSpec(
                source=self.strips,
                raster=self.raster,
                channels=main.input.channels,
                height=main.input.height,
                output=output,
                output_height=main.output.height,
                kernel=kernel,
                stride=main.conv.stride,
                padding=main.conv.padding,
                slots=kernel + main.conv.stride,
                weights=replace(weights, logic_bits=self.logic_bits),
                arithmetic=arithmetic,
            )
            for weights, arithmetic in contents.parts
        )
        return self.engine(name, layers, parts, contents.rounds)

    def squeeze(self, name: str, layer: Layer) -> EngineSpec:
        """A channel-major engine."""
        share = self.share(name, self.strips.lanes * self.strips.tiles)
        self.narrow(share.lanes)
        if share.lanes > self.strips.lanes:
            raise FirebrickError(f"engine {name}: lanes must be at most its source's, {self.strips.lanes}, not {share.lanes}")
        contents = self.shelf.channel_major(self.dealt(name, [layer]), self.order)
        parts = tuple(
            SqueezeSpec(
                source=self.strips,
                channels=layer.input.channels,
                height=layer.input.height,
                slots=SQUEEZE_SLOTS,
                weights=replace(weights, logic_bits=self.logic_bits),
                arithmetic=arithmetic,
            )
            for weights, arithmetic in contents.parts
        )
        return self.engine(name, [layer], parts, contents.rounds)

    def pool(self, name: str, shape: Shape, output: Shape, capacity: int) -> None:
        """A pooling stage with the lanes of its source."""
        lanes = self.strips.lanes
        if capacity % lanes or not self.strips.is_natural or self.raster:
            raise FirebrickError(f"stage {name}: the lanes before pooling must divide {capacity}, not {lanes}")
        strips = Strips.natural(lanes=lanes, tiles=capacity // lanes, width=output.width)
        self.nodes.append(PoolSpec(name, self.strips, shape.channels, shape.height, strips))
        self.strips = strips

    def engine(
        self, name: str, layers: Sequence[Layer], parts: tuple[ConvSpec, ...] | tuple[SqueezeSpec, ...], rounds: list[list[Filter]]
    ) -> EngineSpec:
        turns = tuple(len(one) for one in rounds)
        self.strips = parts[0].output
        self.order = [one.channel for one_round in rounds for one in one_round]
        macs = sum(layer.macs for layer in layers)
        engine = EngineSpec(name, tuple(layer.name for layer in layers), parts, turns, tuple(self.order), macs)
        self.nodes.append(engine)
        self.raster = False
        return engine

    def share(self, name: str, capacity: int | None = None) -> Share:
        """What an engine is given; its lanes must divide the capacity."""
        share = self.shares.get(name)
        if share is None:
            raise FirebrickError(f"engine {name}: no share of the lanes is given; the engines with one are {', '.join(self.shares)}")
        if share.splits < 1:
            raise FirebrickError(f"engine {name}: splits must be at least 1, not {share.splits}")
        if capacity is not None and (share.lanes < 1 or capacity % share.lanes):
            raise FirebrickError(f"engine {name}: lanes must divide {capacity}, not {share.lanes}")
        return share

    def narrow(self, lanes: int) -> None:
        """Fit the stream to an engine of fewer lanes; one of more lanes takes narrow words into its buffer."""
        wide = self.strips.lanes
        if wide % lanes and lanes % wide:
            raise FirebrickError(f"words of {wide} lanes cannot feed an engine of {lanes}: one must divide the other")
        if lanes < wide:
            self.nodes.append(NarrowSpec(self.strips, lanes))
            self.strips = self.strips.narrowed(lanes)

    def dealt(self, name: str, layers: Sequence[Layer]) -> Engine:
        """An engine and the parts that its filters are dealt to."""
        return Engine(name, tuple(layers), self.share(name).splits)
