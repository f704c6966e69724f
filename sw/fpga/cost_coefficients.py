# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The fitted numbers of the cost model: what each stands for, its unit, and the designs it was fitted to.

All hold for an ECP5 as Yosys maps it (``synth_ecp5``); other families scale the sum (``Fabric.lut_factor``). Cells count as nextpnr packs
them: a LUT4 one LUT, a carry cell two, 16 words of 4 bits of distributed RAM six. ``scripts/fit_cost_model.py`` synthesises engines,
compares them with these numbers and proposes new ones.
"""

from dataclasses import dataclass, field
from typing import Any

BUILDS_85F = "every engine and pooling of SqueezeNet v1.0 and v1.1 (the `_small` models) as built for an LFE5U-85F"
BUILDS = f"{BUILDS_85F}, and of `digits` for an LFE5U-12F, a GW1NR-9C and a GW2A-18C"
FAST_85F = "the engines with fast lanes of SqueezeNet v1.0 and v1.1 (the `_small` models) as synthesised for an LFE5U-85F"
SERIALIZERS = "the serialisers of the same two LFE5U-85F builds"
BYPASSES = "an estimate from when bypasses were added; no build in README or docs/boards.md has one"
CELLS = "counted: the cells that one such memory or adder takes"


def _fitted(value: int, unit: str, origin: str) -> Any:
    return field(default=value, metadata={"unit": unit, "origin": origin})


@dataclass(frozen=True)
class CostCoefficients:
    """What each feature of a node costs. ``dataclasses.fields`` gives each number's ``unit`` and ``origin`` as metadata."""

    # A partition of an engine: decoder, counters, weight ROM, MAC lanes.
    partition_base: int = _fitted(472, "LUTs a partition: decoder, address counters, control", BUILDS_85F)
    zero_run_code_bit: int = _fitted(44, "LUTs a bit of the longest zero-run code word", BUILDS)
    rom_bits_per_lut: int = _fitted(8, "bits of a LUT ROM that one LUT holds, bank multiplexers included", BUILDS)
    block_ram_rom: int = _fitted(98, "LUTs a ROM that has any block RAM: prefetch and address", BUILDS)
    block_ram_rom_bank: int = _fitted(2, "LUTs a block RAM bank of a ROM", BUILDS)
    init_bits_per_lut: int = _fitted(26, "bits of accumulator initial values that one LUT holds: many are equal", BUILDS_85F)
    halo_lane: int = _fitted(59, "LUTs a lane whose kernel reads columns of the neighbouring lanes", BUILDS_85F)
    fast_partition: int = _fitted(
        150, "LUTs a partition with lanes at twice the clock takes more: control of two tiles, output FIFO", FAST_85F
    )
    fast_lane_saved: int = _fitted(34, "LUTs that a lane at twice the clock takes less: it has no forwarding", FAST_85F)
    wide_word_lane: int = _fitted(12, "LUTs a fast lane that selects its column from a word with both tiles", FAST_85F)

    # Accumulators, by the memory that holds them.
    accumulator_register: int = _fitted(3, "LUTs a bit and lane: a single accumulator in a register", BUILDS_85F)
    accumulator_block_ram: int = _fitted(3, "LUTs a bit and lane: accumulators in block RAM, adder and forwarding", BUILDS_85F)
    accumulator_block_ram_only: int = _fitted(
        1, "LUTs a bit and lane: the same in families without distributed RAM", "`digits` for an iCE40UP5K"
    )
    accumulator_lut_ram_row: int = _fitted(26, "tenths of a LUT a bit, lane and 16 words of distributed RAM", BUILDS)
    accumulator_lut_ram: int = _fitted(9, "tenths of a LUT a bit and lane with distributed RAM: the adder", BUILDS)

    # The interleaver that merges the outputs of an engine's partitions.
    interleaver_input: int = _fitted(10, "LUTs a partition", BUILDS_85F)
    interleaver_lane: int = _fitted(4, "LUTs a partition and lane", BUILDS_85F)
    mean_interleaver: int = _fitted(40, "LUTs a partition after the first, of average width: for the search before compiling", BUILDS_85F)

    # Line buffers.
    lut_ram_row: int = _fitted(12, "LUTs a lane and 16 pixels of distributed RAM: two cells of 4 bits", CELLS)
    lut_ram_multiplexer: int = _fitted(9, "halves of a LUT a lane and bank after the first", BUILDS_85F)
    lut_ram_wide_multiplexer: int = _fitted(16, "the same with more banks than a wide multiplexer selects from", BUILDS_85F)
    wide_multiplexer_banks: int = _fitted(16, "banks of distributed RAM that one wide multiplexer (PFUMX, L6MUX21) selects from", CELLS)
    shared_buffer: int = _fitted(40, "LUTs a line buffer that two partitions read", BUILDS_85F)
    shared_buffer_lane: int = _fitted(8, "LUTs a lane of such a line buffer", BUILDS_85F)

    # Other nodes.
    serializer_row: int = _fitted(10, "LUTs a lane and 16 words of the serialiser's memory", SERIALIZERS)
    serializer_lane: int = _fitted(23, "LUTs a lane of a serialiser", SERIALIZERS)
    downsizer: int = _fitted(20, "LUTs a downsizer", BUILDS_85F)
    downsizer_lane: int = _fitted(4, "LUTs a lane of a downsizer's input", BUILDS_85F)
    max_pool: int = _fitted(80, "LUTs a pooling", BUILDS_85F)
    max_pool_lane: int = _fitted(80, "LUTs a lane of a pooling: comparators of 8 bits", BUILDS_85F)
    global_sum: int = _fitted(24, "LUTs a global average", BUILDS)
    global_sum_bit: int = _fitted(5, "LUTs a bit of its sums", BUILDS)
    global_sum_lane: int = _fitted(27, "LUTs a lane of its adder tree", BUILDS)
    global_sum_free: int = _fitted(45, "LUTs of the adder tree that the other two terms already count", BUILDS)
    score_lut_ram_row: int = _fitted(6, "halves of a LUT a bit and 16 classes of scores in distributed RAM", BUILDS)
    score_lut_ram_saved: int = _fitted(5, "halves of a LUT a bit that one such memory takes less than its rows", BUILDS)
    skip_fifo_lut_ram: int = _fitted(30, "LUTs a skip FIFO in distributed RAM", BYPASSES)
    skip_fifo_block_ram: int = _fitted(60, "LUTs a skip FIFO in block RAM", BYPASSES)
    adder: int = _fitted(20, "LUTs an adder behind a bypass", BYPASSES)
    adder_lane: int = _fitted(16, "LUTs a lane of it: 8 bits with saturation", BYPASSES)


FITTED = CostCoefficients()
