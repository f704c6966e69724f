# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Feature maps and pictures as the payloads of streams, each payload as one integer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..sw import golden
from ..sw.model.quantized import Model
from ..sw.plan.lane_layout import LaneLayout
from ..sw.plan.nodes import BypassSpec, DownsizerSpec, EngineSpec, GlobalSumSpec, MaxPoolSpec, Node, Plan, SerializerSpec, SkipFifoSpec


@dataclass(frozen=True)
class NodeTraffic:
    """A node and the payloads of its two streams."""

    node: Node
    inputs: list[int]
    outputs: list[int]


def node_traffic(model: Model, plan: Plan, frames: NDArray[np.uint8]) -> Iterator[NodeTraffic]:
    """Every node of the plan, in the order of ``walk``, with what the golden model says of these frames."""
    taps: dict[str, NDArray[np.uint8]] = {}
    scores = golden.run(model, frames, taps.__setitem__)
    return _traffic(plan.nodes, image_bytes(frames), frames, tuple(range(frames.shape[1])), taps, scores)


def _traffic(
    nodes: Sequence[Node],
    taken: list[int],
    maps: NDArray[np.uint8],
    order: tuple[int, ...],
    taps: Mapping[str, NDArray[np.uint8]],
    scores: NDArray[np.int64],
) -> Iterator[NodeTraffic]:
    """A run of nodes; ``taken`` are the payloads of ``maps``, whose channels come in this order."""
    for node in nodes:
        before = (taken, maps, order)
        match node:
            case EngineSpec():
                maps, order = np.concatenate([taps[layer] for layer in node.layers], axis=1), node.channel_order
                sent = stream_beats(maps, node.output, order)
            case DownsizerSpec(output=strips) | SerializerSpec(output=strips):
                sent = stream_beats(maps, strips, order)
            case MaxPoolSpec(name=name, output=strips):
                maps = taps[name]
                sent = stream_beats(maps, strips, order)
            case GlobalSumSpec(score_bits=bits):
                sent = score_payloads(scores, bits)
            case SkipFifoSpec():
                sent = taken
            case BypassSpec(name=name, output=strips, main_branch=main):
                maps, order = taps[name], [inner for inner in main if isinstance(inner, EngineSpec)][-1].channel_order
                sent = stream_beats(maps, strips, order)
        yield NodeTraffic(node, taken, sent)
        if isinstance(node, BypassSpec):
            for branch in (node.main_branch, node.skip_branch):
                yield from _traffic(branch, *before, taps, scores)
        taken = sent


def stream_beats(maps: NDArray[np.uint8], strips: LaneLayout, order: Sequence[int]) -> list[int]:
    """The words of feature maps, (frames, channels, rows, columns), in stream order; ``order`` is that of the stream's channels."""
    words = [strips.pack(frame[list(order), row]).reshape(-1, strips.lanes) for frame in maps for row in range(maps.shape[2])]
    return [int.from_bytes(word.tobytes(), "little") for word in np.concatenate(words)]


def image_bytes(frames: NDArray[np.uint8]) -> list[int]:
    """The bytes of pictures, (frames, channels, rows, columns), in the accelerator's input order."""
    return [int(byte) for byte in frames.transpose(0, 2, 3, 1).reshape(-1)]


def score_payloads(scores: NDArray[np.int64], bits: int) -> list[int]:
    """The payloads of scores of so many bits, (frames, classes): the score, and above it a bit that is set in a frame's last."""
    return [int(score) | (place == len(frame) - 1) << bits for frame in scores for place, score in enumerate(frame)]
