# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The cost model: from the features of a node to the LUTs, block RAMs and multipliers it is expected to take."""

from dataclasses import dataclass, replace

from ..plan.memory_mapping import BLOCK_RAM_BITS, MIN_BLOCK_RAM_RAW_DISTANCE, MIN_BLOCK_RAM_SUMS, skip_fifo_depths
from ..plan.nodes import MAX_DISTRIBUTED_FIFO_BITS, OUTPUT_FIFO_DEPTH
from .cost_coefficients import FITTED, CostCoefficients
from .cost_features import BufferFeatures, EngineFeatures, PartitionFeatures
from .fabric import ECP5, Fabric
from .memory_shapes import address_span, block_rams, fits_lut_ram, scores_in_lut_ram, shared_block_rams
from .resources import Resources

LUT_RAM_DEPTH = 16
"""Words of a distributed RAM cell."""


def scaled(resources: Resources, fabric: Fabric) -> Resources:
    """The same with the LUTs of an ECP5 converted to those of another family."""
    return replace(resources, luts=round(resources.luts * fabric.lut_factor))


@dataclass(frozen=True)
class NodeCosts:
    """What nodes are expected to take: block RAMs are counted, LUTs fitted, in LUTs of an ECP5 (see ``scaled``)."""

    fabric: Fabric = ECP5
    coefficients: CostCoefficients = FITTED

    def engine(self, engine: EngineFeatures) -> Resources:
        """An engine with its partitions, line buffers and interleaver."""
        partitions = sum((self.partition(partition) * count for partition, count in engine.partitions), Resources())
        buffers = sum((self.line_buffer(buffer) * count for buffer, count in engine.buffers), Resources())
        return partitions + buffers + self._interleaver(engine.partition_count, engine.interleaver_lanes)

    def partition(self, partition: PartitionFeatures) -> Resources:
        """One partition without its line buffer: decoder, ROM, MAC lanes and output FIFO."""
        c, lanes = self.coefficients, partition.lanes
        rom, accumulators = self._rom(partition), self._accumulators(partition)
        control = c.partition_base + c.zero_run_code_bit * partition.zero_run_code_bits
        initial_values = partition.filters * partition.init_bits // c.init_bits_per_lut
        halo = lanes * c.halo_lane * partition.halo
        fast = partition.fast * (c.fast_partition - lanes * c.fast_lane_saved) + partition.wide_words * lanes * c.wide_word_lane
        multiplier = self.fabric.lut_multiplier_luts if partition.lut_multipliers else self.fabric.multiplier_luts
        multipliers = Resources(multiplier * lanes, multipliers=0 if multiplier else lanes)
        return rom + accumulators + self._small_fifos(partition) + multipliers + Resources(control + initial_values + halo + fast)

    def _rom(self, partition: PartitionFeatures) -> Resources:
        """The weight ROM: full banks are block RAMs, and so is a last one that is too large for LUTs."""
        c = self.coefficients
        banks, last_bank = divmod(partition.rom_bits, BLOCK_RAM_BITS)
        lut_bits = last_bank if last_bank <= partition.lut_rom_bits else 0
        banks += last_bank > partition.lut_rom_bits
        block_bits = partition.rom_bits - lut_bits
        # Weight and zero-run codes meet in one bank, which needs two read ports or a copy.
        shared_bits = min(block_bits, BLOCK_RAM_BITS) if partition.zero_run_code_bits else 0
        luts = lut_bits // c.rom_bits_per_lut + c.block_ram_rom * (banks > 0) + c.block_ram_rom_bank * banks
        return Resources(luts, self.fabric.rom_block_rams(block_bits, shared_bits))

    def _accumulators(self, partition: PartitionFeatures) -> Resources:
        """Accumulators and their adders, in the memory that synthesis takes (plan/memory_mapping.py)."""
        c, lanes, bits, words = self.coefficients, partition.lanes, partition.accumulator_bits, partition.accumulators
        if partition.squeeze and partition.tiles >= MIN_BLOCK_RAM_RAW_DISTANCE and words >= MIN_BLOCK_RAM_SUMS:
            return Resources(lanes * bits * c.accumulator_block_ram, block_rams(words, bits * lanes, self.fabric))
        if words > 1 and not self.fabric.lut_ram:
            return Resources(lanes * bits * c.accumulator_block_ram_only, lanes * block_rams(words, bits, self.fabric))
        if words == 1:
            return Resources(lanes * bits * c.accumulator_register)
        tenths = c.accumulator_lut_ram_row * _lut_ram_rows(words) + c.accumulator_lut_ram
        return Resources(lanes * (tenths * bits // 10))

    def _small_fifos(self, partition: PartitionFeatures) -> Resources:
        """Block RAMs of FIFOs that lie in distributed RAM where a family has it: decoder inputs and the output."""
        if self.fabric.lut_ram:
            return Resources()
        decoders = 2 if partition.zero_run_code_bits else 1
        return Resources(block_rams=decoders + block_rams(OUTPUT_FIFO_DEPTH, 8 * partition.lanes, self.fabric))

    def line_buffer(self, buffer: BufferFeatures) -> Resources:
        """A line buffer, in distributed RAM or block RAM."""
        c, lanes = self.coefficients, buffer.lanes
        if buffer.distributed or fits_lut_ram(buffer.depth, lanes, self.fabric):
            banks = _lut_ram_rows(buffer.depth)
            half_luts = c.lut_ram_multiplexer if banks <= c.wide_multiplexer_banks else c.lut_ram_wide_multiplexer
            return Resources((c.lut_ram_row * banks + half_luts * (banks - 1) // 2) * lanes)
        if buffer.shared:
            return Resources(c.shared_buffer + c.shared_buffer_lane * lanes, shared_block_rams(buffer.depth, buffer.width, self.fabric))
        return Resources(block_rams=block_rams(buffer.depth, buffer.width, self.fabric))

    def _interleaver(self, inputs: int, lanes: int | None) -> Resources:
        c = self.coefficients
        if inputs == 1:
            return Resources()
        if lanes is None:
            return Resources(c.mean_interleaver * (inputs - 1))
        return Resources(inputs * (c.interleaver_lane * lanes + c.interleaver_input))

    def downsizer(self, lanes: int) -> Resources:
        """A downsizer of words of this many lanes."""
        return Resources(self.coefficients.downsizer + self.coefficients.downsizer_lane * lanes)

    def serializer(self, lanes: int, tiles: int) -> Resources:
        """A serialiser, which stores two rows of ``tiles`` words."""
        c, rows = self.coefficients, _lut_ram_rows(max(LUT_RAM_DEPTH, 2 * address_span(1, tiles)))
        blocks = 0 if self.fabric.lut_ram else block_rams(LUT_RAM_DEPTH * rows, 8 * lanes, self.fabric)
        return Resources((c.serializer_row * rows + c.serializer_lane) * lanes, blocks)

    def max_pool(self, lanes: int, channels: int, tiles: int) -> Resources:
        """A pooling to ``tiles`` words a row, which stores one row of column maxima."""
        c = self.coefficients
        return Resources(c.max_pool + c.max_pool_lane * lanes, block_rams(address_span(channels, tiles), 8 * lanes, self.fabric))

    def global_sum(self, lanes: int, classes: int, bits: int) -> Resources:
        """The global average: an adder tree, and a memory with one sum for each class."""
        c = self.coefficients
        adders = Resources(c.global_sum + c.global_sum_bit * bits + max(0, c.global_sum_lane * lanes - c.global_sum_free))
        if scores_in_lut_ram(classes, self.fabric):
            half_luts = c.score_lut_ram_row * _lut_ram_rows(classes) - c.score_lut_ram_saved
            return adders + Resources(half_luts * bits // 2)
        return adders + Resources(block_rams=block_rams(classes, bits, self.fabric))

    def skip_fifo(self, words: int, lanes: int) -> Resources:
        """The FIFOs of a skip connection, one behind the other."""
        return sum((self._fifo(depth, lanes) for depth in skip_fifo_depths(words, lanes)), Resources())

    def _fifo(self, depth: int, lanes: int) -> Resources:
        c = self.coefficients
        if 8 * depth * lanes <= MAX_DISTRIBUTED_FIFO_BITS:
            return Resources(c.skip_fifo_lut_ram + c.lut_ram_row * _lut_ram_rows(depth) * lanes)
        return Resources(c.skip_fifo_block_ram, block_rams(depth - 1, 8 * lanes, self.fabric))

    def adder(self, lanes: int) -> Resources:
        """The saturating adder where a bypass ends, with the broadcast where it begins."""
        return Resources(self.coefficients.adder + self.coefficients.adder_lane * lanes)


def _lut_ram_rows(words: int) -> int:
    """Distributed RAM cells that this many words take, one below the other."""
    return -(-words // LUT_RAM_DEPTH)
