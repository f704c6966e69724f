# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Nodes of plans: random shares for them, their hardware, and words for their streams."""

import numpy as np
from amaranth.lib import wiring
from numpy.typing import NDArray

from firebrick.hw.accelerator import Engine
from firebrick.hw.average import GlobalSum
from firebrick.hw.pool import MaxPool
from firebrick.hw.routing import Narrow
from firebrick.sim.payloads import stream_words
from firebrick.sw.allocate import Share, demands
from firebrick.sw.model import Model
from firebrick.sw.spec import AverageSpec, EngineSpec, NarrowSpec, Node, PoolSpec
from firebrick.sw.strips import Strips


def random_shares(rng: np.random.Generator, model: Model) -> dict[str, Share]:
    """Shares that fit the network and each other, seldom good ones."""
    shares = {}
    source = 1
    for demand in demands(model):
        fit = [
            lanes
            for lanes in range(1, demand.lanes_divide + 1)
            if demand.lanes_divide % lanes == 0 and (source % lanes == 0 or (lanes % source == 0 and not demand.squeeze))
        ]
        source = int(rng.choice(fit))
        shares[demand.name] = Share(source, int(rng.integers(1, demand.splits + 1)) if rng.random() < 0.5 else 1)
    return shares


def component(node: Node) -> wiring.Component:
    """The hardware of one node."""
    match node:
        case EngineSpec():
            return Engine(spec=node)
        case NarrowSpec():
            return Narrow(spec=node)
        case PoolSpec():
            return MaxPool(spec=node)
        case AverageSpec():
            return GlobalSum(spec=node)


def words_of(maps: NDArray[np.uint8], strips: Strips) -> list[int]:
    """The words of feature maps whose channels come in their own order."""
    return stream_words(maps, strips, range(maps.shape[1]))
