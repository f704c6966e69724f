# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Nodes of plans, and parts of them: random shares, hardware, and words for their streams."""

from dataclasses import replace

import numpy as np
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import Out
from numpy.typing import NDArray

from firebrick.hw.accelerator import Pipeline
from firebrick.hw.weights.huffman_decoder import HuffmanDecoder
from firebrick.hw.weights.rom import Rom
from firebrick.sim.payloads import stream_beats
from firebrick.sw.coding.streams import HuffmanStream
from firebrick.sw.compiler.engine_config import INPUT_LAYOUT, EngineConfig, StreamLayout
from firebrick.sw.compiler.workload import EngineWorkload, workloads
from firebrick.sw.model.quantized import Model
from firebrick.sw.network.graph import Bypass
from firebrick.sw.plan.lane_layout import LaneLayout
from firebrick.sw.plan.nodes import Node


class RomDecoder(wiring.Component):
    """A decoder behind its ROM."""

    output: stream.Interface

    def __init__(self, encoded: HuffmanStream) -> None:
        self._rom = Rom(lists=[encoded.words], width=encoded.width)
        self._decoder = HuffmanDecoder(encoded=encoded)
        super().__init__({"output": Out(self._decoder.output.signature)})

    def elaborate(self, platform: object) -> Module:  # noqa: ARG002
        m = Module()
        m.submodules += [self._rom, self._decoder]
        wiring.connect(m, self._rom.outputs[0], self._decoder.input)
        wiring.connect(m, self._decoder.output, wiring.flipped(self.output))
        return m


def random_configs(rng: np.random.Generator, model: Model) -> dict[str, EngineConfig]:
    """Shares that fit the network and each other, seldom good ones."""
    while True:
        shares: dict[str, EngineConfig] = {}
        source = entering = INPUT_LAYOUT
        for demand in workloads(model):
            drawn = [_random_share(rng, demand, lanes) for lanes in range(1, demand.width + 1)]
            fit = [
                (share, layout)
                for share in drawn
                if (layout := demand.output_layout(share)) and layouts_match(demand, share, source, entering)
            ]
            if not fit:  # a bypass that the lanes drawn before it cannot go round
                break
            share, layout = fit[rng.integers(len(fit))]
            entering, source = (source if demand.squeeze else entering), layout
            shares[demand.name] = share
        else:
            return shares


def layouts_match(demand: EngineWorkload, share: EngineConfig, source: StreamLayout, entering: StreamLayout) -> bool:
    """Whether an engine can have a share, when the engine before it and the stream that enters the Fire module have these layouts.

    Both operands of a bypass must have the same.
    """
    own = (share.lanes, demand.tiles(share.lanes))
    return not ((demand.skip_branch and own != source) or (demand.bypass is Bypass.SIMPLE and not demand.squeeze and own != entering))


def _random_share(rng: np.random.Generator, demand: EngineWorkload, lanes: int) -> EngineConfig:
    splits = int(rng.integers(1, demand.max_partitions + 1)) if rng.random() < 0.5 else 1
    if demand.squeeze:
        return EngineConfig(lanes, splits)
    kind = {"paired": splits > 1 and rng.random() < 0.5, "distributed": rng.random() < 0.3}
    usual = EngineConfig(lanes, splits, **kind)
    return replace(usual, serialized=lanes > 1 and demand.poolings > 0 and (rng.random() < 0.5 or not demand.output_layout(usual)))


def build_component(node: Node) -> wiring.Component:
    """The hardware of one node; of a bypass also what is inside it."""
    return Pipeline(nodes=[node])


def stream_beats_of(maps: NDArray[np.uint8], strips: LaneLayout) -> list[int]:
    """The words of feature maps whose channels come in their own order."""
    return stream_beats(maps, strips, range(maps.shape[1]))
