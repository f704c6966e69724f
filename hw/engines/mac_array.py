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
from .line_buffer import READ_LATENCY

MIN_READ_AHEAD_RAW_DISTANCE = 2
"""Fewest cycles from one strobe of a sum to the next with which distributed RAM can be read a cycle ahead."""


def control_layout(*, centroid_bits: int, rotations: int, sums: int, starts: int, tiles: int) -> data.StructLayout:
    """What comes with each word of pixels: the weight, which lane's pixel each lane takes, and which sum it is added to."""
    return data.StructLayout(
        {
            "centroid": signed(centroid_bits),
            "rotation": Shape.cast(range(max(2, rotations))),
            "zero": 1,
            "sum": Shape.cast(range(max(2, sums))),
            "start": Shape.cast(range(max(2, starts))),
            "tile": Shape.cast(range(max(2, tiles))),
            "first": 1,
            "last": 1,
        }
    )


class LutMultiplier(wiring.Component):
    """A pixel times a weight, at once. A flow knows it by its name, ``soft_product_N``, and makes it of logic instead of a multiplier.

    Parameters
    ----------
    bits: width of a weight

    Members
    -------
    pixel: ``In(8)``; weight: ``In(signed(bits))``; product: ``Out(signed(bits + 8))``
    """

    pixel: Signal
    weight: Signal
    product: Signal

    def __init__(self, *, bits: int) -> None:
        super().__init__({"pixel": In(8), "weight": In(signed(bits)), "product": Out(signed(bits + 8))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.product.eq(self.pixel * self.weight)
        return m


class MacArray(wiring.Component):
    """Multiplies a weight with a word of pixels each cycle and adds the products to one of several words of sums.

    ``first`` makes a sum start anew from its filter's start value, ``last`` sends it on: shifted right, clamped to 0..255, zero in
    columns beyond the map. The pipeline never stops: whoever strobes ``last`` sees to it that ``credit`` was set in the cycle before,
    which promises room in the queue behind. A sum comes out 8 cycles after its last strobe; throughput is one product a lane and cycle.

    Parameters
    ----------
    output: layout of the outgoing words
    source_lanes: pixels in a word that comes in
    rotations: for each rotation the number of lanes by which pixels are taken from further on; those beyond the ends are zero
    sums: how many words of sums are held
    centroid_bits: width of a weight
    arithmetic: start values, accumulator width (proven sufficient from the weights by the compiler) and shift
    revisit: fewest cycles from a strobe of one sum to the next; with 2 or more, distributed RAM is read a cycle ahead
    block: sums lie in block RAM; then ``revisit`` is MIN_BLOCK_RAM_RAW_DISTANCE or more

    Members
    -------
    strobe: ``In(1)``; a multiplication begins
    control: ``In(control_layout(...))``; what it does
    pixels: ``In(ArrayLayout(8, source_lanes))``; its pixels, READ_LATENCY cycles later
    credit: ``Out(1)``; a ``last`` may be strobed in the next cycle
    output: ``Out(words(output.lanes))``
    """

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
        sums: int,
        centroid_bits: int,
        arithmetic: Arithmetic,
        revisit: int = 1,
        block: bool = False,
    ) -> None:
        if block and revisit < MIN_BLOCK_RAM_RAW_DISTANCE:
            raise ValueError(f"revisit must be at least {MIN_BLOCK_RAM_RAW_DISTANCE} for sums in block RAM, not {revisit}")
        self._strips = output
        self._source_lanes = source_lanes
        self._rotations = tuple(rotations)
        self._sums = sums
        self._centroid_bits = centroid_bits
        self._arithmetic = arithmetic
        self._revisit = revisit
        self._block = block
        self._layout = control_layout(
            centroid_bits=centroid_bits,
            rotations=len(rotations),
            sums=sums,
            starts=len(arithmetic.accumulator_init),
            tiles=output.tiles,
        )
        super().__init__(
            {
                "strobe": In(1),
                "control": In(self._layout),
                "pixels": In(pixel_beat(source_lanes)),
                "credit": Out(1),
                "output": Out(pixel_stream(output.lanes)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        lanes = self._strips.lanes

        # Stages 1 and 2: while the memory is read.
        strobe, control = self.strobe, self.control
        for stage in range(1, READ_LATENCY + 1):
            strobe, control = self._delay(m, strobe, control, stage)

        # Stage 3: the pixel of each lane.
        pixels = [Signal(8, name=f"pixel_{lane}", reset_less=True) for lane in range(lanes)]
        with m.Switch(control.rotation):
            for index, rotation in enumerate(self._rotations):
                with m.Case(index):
                    for lane, pixel in enumerate(pixels):
                        source = lane + rotation
                        if 0 <= source < self._source_lanes:
                            m.d.sync += pixel.eq(Mux(control.zero, 0, self.pixels[source]))
                        else:
                            m.d.sync += pixel.eq(0)
        strobe, control = self._delay(m, strobe, control, 3)
        start = self._start(m, control)
        earlier = control.sum

        # Stage 4: the product; stage 5: a register that lets multipliers be far from what else a lane has.
        shape = signed(self._centroid_bits + 8)
        products = [Signal(shape, name=f"product_{lane}", reset_less=True) for lane in range(lanes)]
        for lane, (product, pixel) in enumerate(zip(products, pixels, strict=True)):
            near = Signal(shape, name=f"{PRODUCT_REGISTER_PREFIX}{lane}", reset_less=True)
            if self._arithmetic.lut_multipliers:
                m.submodules[f"{LUT_MULTIPLIER_PREFIX}{lane}"] = soft = LutMultiplier(bits=self._centroid_bits)
                m.d.comb += [soft.pixel.eq(pixel), soft.weight.eq(control.centroid)]
                m.d.sync += near.eq(soft.product)
            else:
                m.d.sync += near.eq(pixel * control.centroid)
            m.d.sync += product.eq(near)
        strobe, control = self._delay(m, strobe, control, 4)
        early, ends = control.sum, Signal()
        m.d.sync += ends.eq(strobe & control.last)
        strobe, control = self._delay(m, strobe, control, 5)

        # Stage 6: the sum.
        results = [Signal(signed(self._arithmetic.bits), name=f"result_{lane}", reset_less=True) for lane in range(lanes)]
        totals = [Signal(signed(self._arithmetic.bits), name=f"total_{lane}") for lane in range(lanes)]
        if self._block:
            sums = self._block_sums(m, earlier, control.sum, strobe, totals)
        else:
            sums = [self._sum(m, lane, early, control.sum, strobe, total) for lane, total in enumerate(totals)]
        for product, result, total, held in zip(products, results, totals, sums, strict=True):
            m.d.comb += total.eq(Mux(control.first, start, held) + product)
            with m.If(ends):
                m.d.sync += result.eq(total)
        summed = Signal()
        tile = Signal.like(control.tile, reset_less=True)
        m.d.sync += [summed.eq(ends), tile.eq(control.tile)]

        # Stage 7: requantised, and into the queue.
        m.submodules.queue = queue = Fifo(shape=pixel_beat(lanes), depth=OUTPUT_FIFO_DEPTH)
        finished = Signal()
        outputs = [Signal(8, name=f"output_{lane}", reset_less=True) for lane in range(lanes)]
        m.d.sync += finished.eq(summed)
        with m.If(summed):
            for lane, (result, output) in enumerate(zip(results, outputs, strict=True)):
                valid = lookup([int(row[lane]) for row in self._strips.valid], tile, 1)
                m.d.sync += output.eq(Mux(valid, _requantise(result, self._arithmetic.shift), 0))
        m.d.comb += [queue.input.valid.eq(finished), *(queue.input.payload[lane].eq(output) for lane, output in enumerate(outputs))]
        wiring.connect(m, queue.output, wiring.flipped(self.output))
        self._count_credit(m)
        return m

    def _delay(self, m: Module, strobe: Value, control: data.View, stage: int) -> tuple[Signal, data.View]:
        later_strobe = Signal(name=f"strobe_{stage}")
        later: Any = Signal(self._layout, name=f"control_{stage}", reset_less=True)
        m.d.sync += [later_strobe.eq(strobe), later.eq(control)]
        return later_strobe, later

    def _start(self, m: Module, control: data.View) -> Signal:
        """The start value of the filter that is in stage 3, in stage 5."""
        shape, values = signed(self._arithmetic.bits), list(self._arithmetic.accumulator_init)
        rom: memory.Memory = memory.Memory(shape=shape, depth=len(values), init=values, attrs={"rom_style": "logic"})
        m.submodules.starts = rom
        port = rom.read_port()
        start = Signal(signed(self._arithmetic.bits), reset_less=True)
        m.d.comb += [port.addr.eq(control.start), port.en.eq(1)]
        m.d.sync += start.eq(port.data)
        return start

    def _sum(self, m: Module, lane: int, early: Value, index: Value, strobe: Value, total: Value) -> Value:
        """The sum of one lane that ``index`` names, as ``early`` did a cycle before, replaced by ``total`` at the strobe."""
        shape = signed(self._arithmetic.bits)
        if self._sums == 1:
            register = Signal(shape, name=f"sum_{lane}", reset_less=True)
            with m.If(strobe):
                m.d.sync += register.eq(total)
            return register
        sums: memory.Memory = memory.Memory(shape=shape, depth=self._sums, init=[], attrs={"ram_style": "distributed"})
        m.submodules[f"sums_{lane}"] = sums
        read, write = sums.read_port(domain="comb"), sums.write_port()
        m.d.comb += [write.addr.eq(index), write.en.eq(strobe), write.data.eq(total)]
        if self._revisit < MIN_READ_AHEAD_RAW_DISTANCE:
            m.d.comb += read.addr.eq(index)
            return Value.cast(read.data)
        held = Signal(shape, name=f"held_{lane}", reset_less=True)
        m.d.comb += read.addr.eq(early)
        m.d.sync += held.eq(read.data)
        return held

    def _block_sums(self, m: Module, early: Value, index: Value, strobe: Value, totals: list[Signal]) -> list[Value]:
        """The sums of all lanes that ``early`` named two cycles before; those that ``index`` names become ``totals`` at the strobe."""
        shape = data.ArrayLayout(signed(self._arithmetic.bits), len(totals))
        sums: memory.Memory = memory.Memory(shape=shape, depth=self._sums, init=[], attrs={"ram_style": "block"})
        m.submodules.sums = sums
        read, write = sums.read_port(), sums.write_port()
        held = Signal(shape, name="held", reset_less=True)
        m.d.comb += [read.addr.eq(early), read.en.eq(1), write.addr.eq(index), write.en.eq(strobe)]
        m.d.comb += [write.data[lane].eq(total) for lane, total in enumerate(totals)]
        m.d.sync += held.eq(read.data)
        return [held[lane] for lane in range(len(totals))]

    def _count_credit(self, m: Module) -> None:
        """Room in the queue, less the sums that are on their way to it."""
        room = Signal(range(OUTPUT_FIFO_DEPTH + 1), init=OUTPUT_FIFO_DEPTH)
        left = Signal()
        m.d.comb += self.credit.eq(room > 1)
        m.d.sync += [left.eq(self.output.valid & self.output.ready), room.eq(room + left - (self.strobe & self.control.last))]


def _requantise(total: Signal, shift: int) -> Value:
    """Shifted right and clamped to 0..255 (docs/numerics.md); the rounding term is in the start value."""
    sign = total[-1]
    wide = Cat(total, sign.replicate(max(0, shift + 9 - len(total))))
    return Mux(sign, Const(0, 8), Mux(wide[shift + 8 : -1].any(), Const(255, 8), wide[shift : shift + 8]))
