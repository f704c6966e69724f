# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Nodes of plans: random engine configurations, their hardware, and beats for their streams."""

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
    """A Huffman decoder behind its ROM."""

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
    """Random engine configurations whose layouts fit the network and each other; seldom good ones."""
    while True:
        configs: dict[str, EngineConfig] = {}
        source = fire_input = INPUT_LAYOUT
        for workload in workloads(model):
            candidates = [_random_config(rng, workload, lanes) for lanes in range(1, workload.width + 1)]
            fitting = [
                (config, layout)
                for config in candidates
                if (layout := workload.output_layout(config)) and layouts_match(workload, config, source, fire_input)
            ]
            if not fitting:  # the lanes drawn so far leave none for a bypass: start again
                break
            config, layout = fitting[rng.integers(len(fitting))]
            fire_input, source = (source if workload.squeeze else fire_input), layout
            configs[workload.name] = config
        else:
            return configs


def layouts_match(workload: EngineWorkload, config: EngineConfig, source: StreamLayout, fire_input: StreamLayout) -> bool:
    """Whether the operands of a bypass have one layout when an engine has this configuration.

    ``source`` is the layout of the engine before it, ``fire_input`` that of the stream that enters the Fire module.
    """
    own = (config.lanes, workload.tiles(config.lanes))
    simple_bypass = workload.bypass is Bypass.SIMPLE and not workload.squeeze
    return not ((workload.skip_branch and own != source) or (simple_bypass and own != fire_input))


def _random_config(rng: np.random.Generator, workload: EngineWorkload, lanes: int) -> EngineConfig:
    partitions = int(rng.integers(1, workload.max_partitions + 1)) if rng.random() < 0.5 else 1
    if workload.squeeze:
        return EngineConfig(lanes, partitions)
    buffer = {"paired": partitions > 1 and rng.random() < 0.5, "distributed": rng.random() < 0.3}
    config = EngineConfig(lanes, partitions, **buffer)
    return replace(config, serialized=lanes > 1 and bool(workload.pools) and (rng.random() < 0.5 or not workload.output_layout(config)))


def build_component(node: Node) -> wiring.Component:
    """The hardware of one node, of a bypass with both branches."""
    return Pipeline(nodes=[node])


def stream_beats_of(maps: NDArray[np.uint8], layout: LaneLayout) -> list[int]:
    """The beats of feature maps whose channels come in their own order."""
    return stream_beats(maps, layout, range(maps.shape[1]))
