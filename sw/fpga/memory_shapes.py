# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Block RAMs that memories take, and the words that an address of several fields spans."""

from ..plan.memory_mapping import MAX_DISTRIBUTED_BUFFER_BITS
from .fabric import ECP5, Fabric

LUT_RAM_CLASSES = 64
"""Classes up to which the scores lie in distributed RAM."""


def block_rams(depth: int, width: int, fabric: Fabric = ECP5) -> int:
    """Block RAMs of a memory with one write and one read port, in the shape that takes the fewest."""
    return min(-(-depth // ram_depth) * -(-width // ram_width) for ram_depth, ram_width in fabric.block_ram_shapes)


def shared_block_rams(depth: int, width: int, fabric: Fabric) -> int:
    """Block RAMs of a memory with one read port and one read-write port.

    Each port is then at most half as wide as a block RAM can be.
    """
    widest = max(ram_width for _, ram_width in fabric.block_ram_shapes)
    shapes = [(ram_depth, ram_width) for ram_depth, ram_width in fabric.block_ram_shapes if 2 * ram_width <= widest]
    return min(-(-depth // ram_depth) * -(-width // ram_width) for ram_depth, ram_width in shapes)


def fits_lut_ram(depth: int, lanes: int, fabric: Fabric) -> bool:
    """Whether a line buffer of this many words of ``lanes`` pixels lies in distributed RAM in any case."""
    return fabric.lut_ram and 8 * depth * lanes <= MAX_DISTRIBUTED_BUFFER_BITS


def scores_in_lut_ram(classes: int, fabric: Fabric) -> bool:
    """Whether the memory of the scores lies in distributed RAM."""
    return fabric.lut_ram and classes <= LUT_RAM_CLASSES


def address_span(outer: int, inner: int) -> int:
    """Words of a memory whose address is two concatenated fields, {outer, inner}: the inner one is rounded up to a power of two."""
    return outer << (inner - 1).bit_length()


def row_span(channels: int, tiles: int) -> int:
    """Words of one row in a line buffer, whose address is {channel, tile}: both are rounded up to a power of two."""
    return address_span(1 << (channels - 1).bit_length(), tiles)
