# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What each node of a plan takes and must send, from the golden model."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from amaranth.lib import wiring
from numpy.typing import NDArray
from streams import raster_bytes, stream_words

from firebrick.hw.accelerator import Engine
from firebrick.hw.average import GlobalSum
from firebrick.hw.pool import MaxPool
from firebrick.hw.routing import Narrow
from firebrick.sw import golden
from firebrick.sw.allocate import Share, demands
from firebrick.sw.model import Model
from firebrick.sw.spec import AverageSpec, EngineSpec, NarrowSpec, Node, Plan, PoolSpec
from firebrick.sw.strips import Strips


@dataclass(frozen=True)
class Case:
    """A node and the payloads of its two streams."""

    node: Node
    taken: list[int]
    sent: list[int]


def cases(model: Model, plan: Plan, frames: NDArray[np.uint8]) -> Iterator[Case]:
    """Every node of the plan, in order, with what the golden model says of these frames."""
    taps: dict[str, NDArray[np.uint8]] = {}
    scores = golden.run(model, frames, taps.__setitem__)
    maps, order = frames, tuple(range(frames.shape[1]))
    taken = raster_bytes(frames)
    for node in plan.nodes:
        match node:
            case EngineSpec():
                maps, order = np.concatenate([taps[layer] for layer in node.layers], axis=1), node.order
                sent = stream_words(maps, node.output, order)
            case NarrowSpec(output=strips):
                sent = stream_words(maps, strips, order)
            case PoolSpec(name=name, output=strips):
                maps = taps[name]
                sent = stream_words(maps, strips, order)
            case AverageSpec(score_bits=bits):
                assert order == tuple(range(len(order))), "scores come in the order of the classes"
                sent = score_payloads(scores, bits)
        yield Case(node, taken, sent)
        taken = sent


def score_payloads(scores: NDArray[np.int64], bits: int) -> list[int]:
    """The payloads of frames' scores."""
    return [int(score) | (index == len(frame) - 1) << bits for frame in scores for index, score in enumerate(frame)]


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
