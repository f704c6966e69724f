# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The configurations that an engine may have: what the search for a plan chooses from."""

from collections.abc import Iterator
from dataclasses import replace

from ..fpga.fabric import ECP5, Fabric
from ..fpga.memory_shapes import block_rams, fits_lut_ram, shared_block_rams
from ..plan.nodes import OUTPUT_FIFO_DEPTH
from .engine_config import EngineConfig
from .workload import EngineWorkload
from .workload_resources import buffer_features

LUT_RAM_BUFFER_BITS = 32 * 1024
"""Bits up to which a line buffer may lie in distributed RAM: larger ones would take more LUTs than an engine."""
LUT_MULTIPLIER_BITS = 9
"""Widest weights that a LUT multiplier takes."""


def configurations(workload: EngineWorkload, fabric: Fabric = ECP5) -> list[EngineConfig]:
    """Every configuration that makes sense: any useful number of lanes and of partitions, with any kind of line buffer.

    A number of lanes is useful if fewer would need more tiles. Only engines of one partition may have LUT multipliers: a few are enough
    to use the LUTs that are left.
    """
    lane_counts = sorted({-(-workload.width // tiles) for tiles in range(1, workload.width + 1)})
    basic = [
        EngineConfig(lanes, partitions, serialized=serialized)
        for lanes in lane_counts
        for partitions in _partition_counts(workload, lanes)
        for serialized in ((False, True) if workload.pools and lanes > 1 else (False,))
    ]
    hard = [
        config
        for start in basic
        for config in (start, *_other_buffers(workload, start, fabric))
        if workload.output_layout(config)  # it can be pooled
    ]
    fast = list(_fast(workload, basic, fabric)) if fabric.fast_lanes else []
    if not (fabric.lut_multiplier_luts and workload.centroid_bits <= LUT_MULTIPLIER_BITS):
        return [*hard, *fast]
    return [*hard, *fast, *(replace(config, lut_multipliers=True) for config in hard if config.partitions == 1)]


def _fast(workload: EngineWorkload, basic: list[EngineConfig], fabric: Fabric) -> Iterator[EngineConfig]:
    """Those with lanes at twice the clock, which suit convolutions of two tiles or more."""
    for start in basic:
        config = replace(start, fast=True)
        if workload.squeeze or workload.tiles(config.lanes) < 2 or not workload.output_layout(config):
            continue
        yield config
        if workload.tiles(config.lanes) == 2:  # others cannot have words of two tiles
            yield from _other_buffers(workload, config, fabric)


def plain_configurations(workload: EngineWorkload) -> list[EngineConfig]:
    """Configurations with the usual line buffers, and with a serialiser only where the stream cannot be pooled without."""
    return [config for config in configurations(workload) if config == _plain(workload, config)]


def _plain(workload: EngineWorkload, config: EngineConfig) -> EngineConfig:
    usual = EngineConfig(config.lanes, config.partitions)
    return usual if workload.output_layout(usual) else replace(usual, serialized=True)


def _partition_counts(workload: EngineWorkload, lanes: int) -> range:
    """Possible numbers of partitions: only one if an output FIFO cannot hold a channel while the other partitions send theirs."""
    return range(1, 1 + (workload.max_partitions if workload.tiles(lanes) <= OUTPUT_FIFO_DEPTH else 1))


def _other_buffers(workload: EngineWorkload, config: EngineConfig, fabric: Fabric) -> Iterator[EngineConfig]:
    """The same engine with other kinds of line buffers, if these take less block RAM."""
    usual, other = buffer_features(workload, config), buffer_features(workload, replace(config, paired=True))
    if workload.squeeze or fits_lut_ram(usual.depth, config.lanes, fabric):
        return
    if fabric.lut_ram and other.depth * other.width <= LUT_RAM_BUFFER_BITS:
        yield replace(config, distributed=True)
    shared = shared_block_rams(other.depth, other.width, fabric)
    if config.partitions > 1 and fabric.read_ports > 1 and shared < 2 * block_rams(usual.depth, usual.width, fabric):
        yield replace(config, paired=True)
