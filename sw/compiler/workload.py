# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What each engine has to do, with which shares of the hardware it can do it, and what each of these takes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from ..coding.encoder import MAX_CODE_LENGTH, MAX_RUN_CODE_LENGTH, RUN_ALPHABET
from ..coding.huffman import code_lengths
from ..errors import FirebrickError
from ..fpga.cost_model import (
    Part,
    block_rams,
    buffer_resources,
    delay_resources,
    depth,
    pool_resources,
    rows,
    scaled,
    serial_resources,
    shared_block_rams,
    small,
    start_bits,
)
from ..fpga.fabric import ECP5, Fabric
from ..fpga.resources import Resources
from ..model.quantized import Model, QuantizedLayer
from ..network.graph import Bypass, Conv, Fire, Layer, MaxPool, Shape, pooled_length
from ..plan.lane_layout import LaneLayout
from ..plan.nodes import OUTPUT_FIFO_DEPTH
from .engine_config import EngineConfig, StreamLayout

SQUEEZE_SLOTS = 4
"""Input channels that a squeeze engine's buffer holds: the source's pace may vary from filter to filter."""
MAX_PARTITIONS = 8
"""Most engines that one layer is split over."""

LUT_RAM_BUFFER_BITS = 32 * 1024
"""Bits up to which a line buffer may lie in distributed RAM."""
LUT_MULTIPLIER_BITS = 9
"""Widest weights that a soft multiplier takes."""
SERIAL_UTILISATION = 0.8
"""Share of the cycles that an engine's pixels may take, sent one by one, so that it need not wait."""


@dataclass(frozen=True)
class EngineWorkload:
    """What one engine has to do, before it is decided with how many lanes."""

    name: str
    layers: tuple[str, ...]
    squeeze: bool
    width: int
    """Output columns."""
    height: int
    """Output rows."""
    filters: tuple[tuple[int, int], ...]
    """For each kind of filter, how many there are, and their entries in all: weights that are not zero, and fillers."""
    peak_rate: int
    """How many times faster than on average it has to be: 2 behind pooling, which sends its rows while every other row comes."""

    main_layer: Layer
    """The widest of its layers: input, kernel and stride."""
    rom_bits: int
    """Bits of its codes and gaps, about."""
    accumulator_bits: int
    """Width of a sum."""
    init_bits: int
    """Bits of what it starts from that are not zero in all filters."""
    centroid_bits: int
    """Width of a weight."""
    poolings: int
    """Poolings behind it."""
    channels_last: bool
    """Its input is the picture."""
    bypass: Bypass = Bypass.NONE
    """The connection round the Fire module that it is a part of."""
    skip_branch: bool = False
    """It is that connection."""

    def tiles(self, lanes: int) -> int:
        """Words of a row of one channel, in words of so many lanes."""
        return -(-self.width // lanes)

    def keeps_up(self, share: EngineConfig, source: StreamLayout) -> bool:
        """Whether words of this layout come fast enough: those that must be sent as several of fewer lanes may be slower than it is."""
        lanes, tiles = source
        narrowed = LaneLayout.natural(lanes=lanes, tiles=tiles, width=1).lanes_for(self.tiles(share.lanes) * self.main_layer.conv.stride)
        words = self.main_layer.input.channels * self.main_layer.input.height * tiles * (lanes // narrowed) * (2 if share.paired else 1)
        return narrowed == lanes or words <= self.cycles(share)

    def output_layout(self, share: EngineConfig) -> StreamLayout | None:
        """The layout of its words behind the pooling behind it; None where it can't be pooled."""
        lanes, tiles, width = share.lanes, self.tiles(share.lanes), self.width
        for _ in range(self.poolings):
            if share.serialized:
                lanes, tiles = 1, width
            if lanes > 1 and tiles % 2:
                return None
            width = pooled_length(width)
            tiles = width if lanes == 1 else tiles // 2
        return lanes, tiles

    def cycles(self, share: EngineConfig) -> float:
        """Cycles a frame that it needs, as estimated from the entries, times its pace.

        The words of a squeeze engine all go with its last channel, at worst pixel by pixel.
        """
        entries = sum(each * -(-count // share.partitions) / count for count, each in self.filters)
        tiles, filters = self.tiles(share.lanes), sum(count for count, _ in self.filters)
        pixels = filters * self.height * self.width / SERIAL_UTILISATION if share.serialized else 0.0
        waits = max(0, filters * self.width - tiles * (-(-filters // share.partitions) + OUTPUT_FIFO_DEPTH)) if self.squeeze else 0
        return max(self.peak_rate * (max(1.0, entries) * tiles + waits) * self.height, pixels)

    @property
    def max_partitions(self) -> int:
        """Most parts that its filters can be dealt to."""
        return min(MAX_PARTITIONS, max(count for count, _ in self.filters))

    def buffer_shape(self, share: EngineConfig) -> tuple[int, int]:
        """Depth and width in bits of its line buffer; a byte takes 9 where words are narrower than the buffer's."""
        lanes, tiles, conv, channels = share.lanes, self.tiles(share.lanes), self.main_layer.conv, self.main_layer.input.channels
        if self.squeeze:
            return SQUEEZE_SLOTS * depth(1, tiles), 8 * lanes
        spread = lanes > 1 and (self.channels_last or tiles * conv.stride > 1)
        return (conv.kernel + conv.stride) * rows(channels, tiles * conv.stride), (9 if spread else 8) * lanes

    def resources(self, share: EngineConfig, logic_bits: int, fabric: Fabric = ECP5) -> Resources:
        """What it takes, the pooling behind it included."""
        lanes, splits, conv = share.lanes, share.partitions, self.main_layer.conv
        tiles, channels = self.tiles(lanes), self.main_layer.input.channels
        filters = sum(-(-count // splits) for count, _ in self.filters)
        deep, wide = self.buffer_shape(share)
        part = Part(
            lanes=lanes,
            tiles=tiles,
            rom_bits=self.rom_bits // splits,
            logic_bits=logic_bits,
            gap_length=7,
            starts=filters,
            start_bits=self.init_bits,
            bits=self.accumulator_bits,
            sums=depth(filters, tiles) if self.squeeze else tiles,
            squeeze=self.squeeze,
            reaches=not self.squeeze and conv.kernel > 1,
            soft=share.lut_multipliers,
        ).resources(fabric)
        buffers = -(-splits // 2) if share.paired else splits
        buffer = buffer_resources(deep, wide, lanes, fabric, paired=share.paired, distributed=share.distributed)
        found = Resources(
            part.luts * splits + 40 * (splits - 1) + buffer.luts * buffers,
            part.block_rams * splits + buffer.block_rams * buffers,
            part.multipliers * splits,
        )
        outputs, width = sum(count for count, _ in self.filters), self.width
        if self.skip_branch or (self.bypass is Bypass.SIMPLE and not self.squeeze):
            words = tiles * (channels if self.skip_branch else outputs * (conv.padding + 1))
            found += delay_resources(words, lanes, fabric) + Resources(20 + 16 * lanes)
        for _ in range(self.poolings):
            if share.serialized and lanes > 1:
                found += serial_resources(lanes, tiles, fabric)
                lanes, tiles = 1, width
            width = pooled_length(width)
            tiles = width if lanes == 1 else tiles // 2
            found += pool_resources(lanes, outputs, tiles, fabric)
        return scaled(found, fabric)


@lru_cache(maxsize=1)
def workloads(model: Model) -> tuple[EngineWorkload, ...]:
    """The engines of a model in order, named after their stages (``fire2/squeeze``, ``fire2/expand``)."""
    network = model.network
    if not isinstance(network.stages[0], Conv):
        raise FirebrickError(f"network {network.name}: the first stage must be a convolution to be built in hardware")
    found = []
    shapes = network.shapes()[1:]
    for index, (stage, shape) in enumerate(zip(network.stages, shapes, strict=True)):
        pooled = len(list(takewhile(lambda stage: isinstance(stage, MaxPool), network.stages[index + 1 :])))
        pace = 1 << len(list(takewhile(lambda stage: isinstance(stage, MaxPool), reversed(network.stages[:index]))))
        match stage:
            case Conv(name=name):
                found.append(_demand(model, name, (name,), shape, pooled=pooled))
            case Fire(name=name):
                parts = tuple(layer for layer in model.layers if layer.startswith(f"{name}/expand"))
                inside = [
                    _demand(model, f"{name}/squeeze", (f"{name}/squeeze1x1",), shape, squeeze=True, pace=pace),
                    _demand(model, f"{name}/expand", parts, shape, pooled=0 if stage.bypass is Bypass.COMPLEX else pooled),
                ]
                if stage.bypass is Bypass.COMPLEX:
                    side = _demand(model, f"{name}/bypass", (f"{name}/bypass1x1",), shape, pooled=pooled)
                    inside.append(replace(side, skip_branch=True))
                found += [replace(one, bypass=stage.bypass) for one in inside]
    return tuple(found)


def _demand(
    model: Model,
    name: str,
    layers: tuple[str, ...],
    shape: Shape,
    *,
    pooled: int = 0,
    squeeze: bool = False,
    pace: int = 1,
) -> EngineWorkload:
    parts = [model.layers[layer] for layer in layers]
    bits = max(part.accumulator_bits for part in parts)
    return EngineWorkload(
        main_layer=next(layer for layer in model.network.layers() if layer.name == layers[-1]),
        rom_bits=_rom_bits(parts, squeeze),
        accumulator_bits=bits,
        init_bits=start_bits((int(start) for part in parts for start in part.accumulator_init), bits),
        centroid_bits=1 + max((value if value >= 0 else ~value).bit_length() for part in parts for value in part.codebook.tolist()),
        poolings=pooled,
        channels_last=not squeeze and layers[0] == next(iter(model.layers)),
        name=name,
        layers=layers,
        squeeze=squeeze,
        width=shape.width,
        height=shape.height,
        filters=tuple((len(part.bias), _entries(part, squeeze)) for part in parts),
        peak_rate=pace,
    )


def _entries(layer: QuantizedLayer, squeeze: bool) -> int:
    """Entries of a layer in its schedule, about: channels in another order, as the compiler will have them, have nearly the same gaps."""
    weights = _in_order(layer, squeeze)
    steps = np.diff(np.flatnonzero(weights), prepend=-1)
    required = int(np.count_nonzero(weights.reshape(len(weights), -1)[[0, -1]] == 0)) if squeeze else 0
    return int(np.sum(-(-steps // min(weights.shape[-1], RUN_ALPHABET)))) + required


def _in_order(layer: QuantizedLayer, squeeze: bool) -> NDArray[np.int32]:
    """The weights as an engine takes them, (filters, rows, columns, channels), or of a squeeze engine (channels, 1, 1, filters)."""
    return layer.weights.transpose(1, 2, 3, 0) if squeeze else layer.weights.transpose(0, 2, 3, 1)


def _rom_bits(layers: Sequence[QuantizedLayer], squeeze: bool) -> int:
    """What the codes and gaps of an engine's layers take, which share their codes; fillers and padding not counted."""
    ranked = np.zeros(1 << max(layer.bits for layer in layers), np.int64)
    gaps = np.zeros(RUN_ALPHABET, np.int64)
    for layer in layers:
        weights = _in_order(layer, squeeze)
        positions = np.flatnonzero(weights)
        counts = np.unique(weights.reshape(-1)[positions], return_counts=True)[1]
        ranked[: len(counts)] += np.sort(counts)[::-1]
        gaps += np.bincount(np.minimum(np.diff(positions, prepend=-1) - 1, RUN_ALPHABET - 1), minlength=RUN_ALPHABET)
    codes = _coded_bits(ranked, MAX_CODE_LENGTH[6] if np.count_nonzero(ranked) <= 64 else MAX_CODE_LENGTH[8])
    return codes + (_coded_bits(gaps, MAX_RUN_CODE_LENGTH) if gaps[1:].any() else 0)


def _coded_bits(counts: NDArray[np.int64], limit: int) -> int:
    """Bits of a Huffman code for symbols so frequent."""
    used = counts[counts > 0].tolist()
    return sum(count * length for count, length in zip(used, code_lengths(used, limit), strict=True)) if used else 0


def configurations(demand: EngineWorkload, fabric: Fabric = ECP5) -> list[EngineConfig]:
    """Every share that makes sense: as many lanes as a number of tiles needs, in any number of parts, with any kind of line buffer.

    Engines of a single part may have soft multipliers: some are enough to fill what LUTs are left.
    """
    lanes = sorted({-(-demand.width // tiles) for tiles in range(1, demand.width + 1)})
    ways = (False, True) if demand.poolings else (False,)
    plain = [
        EngineConfig(lane, splits, serialized=way) for lane in lanes for splits in _splits(demand, lane) for way in ways[: 1 + (lane > 1)]
    ]
    hard = [each for share in plain for each in (share, *_buffers(demand, share, fabric)) if demand.output_layout(each)]
    soft = fabric.lut_multiplier_luts and demand.centroid_bits <= LUT_MULTIPLIER_BITS
    return [*hard, *(replace(share, lut_multipliers=True) for share in hard if soft and share.partitions == 1)]


def _splits(demand: EngineWorkload, lanes: int) -> range:
    """Into how many parts an engine may be split: one, if the queue behind it can't hold a channel while the other parts' go."""
    return range(1, 1 + (demand.max_partitions if demand.tiles(lanes) <= OUTPUT_FIFO_DEPTH else 1))


def plain_configurations(demand: EngineWorkload) -> list[EngineConfig]:
    """Those with the usual line buffers, and with pixels sent one by one only where words can't be pooled."""
    return [share for share in configurations(demand) if share == _plain(demand, share)]


def _plain(demand: EngineWorkload, share: EngineConfig) -> EngineConfig:
    usual = EngineConfig(share.lanes, share.partitions)
    return usual if demand.output_layout(usual) else replace(usual, serialized=True)


def _buffers(demand: EngineWorkload, share: EngineConfig, fabric: Fabric) -> Iterator[EngineConfig]:
    """The same with line buffers of other kinds, where these take less block RAM."""
    if demand.squeeze:
        return
    deep, wide = demand.buffer_shape(share)
    if not small(deep, share.lanes, fabric):
        if fabric.lut_ram and deep * wide <= LUT_RAM_BUFFER_BITS:
            yield replace(share, distributed=True)
        if share.partitions > 1 and fabric.read_ports > 1 and shared_block_rams(deep, wide, fabric) < 2 * block_rams(deep, wide, fabric):
            yield replace(share, paired=True)
