# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Which memories lie in block RAM and which in distributed RAM."""

from .nodes import MAX_DISTRIBUTED_FIFO_BITS

BLOCK_RAM_BITS = 18 * 1024
MIN_BLOCK_RAM_SUMS = 64
"""Words of sums from which on a squeeze engine keeps them in block RAM."""
MIN_BLOCK_RAM_RAW_DISTANCE = 3
"""Fewest tiles with which it can: a word is read two cycles ahead."""
MAX_DISTRIBUTED_BUFFER_BITS = 2 * 1024
"""Bits up to which a line buffer lies in distributed RAM."""
WIDEST_BLOCK_RAM_DEPTH = 512
"""Words of a block RAM where it is widest."""


def skip_fifo_depths(words: int, lanes: int) -> tuple[int, ...]:
    """The queues, one behind the other, that make a delay: a power of two and one of words in block RAM, until a small rest is left."""
    if 8 * words * lanes <= MAX_DISTRIBUTED_FIFO_BITS:
        return (max(2, words),)
    first = words if words <= WIDEST_BLOCK_RAM_DEPTH + 1 else 1 + (1 << (words - 1).bit_length() - 1)
    return (first, *(skip_fifo_depths(words - first, lanes) if words > first else ()))
