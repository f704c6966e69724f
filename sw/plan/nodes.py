# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The plan: one frozen specification for each node of the hardware pipeline.

The compiler (``sw/compiler``) makes the plan, ``hw/accelerator.py`` builds it, and the cost and throughput models read it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from ..coding.streams import EncodedWeights
from ..network.graph import MaxPool
from .lane_layout import LaneLayout

MAX_DISTRIBUTED_FIFO_BITS = 8 * 1024
"""The largest FIFO, in bits, that is kept in distributed RAM; larger ones use block RAM."""
OUTPUT_FIFO_DEPTH = 16
"""Depth, in beats, of the FIFO behind an engine's lanes; more than their pipeline holds, so a ready sink never stalls the engine."""
FAST_OUTPUT_FIFO_DEPTH = 16
"""The same behind lanes at twice the clock, whose beats come in pairs."""
ROW_OVERHEAD = 2
"""Cycles that a convolution engine spends between two output rows, in addition to one for each input row that it releases."""


@dataclass(frozen=True)
class Arithmetic:
    """How one engine accumulates and requantises: pixel = clamp(accumulator >> shift, 0, 255), see docs/numerics.md."""

    accumulator_init: tuple[int, ...] = field(repr=False)
    """Initial accumulator value of each filter (bias plus rounding term), in the order of the engine's filters."""
    bits: int
    """Accumulator width, proven sufficient from the weights."""
    shift: int
    """Right shift from accumulator to pixel."""
    lut_multipliers: bool = False
    """Products come from LUT multipliers instead of DSP blocks."""


@dataclass(frozen=True)
class ConvSpec:
    """A convolution engine: buffers input rows and computes one filter after the other (output stationary)."""

    source: LaneLayout
    channels_last: bool
    """The input is in channels-last (HWC) order, one pixel a beat, as an image is; otherwise channel by channel."""
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
    fast: bool = False
    """Its lanes run at twice the clock, in domain ``fast``, and multiply two tiles in a cycle."""
    wide_words: bool = False
    """A word of the line buffer holds both tiles of fast lanes, of which there are two in all. So it is read once a cycle of the slow
    clock, as that of other lanes, and two partitions can share it."""

    @property
    def entry_cycles(self) -> int:
        """Cycles that a weight entry takes: one for each tile, or for each two."""
        return entry_cycles(self.output.tiles, self.fast)

    @property
    def buffer_lanes(self) -> int:
        """Lanes of the line buffer: the engine's, plus those of input columns that only the right edge of the kernel reads."""
        return max(self.output.lanes, -(-self.source.width // self.buffer_tiles))

    @property
    def buffer_tiles(self) -> int:
        """Words of a row of one channel in the line buffer."""
        return self.output.tiles // self.tiles_in_word * self.stride

    @property
    def tiles_in_word(self) -> int:
        """Tiles that a word of the line buffer holds."""
        return 2 if self.wide_words else 1

    @property
    def packs_pixels(self) -> bool:
        """Whether the line buffer packs a channel's single pixels into one whole word before it writes them."""
        return packs_pixels(self.source, self.channels_last, self.buffer_tiles)

    @property
    def buffer_writes(self) -> int:
        """Words written into the line buffer in one frame."""
        return self.channels * self.height * (1 if self.packs_pixels else self.source.tiles)

    @property
    def busy_cycles(self) -> int:
        """Cycles a frame in which the lanes multiply."""
        return self.weights.entries * self.entry_cycles * self.output_height

    @property
    def cycles(self) -> int:
        """Cycles a frame when the source is always valid and the sink is always ready."""
        return self.cycles_at(1)

    def cycles_at(self, cycles_per_beat: int) -> int:
        """Cycles a frame when the line buffer takes ``cycles_per_beat`` cycles for an input beat.

        Either computing or receiving the input takes longer::

            computing = busy_cycles + overhead of each row + wait
            receiving = cycles of an input row * input rows

        ``wait``: the first output row of a frame may need more input rows than fit beside those that the last output row of the frame
        before still holds. The missing ones arrive only after that row is done, less the cycles in which its rows are released.
        """
        row_cycles = cycles_per_beat * self.source.tiles * self.channels
        last_rows = self.height - max(0, self.stride * (self.output_height - 1) - self.padding)  # held by the last output row
        missing_rows = min(self.kernel - self.padding, self.height) - (self.slots - last_rows)
        wait = max(0, missing_rows * row_cycles - last_rows)
        overhead = (ROW_OVERHEAD + _decoder_stall(self.entry_cycles)) * self.output_height + self.height
        return max(self.busy_cycles + overhead + wait, row_cycles * self.height)


@dataclass(frozen=True)
class SqueezeSpec:
    """A squeeze engine: adds each input channel to the accumulators of all its filters as it arrives (input stationary)."""

    source: LaneLayout
    channels: int
    height: int
    output: LaneLayout
    slots: int
    """Input channels (of one row each) that the buffer holds."""
    weights: EncodedWeights
    arithmetic: Arithmetic

    @property
    def buffer_depth(self) -> int:
        """Depth of the buffer in words; its address is slot and tile side by side, so tiles are rounded up to a power of two."""
        return self.slots << (self.output.tiles - 1).bit_length()

    @property
    def distributed(self) -> bool:
        """Whether the buffer lies in distributed RAM: it is small enough, as a FIFO would be."""
        return 8 * self.output.lanes * self.buffer_depth <= MAX_DISTRIBUTED_FIFO_BITS

    @property
    def output_height(self) -> int:
        """Rows of the output: as many as of the input."""
        return self.height

    @property
    def busy_cycles(self) -> int:
        """Cycles a frame in which the lanes multiply."""
        return self.weights.entries * self.output.tiles * self.height

    @property
    def cycles(self) -> int:
        """Cycles a frame when the source is always valid and the sink is always ready."""
        return max(self.busy_cycles + _decoder_stall(self.output.tiles) * self.height, self.source.tiles * self.channels * self.height)


@dataclass(frozen=True)
class EngineSpec:
    """The engine of one layer: one partition, or several that divide its filters and whose output is interleaved."""

    name: str
    layers: tuple[str, ...]
    partitions: tuple[ConvSpec, ...] | tuple[SqueezeSpec, ...]
    schedule: tuple[int, ...] = field(repr=False)
    """The interleaver's schedule: for each round, the number of partitions, from the first on, that send one filter's beats."""
    channel_order: tuple[int, ...] = field(repr=False)
    """For each output channel, in stream order, its index in the model."""
    macs: int
    """Dense multiply-accumulates of the layers for one frame."""
    paired: bool = False
    """Each two partitions share one line buffer; each reads it at a port of its own."""

    @property
    def source(self) -> LaneLayout:
        """The layout of the input."""
        return self.partitions[0].source

    @property
    def lanes(self) -> int:
        """Multipliers of all partitions."""
        return sum(partition.output.lanes for partition in self.partitions)

    @property
    def fast(self) -> bool:
        """Its lanes run at twice the clock."""
        return any(isinstance(partition, ConvSpec) and partition.fast for partition in self.partitions)

    @property
    def output(self) -> LaneLayout:
        """The layout of the output."""
        return self.partitions[0].output

    @property
    def busy_cycles(self) -> int:
        """Cycles a frame in which the lanes of the busiest partition multiply."""
        return max(partition.busy_cycles for partition in self.partitions)

    @property
    def cycles(self) -> int:
        """Cycles a frame when the source is always valid and the sink is always ready.

        That is what the slowest partition takes, or one cycle for each output beat. A shared line buffer takes two cycles for an input
        beat, and its first reader waits in one of them.
        """
        output_beats = len(self.channel_order) * self.output.tiles * self.partitions[0].output_height
        if self.paired:
            shared = (partition for partition in self.partitions if isinstance(partition, ConvSpec))
            return max(output_beats, *(partition.cycles_at(2) + partition.buffer_writes for partition in shared))
        return max(output_beats, *(partition.cycles for partition in self.partitions))


@dataclass(frozen=True)
class DownsizerSpec:
    """A width converter: splits each beat into several of fewer lanes."""

    source: LaneLayout
    lanes: int

    @property
    def output(self) -> LaneLayout:
        """The layout of the output."""
        return self.source.downsized(self.lanes)


@dataclass(frozen=True)
class SerializerSpec:
    """A serialiser: sends each channel's row pixel by pixel, from the first column to the last."""

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
    """Max pooling."""

    pool: MaxPool
    source: LaneLayout
    channels: int
    height: int
    output: LaneLayout

    @property
    def name(self) -> str:
        """The name of the stage."""
        return self.pool.name

    @property
    def output_height(self) -> int:
        """Rows of the output."""
        return self.pool.output_length(self.height)

    @property
    def cycles(self) -> int:
        """Cycles a frame: one for each input beat."""
        return self.channels * self.height * self.source.tiles


@dataclass(frozen=True)
class GlobalSumSpec:
    """The global average: sums each channel over the whole frame and sends the sums; the host divides."""

    name: str
    source: LaneLayout
    channels: int
    height: int
    zero_point: int = 0
    """Subtracted from every byte (`Model.zero_point`)."""

    @property
    def offset(self) -> int:
        """What a sum starts from: minus the zero point of every position."""
        return -self.zero_point * self.height * self.source.width

    @property
    def score_signed(self) -> bool:
        """Whether sums can be negative; they are then in two's complement."""
        return self.offset < 0

    @property
    def score_bits(self) -> int:
        """Width of a sum, with the sign where it has one: just wide enough for the smallest and the largest one."""
        largest = 255 * self.height * self.source.width + self.offset
        return max(largest.bit_length(), (-self.offset - 1).bit_length()) + 1 if self.score_signed else largest.bit_length()


@dataclass(frozen=True)
class SkipFifoSpec:
    """The FIFO of a skip connection: delays its beats until the Fire module's output is there to be added to them."""

    name: str
    source: LaneLayout
    depth: int
    """FIFO depth in beats, at least 2."""
    min_depth: int
    """The smallest depth that does not deadlock: the beats that the main branch takes before it sends its first one."""

    @property
    def output(self) -> LaneLayout:
        """The layout of the output: that of the input."""
        return self.source


@dataclass(frozen=True)
class BypassSpec:
    """A Fire module with a skip connection: a broadcast to both branches, and a saturating adder that joins them."""

    name: str
    main_branch: tuple["Node", ...]
    """The Fire module."""
    skip_branch: tuple["Node", ...]
    """The skip connection: a FIFO, and for a complex bypass also a 1x1 convolution."""
    source: LaneLayout
    output: LaneLayout
    """The layout of both operands and of their sum."""


Node: TypeAlias = EngineSpec | DownsizerSpec | SerializerSpec | MaxPoolSpec | GlobalSumSpec | SkipFifoSpec | BypassSpec

Adapter: TypeAlias = DownsizerSpec | SerializerSpec
"""Nodes without a name of their own: each belongs to the node that follows it."""


def walk(nodes: Sequence[Node]) -> Iterator[Node]:
    """Every node in depth-first order: a bypass, then the nodes of its main branch, then those of its skip branch."""
    for node in nodes:
        yield node
        if isinstance(node, BypassSpec):
            yield from walk((*node.main_branch, *node.skip_branch))


@dataclass(frozen=True)
class Plan:
    """The whole pipeline: its first node takes the bytes of an image, its last one sends the scores in class order."""

    name: str
    nodes: tuple[Node, ...]
    cycles: int
    """Predicted initiation interval: cycles from the last score of one frame to the last score of the next."""

    @property
    def engines(self) -> tuple[EngineSpec, ...]:
        """The nodes with multipliers, in the order of ``walk``."""
        return tuple(node for node in walk(self.nodes) if isinstance(node, EngineSpec))

    @property
    def fast(self) -> bool:
        """Some engines' lanes run at twice the clock, so the hardware has a second clock, of domain ``fast``."""
        return any(engine.fast for engine in self.engines)

    @property
    def global_sum(self) -> GlobalSumSpec:
        """The last node. Raises ValueError when the plan does not end with a global average."""
        last = self.nodes[-1]
        if not isinstance(last, GlobalSumSpec):
            raise ValueError("a plan must end with the global average")
        return last

    @property
    def lanes(self) -> int:
        """Multipliers of all engines."""
        return sum(engine.lanes for engine in self.engines)


def packs_pixels(source: LaneLayout, channels_last: bool, tiles: int) -> bool:
    """Whether a line buffer of ``tiles`` words a row packs single pixels, which come channel by channel, into whole words."""
    return not channels_last and source.lanes == 1 < source.tiles and tiles == 1


def entry_cycles(tiles: int, fast: bool) -> int:
    """Cycles that lanes need for all tiles of a weight entry; fast ones multiply two in a cycle."""
    return -(-tiles // 2) if fast else tiles


def _decoder_stall(entry_cycles: int) -> int:
    """Cycles that the lanes lose in each pass over the weights.

    The weight decoder pauses for one cycle a pass. Where an entry is used for several cycles, the decoder catches up.
    """
    return int(entry_cycles == 1)
