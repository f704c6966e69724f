# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Lowering: from a model and its engines' configurations to the plan that the hardware is generated from.

The order of channels between two layers is free, because the weights of the next layer are permuted here. It is chosen so that partitions
are balanced and 1x1 and 3x3 filters alternate (sw/compiler/partitioning.py). Two orders are fixed: scores come in the order of the classes,
and both operands of a bypass in one order, so a simple bypass keeps the order of its Fire module's input.
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
    EngineSpec,
    GlobalSumSpec,
    MaxPoolSpec,
    Node,
    Plan,
    SerializerSpec,
    SkipFifoSpec,
    SqueezeSpec,
)
from .engine_config import SQUEEZE_SLOTS, EngineConfig
from .engine_weights import EngineLayers, EngineWeights, weights_cache
from .fifo_sizing import fifo_depth, max_skew
from .lane_allocation import allocate
from .stream_state import Lowered, StreamState, downsized, output_layout
from .throughput import frame_cycles
from .workload import needs_single_lane

MIN_FIFO_DEPTH = 2
"""Words that a skip FIFO holds at least."""


def compile_model(model: Model, lanes: int) -> Plan:
    """The plan for a total number of multipliers. Raises FirebrickError if there are fewer than engines."""
    return plan_with(model, allocate(model, lanes))


def plan_with(model: Model, configs: Mapping[str, EngineConfig], lut_rom_bits: int = LUT_ROM_BITS) -> Plan:
    """The plan for given configurations, by engine name.

    ``lut_rom_bits`` is the largest last bank of an engine's ROM, in bits, that is made a LUT ROM. Raises FirebrickError if configurations
    do not fit the network or each other.
    """
    model.verify()
    return _Lowering(model, configs, lut_rom_bits).plan()


class _Lowering:
    """Lowers stages one by one: each method takes the stream that enters and returns nodes with the stream that leaves."""

    def __init__(self, model: Model, configs: Mapping[str, EngineConfig], lut_rom_bits: int) -> None:
        self.model = model
        self.configs = configs
        self.lut_rom_bits = lut_rom_bits
        self.weights = weights_cache(model)
        self.stages = model.network.stages
        self.shapes = model.network.shapes()

    def plan(self) -> Plan:
        network = self.model.network
        if not isinstance(network.stages[0], Conv):
            raise FirebrickError(f"network {network.name}: the first stage must be a convolution to be built in hardware")
        image = network.input
        layout = LaneLayout.natural(lanes=1, tiles=image.width, width=image.width)
        stream = StreamState(layout, tuple(range(image.channels)), channels_last=True)
        nodes: list[Node] = []
        for index in range(len(network.stages)):
            stage_nodes, stream = self.stage(index, stream)
            nodes += stage_nodes
        return Plan(network.name, tuple(nodes), frame_cycles(nodes))

    def stage(self, index: int, stream: StreamState) -> Lowered:
        stage, shape, output = self.stages[index], self.shapes[index], self.shapes[index + 1]
        layers = stage_layers(stage, shape)
        match stage:
            case Conv(name=name):
                return self.convolution(name, layers, self.output_order(index, stream), stream)
            case Fire(bypass=Bypass.NONE):
                return self.fire(stage, layers, self.output_order(index, stream), stream)
            case Fire():
                return self.fire_with_bypass(stage, layers, self.output_order(index, stream), stream)
            case MaxPool():
                return self.pool(stage, shape, output, stream)
            case GlobalAverage(name=name):
                return (GlobalSumSpec(name, stream.layout, shape.channels, shape.height, self.model.zero_point),), stream

    def output_order(self, index: int, stream: StreamState) -> Sequence[int]:
        """The order of a stage's output channels.

        It balances all engines that compute this order: those of the stage, and of further stages whose bypass adds to the same channels.
        """
        engines: list[EngineLayers] = []
        for later, stage in enumerate(self.stages[index:], index):
            match stage:
                case Fire(bypass=Bypass.SIMPLE) if later == index:
                    return stream.channel_order
                case GlobalAverage():
                    return range(self.shapes[-1].channels)
                case Fire(name=name, bypass=bypass) if later == index or bypass is Bypass.SIMPLE:
                    layers = stage_layers(stage, self.shapes[later])
                    engines.append(self.engine_layers(f"{name}/expand", [layer for layer in layers if "/expand" in layer.name]))
                    if bypass is Bypass.COMPLEX:
                        engines.append(self.engine_layers(f"{name}/bypass", layers[-1:]))
                case Conv(name=name) if later == index:
                    engines.append(self.engine_layers(name, stage_layers(stage, self.shapes[later])))
                case MaxPool():
                    pass
                case _:
                    break
        return self.weights.common_order(engines)

    def fire(self, fire: Fire, layers: Sequence[Layer], order: Sequence[int], stream: StreamState) -> Lowered:
        """The squeeze engine and the expand engine of a Fire module."""
        squeeze_layer, *expand_layers = layers
        squeeze_nodes, squeezed = self.squeeze(f"{fire.name}/squeeze", squeeze_layer, stream)
        expand_nodes, expanded = self.convolution(f"{fire.name}/expand", expand_layers, order, squeezed)
        return (*squeeze_nodes, *expand_nodes), expanded

    def fire_with_bypass(self, fire: Fire, layers: Sequence[Layer], order: Sequence[int], stream: StreamState) -> Lowered:
        """A Fire module and its bypass: both read one stream, and both send the same channels in the same order."""
        is_complex = fire.bypass is Bypass.COMPLEX
        main_branch, main = self.fire(fire, layers[:-1] if is_complex else layers, order, stream)
        squeeze, expand = (node for node in main_branch if isinstance(node, EngineSpec))
        # The main branch reads this many rows before it sends its first: the skip branch must store them.
        rows = min(max(layer.conv.padding for layer in layers) + 1, layers[0].input.height)
        row_words = layers[0].input.channels * stream.layout.tiles
        skew = max_skew(squeeze, expand) * stream.layout.tiles
        skip_branch: tuple[Node, ...]
        if is_complex:
            convolution, skip = self.convolution(f"{fire.name}/bypass", layers[-1:], order, stream)
            *_, engine = (node for node in convolution if isinstance(node, EngineSpec))
            depth = fifo_depth(expand, engine) * skip.layout.tiles
            skip_branch = (
                _skip_fifo(f"{fire.name}/skip_fifo", stream, (rows - 1) * row_words + skew, 0),
                *convolution,
                _skip_fifo(f"{fire.name}/bypass_fifo", skip, depth, 0),
            )
        else:
            skip = replace(stream, producer=main.producer)
            skip_branch = (_skip_fifo(f"{fire.name}/skip_fifo", stream, rows * row_words + skew, rows * row_words - 1),)
        if skip.layout != main.layout:
            lanes = f"{skip.layout.lanes} and {main.layout.lanes}"
            raise FirebrickError(f"stage {fire.name}: both operands of a bypass must come in words of equally many lanes, not {lanes}")
        return (BypassSpec(fire.name, main_branch, skip_branch, stream.layout, skip.layout),), skip

    def convolution(self, name: str, layers: Sequence[Layer], order: Sequence[int], stream: StreamState) -> Lowered:
        """A filter-major engine. Of several layers, the last has the largest kernel, and the others use its centre tap."""
        main = layers[-1]
        kernel, stride = main.conv.kernel, main.conv.stride
        config = self.config(name, main.output.width)
        output = output_layout(config, main.output.width)
        if config.wide_words and output.tiles != 2:
            raise FirebrickError(f"engine {name}: fast lanes whose line buffer is shared or distributed need 2 tiles, not {output.tiles}")
        buffer_tiles = config.buffer_tiles(output.tiles, stride)
        # Pixels of an image are single already.
        adapters, source = ((), stream.layout) if stream.channels_last else downsized(stream.layout, buffer_tiles)
        weights = self.weights.filter_major(self.engine_layers(name, layers), stream.channel_order, order)
        partitions = tuple(
            ConvSpec(
                source=source,
                channels_last=stream.channels_last,
                channels=main.input.channels,
                height=main.input.height,
                output=output,
                output_height=main.output.height,
                kernel=kernel,
                stride=stride,
                padding=main.conv.padding,
                slots=kernel + stride,
                weights=replace(encoded, lut_rom_bits=self.lut_rom_bits),
                arithmetic=replace(arithmetic, lut_multipliers=config.lut_multipliers),
                distributed=config.distributed,
                fast=config.fast,
                wide_words=config.wide_words,
            )
            for encoded, arithmetic in weights.partitions
        )
        engine = _engine(name, layers, partitions, weights, config)
        return (*adapters, engine), StreamState(output, engine.channel_order, producer=config)

    def squeeze(self, name: str, layer: Layer, stream: StreamState) -> Lowered:
        """A channel-major engine."""
        config = self.config(name, layer.output.width)
        output = output_layout(config, layer.output.width)
        adapters, source = downsized(stream.layout, output.tiles)
        weights = self.weights.channel_major(self.engine_layers(name, [layer]), stream.channel_order)
        partitions = tuple(
            SqueezeSpec(
                source=source,
                channels=layer.input.channels,
                height=layer.input.height,
                output=output,
                slots=SQUEEZE_SLOTS * stream.burst,
                weights=replace(encoded, lut_rom_bits=self.lut_rom_bits),
                arithmetic=replace(arithmetic, lut_multipliers=config.lut_multipliers),
            )
            for encoded, arithmetic in weights.partitions
        )
        engine = _engine(name, [layer], partitions, weights, config)
        return (*adapters, engine), StreamState(output, engine.channel_order, producer=config)

    def pool(self, pool: MaxPool, shape: Shape, output: Shape, stream: StreamState) -> Lowered:
        """A pooling with the lanes of its source, or with a single one behind a serialiser, where it needs that."""
        nodes: list[Node] = []
        source = stream.layout
        serialized = stream.producer is not None and stream.producer.serialized
        if source.lanes > 1 and (serialized or needs_single_lane(pool, source.tiles)):
            serializer = SerializerSpec(source, shape.channels, shape.height)
            nodes.append(serializer)
            source = serializer.output
        tiles = output.width if source.lanes == 1 else source.tiles // 2
        layout = LaneLayout.natural(lanes=source.lanes, tiles=tiles, width=output.width)
        nodes.append(MaxPoolSpec(pool, source, shape.channels, shape.height, layout))
        return tuple(nodes), replace(stream, layout=layout)

    def engine_layers(self, name: str, layers: Sequence[Layer]) -> EngineLayers:
        return EngineLayers(name, tuple(layers), self.config(name).partitions)

    def config(self, name: str, width: int | None = None) -> EngineConfig:
        """The configuration of an engine. With the columns of its output, ``width``, it is checked that every lane has one."""
        config = self.configs.get(name)
        if config is None:
            raise FirebrickError(f"engine {name}: no configuration is given; the engines with one are {', '.join(self.configs)}")
        if config.partitions < 1:
            raise FirebrickError(f"engine {name}: partitions must be at least 1, not {config.partitions}")
        if width is not None and not 1 <= config.lanes <= width:
            raise FirebrickError(f"engine {name}: lanes must be 1 to {width}, its output's columns, not {config.lanes}")
        return config


def _engine(
    name: str,
    layers: Sequence[Layer],
    partitions: tuple[ConvSpec, ...] | tuple[SqueezeSpec, ...],
    weights: EngineWeights,
    config: EngineConfig,
) -> EngineSpec:
    return EngineSpec(
        name,
        tuple(layer.name for layer in layers),
        partitions,
        schedule=tuple(len(round_) for round_ in weights.rounds),
        channel_order=tuple(filter_.channel for round_ in weights.rounds for filter_ in round_),
        macs=sum(layer.macs for layer in layers),
        paired=config.paired and len(partitions) > 1,
    )


def _skip_fifo(name: str, stream: StreamState, depth: int, min_depth: int) -> SkipFifoSpec:
    return SkipFifoSpec(name, stream.layout, max(MIN_FIFO_DEPTH, depth), min_depth)
