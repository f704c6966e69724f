# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The work of each engine, and how many cycles it needs with a given configuration, estimated before compiling."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from ..errors import FirebrickError
from ..fpga.cost_features import significant_bits
from ..model.quantized import Model
from ..network.graph import Bypass, Conv, Fire, Layer, MaxPool, Shape, Stage
from ..plan.lane_layout import LaneLayout
from ..plan.nodes import OUTPUT_FIFO_DEPTH, entry_cycles
from .engine_config import EngineConfig, StreamLayout
from .weight_statistics import schedule_entries, stream_bits

MAX_PARTITIONS = 8
"""Largest number of partitions that one engine's filters are distributed over."""
SERIAL_UTILISATION = 0.8
"""Fraction of the cycles that a serialiser may be busy, so that the engine in front of it need not wait."""


class FilterGroup(NamedTuple):
    """The filters of one type in an engine."""

    filters: int
    entries: int
    """Weight entries of all of them: non-zero weights and padding zeros."""


@dataclass(frozen=True)
class EngineWorkload:
    """What one engine computes, independent of its configuration."""

    name: str
    layers: tuple[str, ...]
    squeeze: bool
    width: int
    """Output columns."""
    height: int
    """Output rows."""
    filters: tuple[FilterGroup, ...]
    """One group for each filter type."""
    peak_rate: int
    """Rate of its input at the peak, relative to the mean: 2 behind a pooling, which sends its rows during every other input row."""
    main_layer: Layer
    """The layer with the largest kernel: it decides input, kernel and stride."""
    rom_bits: int
    """Bits of the codes for weights and zero runs, approximately."""
    accumulator_bits: int
    init_bits: int
    """Bits of an accumulator's initial value that are not zero in all filters."""
    centroid_bits: int
    """Bits of a weight."""
    pools: tuple[MaxPool, ...]
    """Pools behind it, in order."""
    channels_last: bool
    """Its input is the image."""
    bypass: Bypass = Bypass.NONE
    """The bypass connection of its Fire module."""
    skip_branch: bool = False
    """It is the convolution of a complex bypass."""

    @property
    def outputs(self) -> int:
        """Output channels."""
        return sum(group.filters for group in self.filters)

    @property
    def max_partitions(self) -> int:
        """Largest number of partitions that its filters can be distributed over."""
        return min(MAX_PARTITIONS, max(group.filters for group in self.filters))

    def tiles(self, lanes: int) -> int:
        """Words of one row of one channel, for words of ``lanes`` pixels."""
        return -(-self.width // lanes)

    def buffer_tiles(self, config: EngineConfig) -> int:
        """Words of a row of one channel in the line buffer."""
        return config.buffer_tiles(self.tiles(config.lanes), self.main_layer.conv.stride)

    def output_layout(self, config: EngineConfig) -> StreamLayout | None:
        """The layout of its stream behind the poolings that follow it; None if it cannot be pooled."""
        lanes, tiles, width = config.lanes, self.tiles(config.lanes), self.width
        for pool in self.pools:
            if config.serialized:
                lanes, tiles = 1, width
            if lanes > 1 and needs_single_lane(pool, tiles):
                return None
            width = pool.output_length(width)
            tiles = width if lanes == 1 else tiles // 2
        return lanes, tiles

    def keeps_up(self, config: EngineConfig, source: StreamLayout) -> bool:
        """Whether a stream of this layout comes fast enough.

        A downsizer may have to send each word as several of fewer lanes, one in a cycle; these must not take longer than the engine.
        """
        lanes, tiles = source
        layout = LaneLayout.natural(lanes=lanes, tiles=tiles, width=1)
        narrowed = layout.lanes_for(self.buffer_tiles(config))
        if narrowed == lanes:
            return True
        words = self.main_layer.input.channels * self.main_layer.input.height * tiles * (lanes // narrowed)
        return words * (2 if config.paired else 1) <= self.cycles(config)

    def cycles(self, config: EngineConfig) -> float:
        """Cycles for one frame at the peak rate of its input, estimated from the number of entries.

        Each entry takes one cycle for each tile, or for each two with fast lanes. A squeeze engine sends all words of a row with its last
        channel, in the worst case pixel by pixel; what its output FIFOs do not hold delays the next row.
        """
        tiles = self.tiles(config.lanes)
        steps = entry_cycles(tiles, config.fast)
        entries = sum(group.entries * -(-group.filters // config.partitions) / group.filters for group in self.filters)
        output_wait = 0
        if self.squeeze:
            buffered = tiles * (-(-self.outputs // config.partitions) + OUTPUT_FIFO_DEPTH)
            output_wait = max(0, self.outputs * self.width - buffered)
        serializer = self.outputs * self.height * self.width / SERIAL_UTILISATION if config.serialized else 0.0
        return max(self.peak_rate * (max(1.0, entries) * steps + output_wait) * self.height, serializer)


@lru_cache(maxsize=1)
def workloads(model: Model) -> tuple[EngineWorkload, ...]:
    """The engines of a model in order, named after their stages (``fire2/squeeze``, ``fire2/expand``).

    Raises FirebrickError unless the first stage is a convolution.
    """
    network = model.network
    if not isinstance(network.stages[0], Conv):
        raise FirebrickError(f"network {network.name}: the first stage must be a convolution to be built in hardware")
    engines: list[EngineWorkload] = []
    for index, (stage, shape) in enumerate(zip(network.stages, network.shapes()[1:], strict=True)):
        pools = _leading_pools(network.stages[index + 1 :])
        pools_before = _leading_pools(network.stages[:index][::-1])
        match stage:
            case Conv(name=name):
                engines.append(_workload(model, name, (name,), shape, pools=pools))
            case Fire():
                engines += _fire_workloads(model, stage, shape, pools, peak_rate=1 << len(pools_before))
    return tuple(engines)


def needs_single_lane(pool: MaxPool, tiles: int) -> bool:
    """Whether a pooling cannot take strips of ``tiles`` columns side by side.

    With an odd number of tiles, a window with stride 2 would straddle two strips. With padding, a strip's first window begins in the last
    column of the strip before it, and would be complete only with the strip's last one.
    """
    return tiles % 2 == 1 or pool.padding > 0


def _leading_pools(stages: Sequence[Stage]) -> tuple[MaxPool, ...]:
    """The pools that these stages begin with."""
    pools: list[MaxPool] = []
    for stage in stages:
        if not isinstance(stage, MaxPool):
            break
        pools.append(stage)
    return tuple(pools)


def _fire_workloads(model: Model, fire: Fire, shape: Shape, pools: tuple[MaxPool, ...], peak_rate: int) -> list[EngineWorkload]:
    """The squeeze engine, the expand engine, and with a complex bypass the engine of its convolution."""
    name, complex_bypass = fire.name, fire.bypass is Bypass.COMPLEX
    expand_layers = tuple(layer for layer in model.layers if layer.startswith(f"{name}/expand"))
    engines = [
        _workload(model, f"{name}/squeeze", (f"{name}/squeeze1x1",), shape, squeeze=True, peak_rate=peak_rate),
        _workload(model, f"{name}/expand", expand_layers, shape, pools=() if complex_bypass else pools),
    ]
    if complex_bypass:
        skip_branch = _workload(model, f"{name}/bypass", (f"{name}/bypass1x1",), shape, pools=pools)
        engines.append(replace(skip_branch, skip_branch=True))
    return [replace(engine, bypass=fire.bypass) for engine in engines]


def _workload(
    model: Model,
    name: str,
    layers: tuple[str, ...],
    shape: Shape,
    *,
    pools: tuple[MaxPool, ...] = (),
    squeeze: bool = False,
    peak_rate: int = 1,
) -> EngineWorkload:
    quantized = [model.layers[layer] for layer in layers]
    accumulator_bits = max(layer.accumulator_bits for layer in quantized)
    initial_values = (int(value) for layer in quantized for value in layer.accumulator_init)
    centroids = (centroid for layer in quantized for centroid in layer.codebook.tolist())
    return EngineWorkload(
        name=name,
        layers=layers,
        squeeze=squeeze,
        width=shape.width,
        height=shape.height,
        filters=tuple(FilterGroup(len(layer.bias), schedule_entries(layer, squeeze)) for layer in quantized),
        peak_rate=peak_rate,
        main_layer=next(layer for layer in model.network.layers() if layer.name == layers[-1]),
        rom_bits=stream_bits(quantized, squeeze),
        accumulator_bits=accumulator_bits,
        init_bits=significant_bits(initial_values, accumulator_bits),
        centroid_bits=1 + max((centroid if centroid >= 0 else ~centroid).bit_length() for centroid in centroids),
        pools=pools,
        channels_last=not squeeze and layers[0] == next(iter(model.layers)),
    )
