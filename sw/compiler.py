# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The compiler: from a model and its engines' shares to the plan that the hardware is generated from.

Any order of channels is as good as another, since the next layer's weights are permuted here; so filters are dealt to engines, and
1x1 and 3x3 filters mixed, in the order that keeps everyone busy (sw/deal.py). Only the scores come in the order of the classes, and
both operands of a bypass in the same order: a simple bypass keeps the order of its Fire module's input.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .allocate import allocate
from .deal import Deck, Filter, common_order, deal
from .demand import SQUEEZE_SLOTS, Share
from .errors import FirebrickError
from .model import Model, QuantizedLayer
from .network import Bypass, Conv, Fire, GlobalAverage, Layer, MaxPool, Shape, stage_layers
from .pace import apart, lead
from .schedule import Group, schedule
from .spec import (
    LOGIC_BITS,
    Arithmetic,
    AverageSpec,
    BypassSpec,
    ConvSpec,
    DelaySpec,
    EngineSpec,
    NarrowSpec,
    Node,
    Plan,
    PoolSpec,
    SerialSpec,
    SqueezeSpec,
    walk,
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
        if not isinstance(network.stages[0], Conv):
            raise FirebrickError(f"network {network.name}: the first stage must be a convolution to be built in hardware")
        for index, stage in enumerate(network.stages):
            shape, output = shapes[index], shapes[index + 1]
            layers = stage_layers(stage, shape)
            match stage:
                case Conv(name=name):
                    self.convolution(name, layers, self.order_of(index))
                case Fire(name=name, bypass=Bypass.NONE):
                    self.squeeze(f"{name}/squeeze", layers[0])
                    self.convolution(f"{name}/expand", layers[1:], self.order_of(index))
                case Fire():
                    self.fire_with_bypass(stage, layers, self.order_of(index))
                case MaxPool(name=name):
                    self.pool(name, shape, output)
                case GlobalAverage(name=name):
                    self.nodes.append(AverageSpec(name, self.strips, shape.channels, shape.height))
        return Plan(network.name, tuple(self.nodes))

    def order_of(self, index: int) -> list[int]:
        """The order in which a stage's filters come: one that suits all engines whose words are added to them or to their sums."""
        stages, shapes = self.model.network.stages, self.model.network.shapes()
        decks: list[Deck] = []
        for place, stage in enumerate(stages[index:], index):
            match stage:
                case Fire(bypass=Bypass.SIMPLE) if place == index:
                    return self.order
                case GlobalAverage():
                    return list(range(shapes[-1].channels))
                case Fire(name=name, bypass=bypass) if place == index or bypass is Bypass.SIMPLE:
                    layers = stage_layers(stage, shapes[place])
                    expand = [layer for layer in layers if "/expand" in layer.name]
                    decks.append(self.deck(f"{name}/expand", expand))
                    if bypass is Bypass.COMPLEX:
                        decks.append(self.deck(f"{name}/bypass", layers[-1:]))
                case Conv(name=name) if place == index:
                    decks.append(self.deck(name, stage_layers(stage, shapes[place])))
                case MaxPool():
                    pass
                case _:
                    break
        return common_order(decks)

    def fire_with_bypass(self, fire: Fire, layers: Sequence[Layer], order: Sequence[int]) -> None:
        """A Fire module and its bypass: both read the stream that comes here, and both give the same channels in the same order."""
        name, complex_ = fire.name, fire.bypass is Bypass.COMPLEX
        before, entering = self.nodes, (self.strips, self.order)
        self.nodes = []
        squeeze = self.squeeze(f"{name}/squeeze", layers[0])
        expand = self.convolution(f"{name}/expand", layers[1:-1] if complex_ else layers[1:], order)
        path, leaving = tuple(self.nodes), self.strips
        self.nodes, (self.strips, self.order) = [], entering
        rows = min(max(layer.conv.padding for layer in layers) + 1, layers[0].input.height)
        words = layers[0].input.channels * self.strips.tiles
        slack = apart(squeeze, expand) * self.strips.tiles
        if complex_:
            self.delay(f"{name}/delay", (rows - 1) * words + slack, 0)
            side = self.convolution(f"{name}/bypass", layers[-1:], order)
            self.delay(f"{name}/lead", lead(expand, side) * self.strips.tiles, 0)
        else:
            self.delay(f"{name}/delay", rows * words + slack, rows * words - 1)
        if self.strips != leaving:
            lanes = f"{self.strips.lanes} and {leaving.lanes}"
            raise FirebrickError(f"stage {name}: both operands of a bypass must come in words of equally many lanes, not {lanes}")
        self.nodes = [*before, BypassSpec(name, path, tuple(self.nodes), entering[0], self.strips)]

    def delay(self, name: str, depth: int, least: int) -> None:
        self.nodes.append(DelaySpec(name, self.strips, max(2, depth), least))

    def convolution(self, name: str, layers: Sequence[Layer], order: Sequence[int]) -> EngineSpec:
        """A filter-major engine; of several layers the last has the largest kernel, and the others are its centre tap."""
        main = layers[-1]
        share = self.share(name, main.output.width)
        kernel = main.conv.kernel
        output = _strips(share, main.output.width)
        if not self.raster:
            self.narrow(output.tiles * main.conv.stride)
        rounds = deal(self.deck(name, layers), order)
        parts = []
        for part in range(share.splits):
            mine = [one[part] for one in rounds if part < len(one)]
            groups = [Group(one.kind, self.taps(one)) for one in mine]
            parts.append(
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
                    weights=schedule(groups, inner=main.input.channels, taps=kernel**2, logic_bits=self.logic_bits),
                    arithmetic=self.arithmetic(mine),
                    distributed=share.distributed,
                )
            )
        return self.engine(name, layers, tuple(parts), rounds)

    def squeeze(self, name: str, layer: Layer) -> EngineSpec:
        """A channel-major engine."""
        share = self.share(name, layer.output.width)
        output = _strips(share, layer.output.width)
        self.narrow(output.tiles)
        deck = self.deck(name, [layer])
        rounds = deal(deck, common_order([deck]))
        parts = []
        for part in range(share.splits):
            mine = [one[part] for one in rounds if part < len(one)]
            quantized = self.model.layers[layer.name]
            weights = quantized.codebook[quantized.codes[[one.index for one in mine], :, 0, 0]]
            ends = (0, len(self.order) - 1)
            groups = [Group(0, weights[:, channel], required=place in ends) for place, channel in enumerate(self.order)]
            parts.append(
                SqueezeSpec(
                    source=self.strips,
                    channels=layer.input.channels,
                    height=layer.input.height,
                    output=output,
                    slots=SQUEEZE_SLOTS,
                    weights=schedule(groups, inner=len(mine), taps=1, logic_bits=self.logic_bits),
                    arithmetic=self.arithmetic(mine),
                )
            )
        return self.engine(name, [layer], tuple(parts), rounds)

    def pool(self, name: str, shape: Shape, output: Shape) -> None:
        """A pooling stage with the lanes of its source, or a single one where pixels come one by one."""
        engine = [node for node in walk(self.nodes) if isinstance(node, EngineSpec)][-1]
        if self.strips.lanes > 1 and (self.share(engine.name).serial or self.strips.tiles % 2):
            one_by_one = SerialSpec(self.strips, shape.channels, shape.height)
            self.nodes.append(one_by_one)
            self.strips = one_by_one.output
        tiles = output.width if self.strips.lanes == 1 else self.strips.tiles // 2
        strips = Strips.natural(lanes=self.strips.lanes, tiles=tiles, width=output.width)
        self.nodes.append(PoolSpec(name, self.strips, shape.channels, shape.height, strips))
        self.strips = strips

    def engine(
        self, name: str, layers: Sequence[Layer], parts: tuple[ConvSpec, ...] | tuple[SqueezeSpec, ...], rounds: list[list[Filter]]
    ) -> EngineSpec:
        turns = tuple(len(one) for one in rounds)
        self.strips = parts[0].output
        self.order = [one.channel for one_round in rounds for one in one_round]
        macs = sum(layer.macs for layer in layers)
        paired = self.share(name).paired and len(parts) > 1
        engine = EngineSpec(name, tuple(layer.name for layer in layers), parts, turns, tuple(self.order), macs, paired)
        self.nodes.append(engine)
        self.raster = False
        return engine

    def share(self, name: str, width: int | None = None) -> Share:
        """What an engine is given; of its lanes, none may be without columns."""
        share = self.shares.get(name)
        if share is None:
            raise FirebrickError(f"engine {name}: no share of the lanes is given; the engines with one are {', '.join(self.shares)}")
        if share.splits < 1:
            raise FirebrickError(f"engine {name}: splits must be at least 1, not {share.splits}")
        if width is not None and not 1 <= share.lanes <= width:
            raise FirebrickError(f"engine {name}: lanes must be 1 to {width}, its output's columns, not {share.lanes}")
        return share

    def narrow(self, tiles: int) -> None:
        """Fit the stream to an engine whose strips have so many columns."""
        lanes = self.strips.lanes_for(tiles)
        if lanes < self.strips.lanes:
            self.nodes.append(NarrowSpec(self.strips, lanes))
            self.strips = self.strips.narrowed(lanes)

    def deck(self, name: str, layers: Sequence[Layer]) -> Deck:
        """The filters of an engine; output channels are counted through its layers."""
        found: list[Filter] = []
        for layer in layers:
            kind = int(layer.conv.kernel < layers[-1].conv.kernel)
            counts = np.count_nonzero(self.model.layers[layer.name].weights, axis=(1, 2, 3))
            found += [Filter(kind, layer.name, i, len(found) + i, int(count)) for i, count in enumerate(counts)]
        return Deck(found, self.share(name).splits)

    def taps(self, one: Filter) -> NDArray[np.int32]:
        """A filter's weights in the order (tap, channel of the stream)."""
        layer = self.model.layers[one.layer]
        return layer.codebook[layer.codes[one.index, self.order].transpose(1, 2, 0).reshape(-1)]

    def arithmetic(self, filters: Sequence[Filter]) -> Arithmetic:
        layers: dict[str, QuantizedLayer] = {one.layer: self.model.layers[one.layer] for one in filters}
        return Arithmetic(
            start=tuple(int(self.model.layers[one.layer].start[one.index]) for one in filters),
            bits=max(layer.accumulator_bits for layer in layers.values()),
            shift=next(iter(layers.values())).shift,
        )


def _strips(share: Share, width: int) -> Strips:
    """How an engine's lanes own the columns of its output."""
    return Strips.natural(lanes=share.lanes, tiles=-(-width // share.lanes), width=width)
