# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What the compiler tells the hardware: one frozen description for each node of the pipeline."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from ..coding.streams import EncodedWeights
from .lane_layout import LaneLayout

MAX_DISTRIBUTED_FIFO_BITS = 8 * 1024
"""Bits up to which a queue lies in distributed RAM."""
OUTPUT_FIFO_DEPTH = 16
"""Words of finished sums that an engine may be ahead of its consumer; more than its pipeline holds, so that it never stops."""
ROW_OVERHEAD = 2
"""Cycles between two output rows of a convolution engine, besides one for each input row released."""


@dataclass(frozen=True)
class Arithmetic:
    """How sums start and end in one engine."""

    accumulator_init: tuple[int, ...] = field(repr=False)
    """What each filter's sum starts from (bias and rounding term), in the order of the engine's filters."""
    bits: int
    """Width of the accumulator, proven from the weights."""
    shift: int
    """Right shift from sum to pixel."""
    lut_multipliers: bool = False
    """Products come from look-up tables instead of multipliers."""


@dataclass(frozen=True)
class ConvSpec:
    """A convolution engine: keeps rows, does one filter after the other (output stationary)."""

    source: LaneLayout
    channels_last: bool
    """Pixels come one by one with their channels together, as a picture does, not channel by channel."""
    channels: int
    height: int
    output: LaneLayout
    output_height: int
    kernel: int
    stride: int
    padding: int
    slots: int
    """Input rows that the line buffer holds."""
    weights: EncodedWeights
    arithmetic: Arithmetic
    distributed: bool = False
    """The line buffer lies in distributed RAM."""

    @property
    def buffer_lanes(self) -> int:
        """Lanes of the line buffer: those of the engine and, beyond them, those of columns that only the kernel's overhang reads."""
        return max(self.output.lanes, -(-self.source.width // self.buffer_tiles))

    @property
    def buffer_tiles(self) -> int:
        """Words of a row of one channel in the line buffer."""
        return self.output.tiles * self.stride

    @property
    def packs_pixels(self) -> bool:
        """A channel's pixels come one by one and make up one word of the line buffer, which is written whole."""
        return packs_pixels(self.source, self.channels_last, self.buffer_tiles)

    @property
    def buffer_writes(self) -> int:
        """Words that are written into the line buffer in a frame."""
        return self.channels * self.height * (1 if self.packs_pixels else self.source.tiles)

    @property
    def busy_cycles(self) -> int:
        """Cycles a frame in which lanes multiply."""
        return self.weights.entries * self.output.tiles * self.output_height

    @property
    def cycles(self) -> int:
        """Cycles a frame when its source always has a word and its sink always takes one."""
        return self.cycles_at(1)

    def cycles_at(self, word: int) -> int:
        """The same where taking a word takes so many cycles.

        The rows that the first output row reads may not all fit beside those that the last one holds; then their words are waited for.
        """
        row = word * self.source.tiles * self.channels
        last = self.height - max(0, self.stride * (self.output_height - 1) - self.padding)
        missing = min(self.kernel - self.padding, self.height) - (self.slots - last)
        wait = max(0, missing * row - last)
        overhead = (ROW_OVERHEAD + _decoder_stall(self.output)) * self.output_height + self.height
        return max(self.busy_cycles + overhead + wait, row * self.height)


@dataclass(frozen=True)
class SqueezeSpec:
    """A squeeze engine: takes channels as they come and adds each to all its filters' sums (input stationary)."""

    source: LaneLayout
    channels: int
    height: int
    output: LaneLayout
    slots: int
    """Input channels that the buffer holds."""
    weights: EncodedWeights
    arithmetic: Arithmetic

    @property
    def buffer_depth(self) -> int:
        """Words that the buffer holds, where channel and tile stand side by side in the address."""
        return self.slots << (self.output.tiles - 1).bit_length()

    @property
    def distributed(self) -> bool:
        """The buffer is small enough for distributed RAM, like other queues."""
        return 8 * self.output.lanes * self.buffer_depth <= MAX_DISTRIBUTED_FIFO_BITS

    @property
    def output_height(self) -> int:
        """Rows of the output: those of the input."""
        return self.height

    @property
    def busy_cycles(self) -> int:
        """Cycles a frame in which lanes multiply."""
        return self.weights.entries * self.output.tiles * self.height

    @property
    def cycles(self) -> int:
        """Cycles a frame when its source always has a word and its sink always takes one."""
        return max(self.busy_cycles + _decoder_stall(self.output) * self.height, self.source.tiles * self.channels * self.height)


@dataclass(frozen=True)
class EngineSpec:
    """The engines of one layer: one, or several that share its filters out and whose words are merged in turn."""

    name: str
    layers: tuple[str, ...]
    partitions: tuple[ConvSpec, ...] | tuple[SqueezeSpec, ...]
    schedule: tuple[int, ...] = field(repr=False)
    """For each round of output, how many parts, from the first on, send the words of one filter."""
    channel_order: tuple[int, ...] = field(repr=False)
    """Which channel of the model each channel of the output is."""
    macs: int
    """Dense multiply-accumulates of the layers for one frame."""
    paired: bool = False
    """Parts two and two read one line buffer, at a port of its memory each."""

    @property
    def source(self) -> LaneLayout:
        """The layout of the input."""
        return self.partitions[0].source

    @property
    def lanes(self) -> int:
        """Multipliers."""
        return sum(part.output.lanes for part in self.partitions)

    @property
    def output(self) -> LaneLayout:
        """The layout of the output."""
        return self.partitions[0].output

    @property
    def busy_cycles(self) -> int:
        """Cycles a frame in which the busiest engine's lanes multiply."""
        return max(part.busy_cycles for part in self.partitions)

    @property
    def cycles(self) -> int:
        """Cycles a frame when its source always has a word and its sink always takes one: the slowest engine's, or one for each word.

        Where two parts share a line buffer, the first of them waits while a word is written, for which two cycles pass.
        """
        words = len(self.channel_order) * self.output.tiles * self.partitions[0].output_height
        if self.paired:
            return max(words, *(part.cycles_at(2) + part.buffer_writes for part in self.partitions if isinstance(part, ConvSpec)))
        return max(words, *(part.cycles for part in self.partitions))


@dataclass(frozen=True)
class DownsizerSpec:
    """Sends each word as several of fewer lanes."""

    source: LaneLayout
    lanes: int

    @property
    def output(self) -> LaneLayout:
        """The layout of the output."""
        return self.source.downsized(self.lanes)


@dataclass(frozen=True)
class SerializerSpec:
    """Sends each channel's row pixel by pixel, from the first column to the last."""

    source: LaneLayout
    channels: int
    height: int

    @property
    def output(self) -> LaneLayout:
        """The layout of the output."""
        return LaneLayout.natural(lanes=1, tiles=self.source.width, width=self.source.width)

    @property
    def cycles(self) -> int:
        """Cycles a frame: one for each pixel."""
        return self.channels * self.height * self.source.width


@dataclass(frozen=True)
class MaxPoolSpec:
    """3x3/2 max pooling."""

    name: str
    source: LaneLayout
    channels: int
    height: int
    output: LaneLayout

    @property
    def cycles(self) -> int:
        """Cycles a frame: one for each word."""
        return self.channels * self.height * self.source.tiles


@dataclass(frozen=True)
class GlobalSumSpec:
    """Sums each channel over the whole frame and sends the sums."""

    name: str
    source: LaneLayout
    channels: int
    height: int

    @property
    def score_bits(self) -> int:
        """Width of a sum."""
        return (255 * self.height * self.source.width).bit_length()


@dataclass(frozen=True)
class SkipFifoSpec:
    """Keeps words in their order until they are asked for."""

    name: str
    source: LaneLayout
    depth: int
    """Words that it holds, at least 2."""
    min_depth: int
    """Words without which the stream that this one is added to would wait for ever."""

    @property
    def output(self) -> LaneLayout:
        """The layout of the output: that of the input."""
        return self.source


@dataclass(frozen=True)
class BypassSpec:
    """A Fire module and the connection round it: a fork in front of them, an adder behind them."""

    name: str
    main_branch: tuple["Node", ...]
    """The Fire module."""
    skip_branch: tuple["Node", ...]
    """The connection: a delay, and a 1x1 convolution if it is a complex one."""
    source: LaneLayout
    output: LaneLayout
    """The layout of both operands and of their sum."""


Node: TypeAlias = EngineSpec | DownsizerSpec | SerializerSpec | MaxPoolSpec | GlobalSumSpec | SkipFifoSpec | BypassSpec

Adapter: TypeAlias = DownsizerSpec | SerializerSpec
"""Nodes without a name of their own: each belongs to the node behind it."""


def walk(nodes: Sequence[Node]) -> Iterator[Node]:
    """Every node: behind a bypass, the nodes of its path, then those of its side."""
    for node in nodes:
        yield node
        if isinstance(node, BypassSpec):
            yield from walk((*node.main_branch, *node.skip_branch))


@dataclass(frozen=True)
class Plan:
    """The whole pipeline, in order: the first node takes the picture's bytes, the last sends the scores in class order."""

    name: str
    nodes: tuple[Node, ...]
    cycles: int
    """Predicted cycles from one frame's last score to the next one's."""

    @property
    def engines(self) -> tuple[EngineSpec, ...]:
        """The nodes that multiply."""
        return tuple(node for node in walk(self.nodes) if isinstance(node, EngineSpec))

    @property
    def global_sum(self) -> GlobalSumSpec:
        """The last node. Raises ValueError when the plan does not end so."""
        last = self.nodes[-1]
        if not isinstance(last, GlobalSumSpec):
            raise ValueError("a plan must end with the global average")
        return last

    @property
    def lanes(self) -> int:
        """Multipliers of the whole."""
        return sum(engine.lanes for engine in self.engines)


def packs_pixels(source: LaneLayout, raster: bool, tiles: int) -> bool:
    """Whether single pixels that come channel by channel make up whole words of a line buffer."""
    return not raster and source.lanes == 1 < source.tiles and tiles == 1


def _decoder_stall(strips: LaneLayout) -> int:
    """Cycles that lanes miss in each pass over the weights, as the decoder pauses for one; with more tiles than one it has caught up."""
    return int(strips.tiles == 1)
