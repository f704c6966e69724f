# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The inputs that a reader is tried with."""

import random
import zlib
from collections.abc import Iterator

from .check import Target


def inputs(target: Target, seed: int) -> Iterator[bytes]:
    """Mutations of a reader's seeds, without end."""
    seeds = list(target.seeds())
    draw = random.Random(zlib.crc32(target.name.encode()) + seed)
    while True:
        yield target.mutator(draw, draw.choice(seeds), seeds)
