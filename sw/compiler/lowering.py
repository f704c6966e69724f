# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The compiler: from a model and its engines' shares to the plan that the hardware is generated from.

Any order of channels is as good as another, since the next layer's weights are permuted here; so filters are dealt to engines, and
1x1 and 3x3 filters mixed, in the order that keeps everyone busy (sw/compiler/partitioning.py). Only the scores come in the order of the
classes, and both operands of a bypass in the same order: a simple bypass keeps the order of its Fire module's input.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..coding.streams import LUT_ROM_BITS
from ..errors import FirebrickError
from ..model.quantized import Model
from ..network.graph import Bypass, Conv, Fire, GlobalAverage, Layer, MaxPool, Shape, stage_layers
from ..plan.lane_layout import LaneLayout
from ..plan.nodes import (
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
    SqueezeSpec,
    walk,
)
from .engine_config import EngineConfig
from .engine_weights import EngineLayers, weights_cache
from .fifo_sizing import apart, lead
from .lane_allocation import allocate
from .partitioning import Filter
from .throughput import frame_cycles
from .workload import SQUEEZE_SLOTS


def compile_model(model: Model, lanes: int) -> Plan:
    """The plan for a total number of multiplier lanes."""
    return plan_with(model, allocate(model, lanes))


def plan_with(model: Model, shares: Mapping[str, EngineConfig], logic_bits: int = LUT_ROM_BITS) -> Plan:
    """The plan for given shares, by engine name. Raises FirebrickError where shares do not fit the network or each other.

    ``logic_bits``: up to which the last bank of an engine's ROM is made of logic.
    """
    model.verify()
    return _Compiler(model, shares, logic_bits).run()


class _Compiler:
    def __init__(self, model: Model, shares: Mapping[str, EngineConfig], logic_bits: int) -> None:
        self.logic_bits = logic_bits
        self.shelf = weights_cache(model)
        self.model = model
        self.shares = shares
        self.nodes: list[Node] = []
        width = model.network.input.width
        self.strips = LaneLayout.natural(lanes=1, tiles=width, width=width)
        self.order = list(range(model.network.input.channels))
        self.raster = True
        self.burst = 1
        """Channels that come at once: one from each part of the engine before."""

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
                    self.nodes.append(GlobalSumSpec(name, self.strips, shape.channels, shape.height))
        return Plan(network.name, tuple(self.nodes), frame_cycles(self.nodes))

    def order_of(self, index: int) -> list[int]:
        """The order in which a stage's filters come: one that suits all engines whose words are added to them or to their sums."""
        stages, shapes = self.model.network.stages, self.model.network.shapes()
        engines: list[EngineLayers] = []
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
        self.nodes.append(SkipFifoSpec(name, self.strips, max(2, depth), least))

    def convolution(self, name: str, layers: Sequence[Layer], order: Sequence[int]) -> EngineSpec:
        """A filter-major engine; of several layers the last has the largest kernel, and the others are its centre tap."""
        main = layers[-1]
        share = self.share(name, main.output.width)
        kernel = main.conv.kernel
        output = _strips(share, main.output.width)
        if not self.raster:
            self.narrow(output.tiles * main.conv.stride)
        contents = self.shelf.filter_major(self.dealt(name, layers), self.order, order)
        parts = tuple(
            ConvSpec(
                source=self.strips,
                channels_last=self.raster,
                channels=main.input.channels,
                height=main.input.height,
                output=output,
                output_height=main.output.height,
                kernel=kernel,
                stride=main.conv.stride,
                padding=main.conv.padding,
                slots=kernel + main.conv.stride,
                weights=replace(weights, lut_rom_bits=self.logic_bits),
                arithmetic=replace(arithmetic, lut_multipliers=share.lut_multipliers),
                distributed=share.distributed,
            )
            for weights, arithmetic in contents.partitions
        )
        return self.engine(name, layers, parts, contents.rounds)

    def squeeze(self, name: str, layer: Layer) -> EngineSpec:
        """A channel-major engine."""
        share, burst = self.share(name, layer.output.width), self.burst
        output = _strips(share, layer.output.width)
        self.narrow(output.tiles)
        contents = self.shelf.channel_major(self.dealt(name, [layer]), self.order)
        parts = tuple(
            SqueezeSpec(
                source=self.strips,
                channels=layer.input.channels,
                height=layer.input.height,
                output=output,
                slots=SQUEEZE_SLOTS * burst,
                weights=replace(weights, lut_rom_bits=self.logic_bits),
                arithmetic=replace(arithmetic, lut_multipliers=share.lut_multipliers),
            )
            for weights, arithmetic in contents.partitions
        )
        return self.engine(name, [layer], parts, contents.rounds)

    def pool(self, name: str, shape: Shape, output: Shape) -> None:
        """A pooling stage with the lanes of its source, or a single one where pixels come one by one."""
        engine = [node for node in walk(self.nodes) if isinstance(node, EngineSpec)][-1]
        if self.strips.lanes > 1 and (self.share(engine.name).serialized or self.strips.tiles % 2):
            one_by_one = SerializerSpec(self.strips, shape.channels, shape.height)
            self.nodes.append(one_by_one)
            self.strips = one_by_one.output
        tiles = output.width if self.strips.lanes == 1 else self.strips.tiles // 2
        strips = LaneLayout.natural(lanes=self.strips.lanes, tiles=tiles, width=output.width)
        self.nodes.append(MaxPoolSpec(name, self.strips, shape.channels, shape.height, strips))
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
        self.raster, self.burst = False, len(parts)
        return engine

    def share(self, name: str, width: int | None = None) -> EngineConfig:
        """What an engine is given; of its lanes, none may be without columns."""
        share = self.shares.get(name)
        if share is None:
            raise FirebrickError(f"engine {name}: no share of the lanes is given; the engines with one are {', '.join(self.shares)}")
        if share.partitions < 1:
            raise FirebrickError(f"engine {name}: splits must be at least 1, not {share.partitions}")
        if width is not None and not 1 <= share.lanes <= width:
            raise FirebrickError(f"engine {name}: lanes must be 1 to {width}, its output's columns, not {share.lanes}")
        return share

    def narrow(self, tiles: int) -> None:
        """Fit the stream to an engine whose strips have so many columns."""
        lanes = self.strips.lanes_for(tiles)
        if lanes < self.strips.lanes:
            self.nodes.append(DownsizerSpec(self.strips, lanes))
            self.strips = self.strips.downsized(lanes)

    def dealt(self, name: str, layers: Sequence[Layer]) -> EngineLayers:
        """An engine and the parts that its filters are dealt to."""
        return EngineLayers(name, tuple(layers), self.share(name).partitions)


def _strips(share: EngineConfig, width: int) -> LaneLayout:
    """How an engine's lanes own the columns of its output."""
    return LaneLayout.natural(lanes=share.lanes, tiles=-(-width // share.lanes), width=width)
