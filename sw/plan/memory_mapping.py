# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Which memories lie in block RAM and which in distributed (LUT) RAM.

The hardware and the cost model both decide by these thresholds: a small memory would leave most of a block RAM empty, a large one would
take too many LUTs.
"""

from .nodes import MAX_DISTRIBUTED_FIFO_BITS

BLOCK_RAM_BITS = 18 * 1024
"""Capacity of a block RAM."""
WIDEST_BLOCK_RAM_DEPTH = 512
"""Depth of a block RAM in its widest mode (36 bits)."""
MIN_BLOCK_RAM_SUMS = 64
"""Words of accumulators from which on a squeeze engine keeps them in block RAM."""
MIN_BLOCK_RAM_RAW_DISTANCE = 3
"""Fewest cycles between two updates of an accumulator in block RAM: its read takes two cycles, so its address comes that much earlier."""
MAX_DISTRIBUTED_BUFFER_BITS = 2 * 1024
"""The largest line buffer, in bits, that is always kept in distributed RAM."""


def skip_fifo_depths(depth: int, lanes: int) -> tuple[int, ...]:
    """The depths of the cascaded FIFOs that make up a skip FIFO of ``depth`` beats.

    A FIFO in block RAM wastes least at a depth of 2^n + 1 (2^n words and its output register). The largest such FIFO that fits comes
    first, then the same for the rest, until the rest fits distributed RAM.
    """
    if 8 * depth * lanes <= MAX_DISTRIBUTED_FIFO_BITS:
        return (max(2, depth),)
    first = depth if depth <= WIDEST_BLOCK_RAM_DEPTH + 1 else 1 + (1 << (depth - 1).bit_length() - 1)
    return (first, *(skip_fifo_depths(depth - first, lanes) if depth > first else ()))
