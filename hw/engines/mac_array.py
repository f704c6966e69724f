# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The lanes of an engine: multiply one weight with a word of pixels, accumulate, requantise."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value, signed
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ...sw.plan.lane_layout import LaneLayout
from ...sw.plan.memory_mapping import MIN_BLOCK_RAM_RAW_DISTANCE
from ...sw.plan.nodes import OUTPUT_FIFO_DEPTH, Arithmetic
from ..module_names import LUT_MULTIPLIER_PREFIX, PRODUCT_REGISTER_PREFIX
from ..stream.fifo import Fifo
from ..stream.signatures import pixel_beat, pixel_stream
from ..utils import lookup
from .accumulators import AccumulatorIndex, accumulators
from .line_buffer import READ_LATENCY
from .lut_multiplier import LutMultiplier


def control_layout(*, centroid_bits: int, rotations: int, accumulators: int, filters: int, tiles: int) -> data.StructLayout:
    """What the lanes do with a word of pixels.

    centroid: the weight
    rotation: index of the rotation, that is, which lane's pixel each lane multiplies
    zero: all pixels count as zero (padding)
    accumulator: index of the accumulator that the products are added to
    filter: index of the initial accumulator value
    tile: tile of the output, which says which lanes are within the map
    first, last: the first and the last product of a sum
    """
    return data.StructLayout(
        {
            "centroid": signed(centroid_bits),
            "rotation": Shape.cast(range(max(2, rotations))),
            "zero": 1,
            "accumulator": Shape.cast(range(max(2, accumulators))),
            "filter": Shape.cast(range(max(2, filters))),
            "tile": Shape.cast(range(max(2, tiles))),
            "first": 1,
            "last": 1,
        }
    )


class MacArray(wiring.Component):
    """Multiplies a weight with a word of pixels each cycle and adds the products to one word of accumulators.

    For each lane l, with accumulator a, filter f and rotation r of the control word::

        product  = centroid * pixels[l + r]                        0 where zero is set or l + r is beyond the word
        total    = (initial[f] if first else accumulator[a][l]) + product
        accumulator[a][l] = total
        output[l] = clamp(total >> shift, 0, 255)  if last         0 in columns beyond the map

    The pipeline has no back-pressure. The registers of stage n are valid n cycles after the strobe::

        0         1, 2           3       4                   5         6        7        8
        strobe    address and    pixel   multiplier output   product   result   output   output FIFO
        control   word of the    (rotated)                   (added    (total)  (requan-
                  line buffer                                in here)           tised)

    The FIFO must have a free slot for each sum: whoever strobes ``last`` must have seen ``credit`` in the cycle before.

    Latency: LATENCY cycles from the last strobe of a sum to its output. Throughput: one product a lane and cycle.

    Parameters
    ----------
    output: layout of the output stream
    source_lanes: pixels in an input word
    rotations: for each rotation, the offset of the pixel's lane from the lane that multiplies it
    accumulators: number of accumulators of a lane
    centroid_bits: width of a weight
    arithmetic: initial values, accumulator width (the compiler proves from the weights that it suffices) and shift
    raw_distance: read-after-write distance: fewest cycles from a strobe of one accumulator to its next one (``accumulators.py``)
    block_ram: whether the accumulators lie in block RAM, which needs a ``raw_distance`` of MIN_BLOCK_RAM_RAW_DISTANCE

    Members
    -------
    strobe: ``In(1)``; a multiplication begins
    control: ``In(control_layout(...))``; what it does
    pixels: ``In(pixel_beat(source_lanes))``; the pixels of the strobe READ_LATENCY cycles ago
    credit: ``Out(1)``; a ``last`` may be strobed in the next cycle
    output: ``Out(pixel_stream(output.lanes))``
    """

    LATENCY = READ_LATENCY + 5 + Fifo.LATENCY

    strobe: Signal
    control: data.View
    pixels: data.View
    credit: Signal
    output: stream.Interface

    def __init__(
        self,
        *,
        output: LaneLayout,
        source_lanes: int,
        rotations: Sequence[int],
        accumulators: int,
        centroid_bits: int,
        arithmetic: Arithmetic,
        raw_distance: int = 1,
        block_ram: bool = False,
    ) -> None:
        if block_ram and raw_distance < MIN_BLOCK_RAM_RAW_DISTANCE:
            raise ValueError(
                f"raw_distance must be at least {MIN_BLOCK_RAM_RAW_DISTANCE} for accumulators in block RAM, not {raw_distance}"
            )
        self._output_layout = output
        self._source_lanes = source_lanes
        self._rotations = tuple(rotations)
        self._accumulators = accumulators
        self._centroid_bits = centroid_bits
        self._arithmetic = arithmetic
        self._raw_distance = raw_distance
        self._block_ram = block_ram
        self._sum_shape = signed(arithmetic.bits)
        self._control_layout = control_layout(
            centroid_bits=centroid_bits,
            rotations=len(rotations),
            accumulators=accumulators,
            filters=len(arithmetic.accumulator_init),
            tiles=output.tiles,
        )
        super().__init__(
            {
                "strobe": In(1),
                "control": In(self._control_layout),
                "pixels": In(pixel_beat(source_lanes)),
                "credit": Out(1),
                "output": Out(pixel_stream(output.lanes)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()

        # Stages 1 and 2: strobe and control wait for the pixels, which are read from the line buffer.
        strobe, control = self.strobe, self.control
        for stage in range(1, READ_LATENCY + 1):
            strobe, control = self._delay(m, strobe, control, stage)

        # Stage 3: each lane takes its pixel. The ROM of initial values has this stage and the next to be read in.
        pixels = self._rotate(m, control)
        strobe, control = self._delay(m, strobe, control, 3)
        initial_value = self._initial_value(m, control)
        index_at_3 = control.accumulator

        # Stages 4 and 5: the product, and a second register, so that multipliers can be far from the rest of their lane.
        products = self._multiply(m, pixels, control)
        strobe, control = self._delay(m, strobe, control, 4)
        index_at_4 = control.accumulator
        sum_complete = Signal()
        m.d.sync += sum_complete.eq(strobe & control.last)
        strobe, control = self._delay(m, strobe, control, 5)

        # Stage 6: the accumulation.
        index = AccumulatorIndex(two_ahead=index_at_3, one_ahead=index_at_4, now=control.accumulator)
        results = self._accumulate(m, strobe, control.first, initial_value, products, index, sum_complete)
        result_valid = Signal()
        tile = Signal.like(control.tile, reset_less=True)
        m.d.sync += [result_valid.eq(sum_complete), tile.eq(control.tile)]

        # Stage 7: the requantisation; then the FIFO.
        self._requantise(m, result_valid, tile, results)
        self._count_credit(m)
        return m

    def _delay(self, m: Module, strobe: Value, control: data.View, stage: int) -> tuple[Signal, data.View]:
        """Strobe and control of the next stage."""
        next_strobe = Signal(name=f"strobe_{stage}")
        next_control: Any = Signal(self._control_layout, name=f"control_{stage}", reset_less=True)
        m.d.sync += [next_strobe.eq(strobe), next_control.eq(control)]
        return next_strobe, next_control

    def _rotate(self, m: Module, control: data.View) -> list[Signal]:
        """The pixel of each lane: that of the lane ``rotation`` further on, or zero."""
        pixels = [Signal(8, name=f"pixel_{lane}", reset_less=True) for lane in range(self._output_layout.lanes)]
        with m.Switch(control.rotation):
            for index, rotation in enumerate(self._rotations):
                with m.Case(index):
                    for lane, pixel in enumerate(pixels):
                        source = lane + rotation
                        if 0 <= source < self._source_lanes:
                            m.d.sync += pixel.eq(Mux(control.zero, 0, self.pixels[source]))
                        else:
                            m.d.sync += pixel.eq(0)
        return pixels

    def _initial_value(self, m: Module, control: data.View) -> Signal:
        """The initial accumulator value of a filter, two cycles after its control word."""
        values = list(self._arithmetic.accumulator_init)
        rom: memory.Memory = memory.Memory(shape=self._sum_shape, depth=len(values), init=values, attrs={"rom_style": "logic"})
        m.submodules.initial_values = rom
        port = rom.read_port()
        initial_value = Signal(self._sum_shape, name="initial_value", reset_less=True)  # looked up by probes.py
        m.d.comb += [port.addr.eq(control.filter), port.en.eq(1)]
        m.d.sync += initial_value.eq(port.data)
        return initial_value

    def _multiply(self, m: Module, pixels: list[Signal], control: data.View) -> list[Signal]:
        """The product of each lane, two cycles after its pixel."""
        shape = signed(self._centroid_bits + 8)
        products = [Signal(shape, name=f"product_{lane}", reset_less=True) for lane in range(len(pixels))]
        for lane, (product, pixel) in enumerate(zip(products, pixels, strict=True)):
            multiplier_output = Signal(shape, name=f"{PRODUCT_REGISTER_PREFIX}{lane}", reset_less=True)
            if self._arithmetic.lut_multipliers:
                m.submodules[f"{LUT_MULTIPLIER_PREFIX}{lane}"] = multiplier = LutMultiplier(bits=self._centroid_bits)
                m.d.comb += [multiplier.pixel.eq(pixel), multiplier.weight.eq(control.centroid)]
                m.d.sync += multiplier_output.eq(multiplier.product)
            else:
                m.d.sync += multiplier_output.eq(pixel * control.centroid)
            m.d.sync += product.eq(multiplier_output)
        return products

    def _accumulate(
        self,
        m: Module,
        strobe: Value,
        first: Value,
        initial_value: Value,
        products: list[Signal],
        index: AccumulatorIndex,
        sum_complete: Value,
    ) -> list[Signal]:
        """The complete sum of each lane, a cycle after its last product."""
        results = [Signal(self._sum_shape, name=f"result_{lane}", reset_less=True) for lane in range(len(products))]
        totals = [Signal(self._sum_shape, name=f"total_{lane}") for lane in range(len(products))]
        previous = accumulators(
            m,
            totals,
            shape=self._sum_shape,
            count=self._accumulators,
            index=index,
            strobe=strobe,
            raw_distance=self._raw_distance,
            block_ram=self._block_ram,
        )
        for product, result, total, accumulator in zip(products, results, totals, previous, strict=True):
            m.d.comb += total.eq(Mux(first, initial_value, accumulator) + product)
            with m.If(sum_complete):
                m.d.sync += result.eq(total)
        return results

    def _requantise(self, m: Module, result_valid: Signal, tile: Signal, results: list[Signal]) -> None:
        """Requantises results to pixels, sets those beyond the map to zero and sends them through a FIFO."""
        lanes = self._output_layout.lanes
        m.submodules.output_fifo = output_fifo = Fifo(shape=pixel_beat(lanes), depth=OUTPUT_FIFO_DEPTH)
        output_valid = Signal()
        outputs = [Signal(8, name=f"output_{lane}", reset_less=True) for lane in range(lanes)]
        m.d.sync += output_valid.eq(result_valid)
        with m.If(result_valid):
            for lane, (result, output) in enumerate(zip(results, outputs, strict=True)):
                in_map = lookup([int(row[lane]) for row in self._output_layout.valid], tile, 1)
                m.d.sync += output.eq(Mux(in_map, _shift_and_clamp(result, self._arithmetic.shift), 0))
        m.d.comb += output_fifo.input.valid.eq(output_valid)
        m.d.comb += [output_fifo.input.payload[lane].eq(output) for lane, output in enumerate(outputs)]
        wiring.connect(m, output_fifo.output, wiring.flipped(self.output))

    def _count_credit(self, m: Module) -> None:
        """Counts the free slots of the FIFO, less the sums that are on their way to it.

        ``credit`` is seen a cycle before the strobe that uses it, so one slot is kept for a strobe in the present cycle.
        """
        free_slots = Signal(range(OUTPUT_FIFO_DEPTH + 1), init=OUTPUT_FIFO_DEPTH)
        beat_taken = Signal()
        m.d.comb += self.credit.eq(free_slots > 1)
        m.d.sync += [
            beat_taken.eq(self.output.valid & self.output.ready),
            free_slots.eq(free_slots + beat_taken - (self.strobe & self.control.last)),
        ]


def _shift_and_clamp(total: Signal, shift: int) -> Value:
    """clamp(total >> shift, 0, 255), see docs/numerics.md; the rounding term is part of the initial value."""
    negative = total[-1]
    extended = Cat(total, negative.replicate(max(0, shift + 9 - len(total))))
    overflow = extended[shift + 8 : -1].any()
    return Mux(negative, Const(0, 8), Mux(overflow, Const(255, 8), extended[shift : shift + 8]))
