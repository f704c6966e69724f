# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What an engine takes with a given configuration: the features that the cost model needs, approximated before compiling."""

from ..coding.encoder import MAX_RUN_CODE_LENGTH
from ..fpga.cost_features import BufferFeatures, EngineFeatures, PartitionFeatures, conv_accumulators
from ..fpga.fabric import ECP5, Fabric
from ..fpga.memory_shapes import address_span, row_span
from ..fpga.node_costs import NodeCosts, scaled
from ..fpga.resources import Resources
from ..network.graph import Bypass
from .engine_config import SQUEEZE_SLOTS, EngineConfig
from .workload import EngineWorkload


def workload_resources(workload: EngineWorkload, config: EngineConfig, lut_rom_bits: int, fabric: Fabric = ECP5) -> Resources:
    """Expected resources of an engine, its share of a bypass, and the poolings behind it.

    ``lut_rom_bits``: largest last bank of a ROM, in bits, that is made a LUT ROM.
    """
    costs = NodeCosts(fabric)
    resources = costs.engine(engine_features(workload, config, lut_rom_bits))
    return scaled(resources + _bypass(workload, config, costs) + _poolings(workload, config, costs), fabric)


def engine_features(workload: EngineWorkload, config: EngineConfig, lut_rom_bits: int) -> EngineFeatures:
    """The features of an engine; all partitions are taken to be equal."""
    tiles, partitions = workload.tiles(config.lanes), config.partitions
    filters = sum(-(-group.filters // partitions) for group in workload.filters)
    partition = PartitionFeatures(
        lanes=config.lanes,
        tiles=tiles,
        rom_bits=workload.rom_bits // partitions,
        lut_rom_bits=lut_rom_bits,
        zero_run_code_bits=MAX_RUN_CODE_LENGTH,
        filters=filters,
        init_bits=workload.init_bits,
        accumulator_bits=workload.accumulator_bits,
        accumulators=address_span(filters, tiles) if workload.squeeze else conv_accumulators(tiles, config.fast),
        squeeze=workload.squeeze,
        halo=not workload.squeeze and workload.main_layer.conv.kernel > 1,
        lut_multipliers=config.lut_multipliers,
        fast=config.fast,
        wide_words=config.wide_words,
    )
    buffers = -(-partitions // 2) if config.paired else partitions
    return EngineFeatures(((partition, partitions),), ((buffer_features(workload, config), buffers),), interleaver_lanes=None)


def buffer_features(workload: EngineWorkload, config: EngineConfig) -> BufferFeatures:
    """The features of an engine's line buffers."""
    lanes, conv = config.lanes, workload.main_layer.conv
    if workload.squeeze:
        depth, byte_writes = SQUEEZE_SLOTS * address_span(1, workload.tiles(lanes)), False
    else:
        lanes = min(workload.width, 2 * lanes) if config.wide_words else lanes
        tiles = workload.buffer_tiles(config)
        depth = (conv.kernel + conv.stride) * row_span(workload.main_layer.input.channels, tiles)
        # Words that come are assumed to be narrower than the buffer's; single bytes are then written, which take 9 bits.
        byte_writes = lanes > 1 and (workload.channels_last or tiles > 1)
    return BufferFeatures(depth, (9 if byte_writes else 8) * lanes, lanes, shared=config.paired, distributed=config.distributed)


def _bypass(workload: EngineWorkload, config: EngineConfig, costs: NodeCosts) -> Resources:
    """The skip FIFO and the adder, counted with the engine whose output is added."""
    complex_bypass = workload.skip_branch
    simple_bypass = workload.bypass is Bypass.SIMPLE and not workload.squeeze
    if not (complex_bypass or simple_bypass):
        return Resources()
    main = workload.main_layer
    # Rows that the Fire module's input waits: those that its kernel reads ahead. A simple bypass has as many inputs as outputs.
    channels = main.input.channels if complex_bypass else workload.outputs * (main.conv.padding + 1)
    return costs.skip_fifo(workload.tiles(config.lanes) * channels, config.lanes) + costs.adder(config.lanes)


def _poolings(workload: EngineWorkload, config: EngineConfig, costs: NodeCosts) -> Resources:
    lanes, tiles, width = config.lanes, workload.tiles(config.lanes), workload.width
    resources = Resources()
    for pool in workload.pools:
        if config.serialized and lanes > 1:
            resources += costs.serializer(lanes, tiles)
            lanes, tiles = 1, width
        width = pool.output_length(width)
        tiles = width if lanes == 1 else tiles // 2
        resources += costs.max_pool(lanes, workload.outputs, tiles)
    return resources
