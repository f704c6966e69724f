# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""How much of an FPGA each part of a plan is expected to take."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_

from ..plan.memory_mapping import (
    BLOCK_RAM_BITS,
    MAX_DISTRIBUTED_BUFFER_BITS,
    MIN_BLOCK_RAM_RAW_DISTANCE,
    MIN_BLOCK_RAM_SUMS,
    skip_fifo_depths,
)
from ..plan.nodes import (
    MAX_DISTRIBUTED_FIFO_BITS,
    OUTPUT_FIFO_DEPTH,
    Adapter,
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
from .fabric import ECP5, Fabric
from .resources import Resources

LOGIC_ROM_BITS = 8
"""Bits of a ROM that a LUT holds, the choice among LUTs counted in."""
LOGIC_START_BITS = 26
"""Bits that sums start from that a LUT holds: many are alike."""
WIDE_BANKS = 16
"""Banks of distributed RAM from which wide multiplexers choose at once; choosing from more takes twice as much for each."""
SMALL_WORDS = 64
"""Words up to which a memory of scores lies in distributed RAM."""
ENGINE_LUTS = 472
"""LUTs of an engine besides those counted below: its decoder and its counters."""
REACH_LUTS = 59
"""LUTs with which a lane of a convolution reaches the columns beside it."""


LINKS = {"uart": Resources(luts=1600, block_rams=2), "usb": Resources(luts=3600, block_rams=5)}
"""What the link to the host takes in an ECP5, about."""
LINK_QUEUES = 4
"""Its queues that are small, block RAMs where LUTs cannot be memory."""


def link_resources(link: str, fabric: Fabric = ECP5, *, swappable: bool = False, classes: int | None = None) -> Resources:
    """What the link to the host takes; a swappable one keeps its identity in a block RAM, and one of few classes no scores in one."""
    queues = 0 if fabric.lut_ram else LINK_QUEUES
    few = classes is not None and _few(classes, fabric)
    return scaled(LINKS[link], fabric) + Resources(block_rams=queues + int(swappable) - int(few))


def available_beside_link(available: Resources, link: str = "uart", fabric: Fabric = ECP5, *, swappable: bool = False) -> Resources:
    """What is left of a device beside the link to the host."""
    taken = link_resources(link, fabric, swappable=swappable)
    return Resources(max(0, available.luts - taken.luts), max(0, available.block_rams - taken.block_rams), available.multipliers)


def block_rams(depth: int, width: int, fabric: Fabric = ECP5) -> int:
    """Block RAMs of a memory with one writing and one reading port, of the shape that takes the fewest."""
    return min(-(-depth // deep) * -(-width // wide) for deep, wide in fabric.block_ram_shapes)


def estimate(plan: Plan, fabric: Fabric = ECP5) -> dict[str, Resources]:
    """What each node of a plan is expected to take, by name; plumbing between nodes goes to the node behind it."""
    found: dict[str, Resources] = {}
    carried = Resources()
    for node in walk(plan.nodes):
        carried += _node(node, fabric)
        if not isinstance(node, Adapter):
            found[node.name] = scaled(carried, fabric)
            carried = Resources()
    return found


def scaled(ecp5: Resources, fabric: Fabric) -> Resources:
    """With the LUTs of a family in place of those of an ECP5."""
    return replace(ecp5, luts=round(ecp5.luts * fabric.lut_factor))


@dataclass(frozen=True)
class Part:
    """What decides the size of one engine, without its line buffer."""

    lanes: int
    tiles: int
    rom_bits: int
    """Bits of codes and gaps."""
    logic_bits: int
    """Bits up to which the last bank of them is logic."""
    gap_length: int
    """Bits of the longest code word of a gap; 0 without gaps."""
    starts: int
    """Filters."""
    start_bits: int
    """Bits of what a sum starts from that are not zero in all filters."""
    bits: int
    """Width of a sum."""
    sums: int
    """Words of sums."""
    squeeze: bool
    reaches: bool
    """Lanes see columns beside their own."""
    soft: bool
    """Products come from LUTs."""

    def resources(self, fabric: Fabric = ECP5) -> Resources:
        """What the engine is expected to take: block RAMs counted, LUTs fitted to engines synthesised for an ECP5."""
        lanes, bits = self.lanes, self.bits
        luts = ENGINE_LUTS + 44 * self.gap_length
        banks, rest = divmod(self.rom_bits, BLOCK_RAM_BITS)
        if rest > self.logic_bits:
            banks += 1
        else:
            luts += rest // LOGIC_ROM_BITS
        luts += 98 * (banks > 0) + 2 * banks + self.starts * self.start_bits // LOGIC_START_BITS
        held = self.rom_bits if rest > self.logic_bits else self.rom_bits - rest
        blocks = fabric.rom_block_rams(held, min(held, BLOCK_RAM_BITS) if self.gap_length else 0)
        luts += lanes * REACH_LUTS * self.reaches
        if self.squeeze and self.tiles >= MIN_BLOCK_RAM_RAW_DISTANCE and self.sums >= MIN_BLOCK_RAM_SUMS:
            blocks += block_rams(self.sums, bits * lanes, fabric)
            luts += lanes * bits * 3
        elif self.sums > 1 and not fabric.lut_ram:
            blocks += lanes * block_rams(self.sums, bits, fabric)
            luts += lanes * bits
        else:
            luts += lanes * (bits * 3 if self.sums == 1 else (26 * -(-self.sums // 16) + 9) * bits // 10)
        if not fabric.lut_ram:
            blocks += (2 if self.gap_length else 1) + block_rams(OUTPUT_FIFO_DEPTH, 8 * lanes, fabric)
        product = fabric.lut_multiplier_luts if self.soft else fabric.multiplier_luts
        return Resources(luts + product * lanes, blocks, 0 if product else lanes)


def small(deep: int, lanes: int, fabric: Fabric) -> bool:
    """Whether a line buffer of so many words of pixels always lies in distributed RAM."""
    return fabric.lut_ram and 8 * deep * lanes <= MAX_DISTRIBUTED_BUFFER_BITS


def buffer_resources(deep: int, wide: int, lanes: int, fabric: Fabric, *, paired: bool, distributed: bool) -> Resources:
    """What a line buffer takes, so deep and so many bits wide; ``paired``: two engines read it."""
    if distributed or small(deep, lanes, fabric):
        banks = -(-deep // 16)
        return Resources((12 * banks + (9 if banks <= WIDE_BANKS else 16) * (banks - 1) // 2) * lanes)
    return Resources(40 * paired + 8 * paired * lanes, shared_block_rams(deep, wide, fabric) if paired else block_rams(deep, wide, fabric))


def shared_block_rams(deep: int, wide: int, fabric: Fabric) -> int:
    """Block RAMs of a memory with a reading port and one that reads and writes, each at most half as wide as a block RAM can be."""
    widest = max(width for _, width in fabric.block_ram_shapes)
    return min(-(-deep // rows) * -(-wide // width) for rows, width in fabric.block_ram_shapes if 2 * width <= widest)


def serial_resources(lanes: int, tiles: int, fabric: Fabric = ECP5) -> Resources:
    """What it takes to send words of so many lanes pixel by pixel."""
    banks = -(-max(16, 2 * depth(1, tiles)) // 16)
    return Resources((10 * banks + 23) * lanes, 0 if fabric.lut_ram else block_rams(16 * banks, 8 * lanes, fabric))


def pool_resources(lanes: int, channels: int, tiles: int, fabric: Fabric = ECP5) -> Resources:
    """What pooling to so many tiles takes."""
    return Resources(80 + 80 * lanes, block_rams(depth(channels, tiles), 8 * lanes, fabric))


def average_resources(lanes: int, classes: int, bits: int, fabric: Fabric) -> Resources:
    """What the global average takes, whose sums are so wide: adders, and a memory of a sum for each class."""
    adders = Resources(24 + 5 * bits + max(0, 27 * lanes - 45))
    if _few(classes, fabric):
        return adders + Resources(luts=(6 * -(-classes // 16) - 5) * bits // 2)
    return adders + Resources(block_rams=block_rams(classes, bits, fabric))


def _few(classes: int, fabric: Fabric) -> bool:
    """Whether a memory of scores lies in distributed RAM."""
    return fabric.lut_ram and classes <= SMALL_WORDS


def delay_resources(words: int, lanes: int, fabric: Fabric = ECP5) -> Resources:
    """What a delay takes."""
    found = Resources()
    for queue in skip_fifo_depths(words, lanes):
        small = 8 * queue * lanes <= MAX_DISTRIBUTED_FIFO_BITS
        found += Resources(30 + 12 * -(-queue // 16) * lanes) if small else Resources(60, block_rams(queue - 1, 8 * lanes, fabric))
    return found


def start_bits(starts: Iterable[int], bits: int) -> int:
    """Bits of values of a width without those at the lower end that are zero in all of them."""
    any_set = reduce(or_, starts, 0)
    return bits - min(bits, (any_set & -any_set).bit_length() - 1) if any_set else 0


def depth(outer: int, inner: int) -> int:
    """Words of a memory addressed by two numbers side by side, the inner one in as many bits as it needs."""
    return outer << (inner - 1).bit_length()


def rows(channels: int, tiles: int) -> int:
    """Words of a row in a line buffer, where channel and tile stand side by side in the address."""
    return depth(1 << (channels - 1).bit_length(), tiles)


def _node(node: Node, fabric: Fabric) -> Resources:
    match node:
        case EngineSpec(partitions=parts):
            plumbing = 0 if len(parts) == 1 else len(parts) * (4 * node.output.lanes + 10)
            readers = 2 if node.paired else 1
            buffers = [_buffer(part, node.paired, fabric) for part in parts[::readers]]
            return sum((*(_part(part).resources(fabric) for part in parts), *buffers), Resources(luts=plumbing))
        case DownsizerSpec(source=source):
            return Resources(luts=20 + 4 * source.lanes)
        case SerializerSpec(source=source):
            return serial_resources(source.lanes, source.tiles, fabric)
        case MaxPoolSpec(source=source, channels=channels, output=output):
            return pool_resources(source.lanes, channels, output.tiles, fabric)
        case GlobalSumSpec(source=source, channels=channels):
            return average_resources(source.lanes, channels, node.score_bits, fabric)
        case SkipFifoSpec(source=source):
            return delay_resources(node.depth, source.lanes, fabric)
        case BypassSpec(output=output):
            return Resources(luts=20 + 16 * output.lanes)


def _buffer(part: ConvSpec | SqueezeSpec, paired: bool, fabric: Fabric) -> Resources:
    if isinstance(part, SqueezeSpec):
        wide, queue = 8 * part.output.lanes, fabric.lut_ram and part.distributed
        return buffer_resources(part.buffer_depth, wide, part.output.lanes, fabric, paired=False, distributed=queue)
    lanes = part.buffer_lanes
    spread = lanes > 1 and part.source.lanes < lanes and not part.packs_pixels
    deep = part.slots * rows(part.channels, part.buffer_tiles)
    return buffer_resources(deep, (9 if spread else 8) * lanes, lanes, fabric, paired=paired, distributed=part.distributed)


def _part(part: ConvSpec | SqueezeSpec) -> Part:
    codes, gaps = part.weights.codes, part.weights.zero_runs
    squeeze = isinstance(part, SqueezeSpec)
    return Part(
        lanes=part.output.lanes,
        tiles=part.output.tiles,
        rom_bits=codes.width * (len(codes.words) + (len(gaps.words) if gaps else 0)),
        logic_bits=part.weights.lut_rom_bits,
        gap_length=max(gaps.lengths) if gaps else 0,
        starts=len(part.arithmetic.accumulator_init),
        start_bits=start_bits(part.arithmetic.accumulator_init, part.arithmetic.bits),
        bits=part.arithmetic.bits,
        sums=depth(part.weights.inner, part.output.tiles) if squeeze else part.output.tiles,
        squeeze=squeeze,
        reaches=not squeeze and part.weights.taps > 1,
        soft=part.arithmetic.lut_multipliers,
    )
