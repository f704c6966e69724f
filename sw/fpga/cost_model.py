# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What a compiled plan is expected to take of an FPGA, node by node."""

from collections.abc import Sequence

from ..plan.nodes import (
    Adapter,
    BypassSpec,
    ConvSpec,
    DownsizerSpec,
    EngineSpec,
    GlobalSumSpec,
    MaxPoolSpec,
    Node,
    Plan,
    SerializerSpec,
    SkipFifoSpec,
    SqueezeSpec,
    walk,
)
from .cost_coefficients import FITTED, CostCoefficients
from .cost_features import BufferFeatures, EngineFeatures, PartitionFeatures, conv_accumulators, significant_bits
from .fabric import ECP5, Fabric
from .memory_shapes import address_span, row_span
from .node_costs import NodeCosts, scaled
from .resources import Resources


def estimate(plan: Plan, fabric: Fabric = ECP5, coefficients: CostCoefficients = FITTED) -> dict[str, Resources]:
    """Expected resources of each node, by name; an adapter counts towards the node behind it."""
    costs = NodeCosts(fabric, coefficients)
    nodes: dict[str, Resources] = {}
    adapters = Resources()
    for node in walk(plan.nodes):
        if isinstance(node, Adapter):
            adapters += node_resources(node, costs)
        else:
            nodes[node.name] = scaled(adapters + node_resources(node, costs), fabric)
            adapters = Resources()
    return nodes


def node_resources(node: Node, costs: NodeCosts) -> Resources:
    """Expected resources of one node, in LUTs of an ECP5; of a bypass the adder alone, not the nodes of its branches."""
    match node:
        case EngineSpec():
            return costs.engine(engine_features(node, costs.fabric))
        case DownsizerSpec(source=source):
            return costs.downsizer(source.lanes)
        case SerializerSpec(source=source):
            return costs.serializer(source.lanes, source.tiles)
        case MaxPoolSpec(source=source, channels=channels, output=output):
            return costs.max_pool(source.lanes, channels, output.tiles)
        case GlobalSumSpec(source=source, channels=channels):
            return costs.global_sum(source.lanes, channels, node.score_bits)
        case SkipFifoSpec(source=source):
            return costs.skip_fifo(node.depth, source.lanes)
        case BypassSpec(output=output):
            return costs.adder(output.lanes)


def engine_features(engine: EngineSpec, fabric: Fabric = ECP5) -> EngineFeatures:
    """The features of a compiled engine."""
    partitions: Sequence[ConvSpec | SqueezeSpec] = engine.partitions
    return EngineFeatures(
        partitions=tuple((_partition_features(partition), 1) for partition in partitions),
        buffers=tuple((_buffer_features(partition, engine.paired, fabric), 1) for partition in partitions[:: 2 if engine.paired else 1]),
        interleaver_lanes=engine.output.lanes,
    )


def _partition_features(partition: ConvSpec | SqueezeSpec) -> PartitionFeatures:
    weights, arithmetic, tiles = partition.weights, partition.arithmetic, partition.output.tiles
    codes, zero_runs = weights.codes, weights.zero_runs
    squeeze = isinstance(partition, SqueezeSpec)
    return PartitionFeatures(
        lanes=partition.output.lanes,
        tiles=tiles,
        rom_bits=codes.width * (len(codes.words) + (len(zero_runs.words) if zero_runs else 0)),
        lut_rom_bits=weights.lut_rom_bits,
        zero_run_code_bits=max(zero_runs.lengths) if zero_runs else 0,
        filters=len(arithmetic.accumulator_init),
        init_bits=significant_bits(arithmetic.accumulator_init, arithmetic.bits),
        accumulator_bits=arithmetic.bits,
        # A squeeze engine keeps an accumulator for each of its filters and tiles, a convolution for each tile of one filter.
        accumulators=address_span(weights.inner, tiles)
        if squeeze
        else conv_accumulators(tiles, isinstance(partition, ConvSpec) and partition.fast),
        squeeze=squeeze,
        halo=not squeeze and weights.taps > 1,
        lut_multipliers=arithmetic.lut_multipliers,
        fast=isinstance(partition, ConvSpec) and partition.fast,
        wide_words=isinstance(partition, ConvSpec) and partition.wide_words,
    )


def _buffer_features(partition: ConvSpec | SqueezeSpec, paired: bool, fabric: Fabric) -> BufferFeatures:
    if isinstance(partition, SqueezeSpec):
        lanes = partition.output.lanes
        return BufferFeatures(partition.buffer_depth, 8 * lanes, lanes, distributed=fabric.lut_ram and partition.distributed)
    lanes = partition.buffer_lanes
    depth = partition.slots * row_span(partition.channels, partition.buffer_tiles)
    # Block RAM is written byte by byte where words are narrower than the buffer's; such a byte takes 9 bits.
    byte_writes = lanes > 1 and partition.source.lanes < lanes and not partition.packs_pixels
    return BufferFeatures(depth, (9 if byte_writes else 8) * lanes, lanes, shared=paired, distributed=partition.distributed)
