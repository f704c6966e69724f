# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Feature maps and images as the payloads of streams; each payload is one integer.

The first lane of a beat is in the low bits.
"""

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
    """A node and the payloads of its input and output stream."""

    node: Node
    inputs: list[int]
    outputs: list[int]


def node_traffic(model: Model, plan: Plan, frames: NDArray[np.uint8]) -> Iterator[NodeTraffic]:
    """Every node of the plan, in the order of ``walk``, with its payloads for these frames according to the golden model."""
    taps: dict[str, NDArray[np.uint8]] = {}
    scores = golden.run(model, frames, taps.__setitem__)
    return _traffic(plan.nodes, image_bytes(frames), frames, tuple(range(frames.shape[1])), taps, scores)


def _traffic(
    nodes: Sequence[Node],
    inputs: list[int],
    maps: NDArray[np.uint8],
    order: tuple[int, ...],
    taps: Mapping[str, NDArray[np.uint8]],
    scores: NDArray[np.int64],
) -> Iterator[NodeTraffic]:
    """Nodes in series. ``inputs`` are the payloads of ``maps``, whose channels come in this order."""
    for node in nodes:
        node_input = (inputs, maps, order)
        match node:
            case EngineSpec():
                maps, order = np.concatenate([taps[layer] for layer in node.layers], axis=1), node.channel_order
                outputs = stream_beats(maps, node.output, order)
            case DownsizerSpec(output=layout) | SerializerSpec(output=layout):
                outputs = stream_beats(maps, layout, order)
            case MaxPoolSpec(pool=pool, output=layout):
                maps = taps[pool.name]
                outputs = stream_beats(maps, layout, order)
            case GlobalSumSpec(score_bits=bits):
                outputs = score_payloads(scores, bits)
            case SkipFifoSpec():
                outputs = inputs
            case BypassSpec(name=name, output=layout, main_branch=main):
                maps, order = taps[name], [inner for inner in main if isinstance(inner, EngineSpec)][-1].channel_order
                outputs = stream_beats(maps, layout, order)
        yield NodeTraffic(node, inputs, outputs)
        if isinstance(node, BypassSpec):
            for branch in (node.main_branch, node.skip_branch):
                yield from _traffic(branch, *node_input, taps, scores)
        inputs = outputs


def stream_beats(maps: NDArray[np.uint8], layout: LaneLayout, order: Sequence[int]) -> list[int]:
    """The beats of feature maps, (frames, channels, rows, columns), in stream order; ``order`` is that of the stream's channels."""
    rows = [layout.pack(frame[list(order), row]).reshape(-1, layout.lanes) for frame in maps for row in range(maps.shape[2])]
    return [int.from_bytes(beat.tobytes(), "little") for beat in np.concatenate(rows)]


def image_bytes(frames: NDArray[np.uint8]) -> list[int]:
    """The bytes of images, (frames, channels, rows, columns), in the accelerator's input order: channels last."""
    return [int(byte) for byte in frames.transpose(0, 2, 3, 1).reshape(-1)]


def score_payloads(scores: NDArray[np.int64], bits: int) -> list[int]:
    """The payloads of scores, (frames, classes): the score in ``bits`` bits, and above it a bit that marks the last one of a frame.

    Negative scores are in two's complement.
    """
    mask = (1 << bits) - 1
    return [int(score) & mask | (index == len(frame) - 1) << bits for frame in scores for index, score in enumerate(frame)]
