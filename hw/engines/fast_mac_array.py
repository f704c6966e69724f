# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The lanes of an engine at twice the clock: two tiles in a cycle."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Shape, Signal, Value, signed
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ...sw.plan.lane_layout import LaneLayout
from ...sw.plan.nodes import Arithmetic, entry_cycles
from ..module_names import FAST_MULTIPLIER_PREFIX
from ..stream.signatures import pixel_beat, pixel_stream
from ..utils import lookup
from .fast_clock import ClockPhase
from .fast_output import FastOutput

CONTROL_STAGES = 7
"""Stages of the slow pipeline of control words."""


def fast_control_layout(*, centroid_bits: int, rotations: int, filters: int, tiles: int) -> data.StructLayout:
    """What the lanes do with the words of two tiles, 2 * pair and 2 * pair + 1.

    centroid: the weight
    rotation_0, rotation_1: for each tile, the index of its rotation; the index behind the last one makes all pixels zero
    pair: the tiles, divided by 2, which are also the accumulators
    filter: index of the initial accumulator value
    first, last: the first and the last product of both sums
    """
    rotation = Shape.cast(range(rotations + 1))
    return data.StructLayout(
        {
            "centroid": signed(centroid_bits),
            "rotation_0": rotation,
            "rotation_1": rotation,
            "pair": Shape.cast(range(max(2, entry_cycles(tiles, fast=True)))),
            "filter": Shape.cast(range(max(2, filters))),
            "first": 1,
            "last": 1,
        }
    )


class FastMultiplier(wiring.Component):
    """A pixel times a weight, LATENCY cycles of domain ``fast`` later: a DSP block with registers before, in and behind the multiplication.

    It is a module of its own, named with FAST_MULTIPLIER_PREFIX, so that a flow can tell its registers from others.

    Members
    -------
    pixel: ``In(8)``
    weight: ``In(signed(WEIGHT_BITS))``; sign extended
    product: ``Out(signed(WEIGHT_BITS + 8))``
    """

    LATENCY = 3
    WEIGHT_BITS = 18

    pixel: Signal
    weight: Signal
    product: Signal

    def __init__(self) -> None:
        super().__init__({"pixel": In(8), "weight": In(signed(self.WEIGHT_BITS)), "product": Out(signed(self.WEIGHT_BITS + 8))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # The members' names are those of the module's ports, for the flow: nothing else here may have them.
        pixel_register = Signal(8, reset_less=True)
        weight_register = Signal(signed(self.WEIGHT_BITS), reset_less=True)
        pipeline_register = Signal(signed(self.WEIGHT_BITS + 8), reset_less=True)
        m.d.fast += [
            pixel_register.eq(self.pixel),
            weight_register.eq(self.weight),
            pipeline_register.eq(pixel_register * weight_register),
            self.product.eq(pipeline_register),
        ]
        return m


class FastMacArray(wiring.Component):
    """As ``MacArray``, for two tiles in a cycle, one after the other at twice the clock.

    Control comes with the clock of ``sync``, and so does the output. In between, the registers of fast stage n are valid n cycles of
    ``fast`` after the first half of the strobe's cycle for an even tile, and one later for an odd one::

        1        2, 3       4       5 - 7       8          9       10, 11     12
        address  word of    pixel   multiplier  product,   total   requan-    output FIFO
                 the line                       previous           tised
                 buffer                         total

    Control words go through stages of ``sync``, of which stage n is valid at fast stages 2n and 2n + 1. What both tiles have in common
    is taken over in the second half of a cycle, after a whole cycle; what they have not, tile by tile, after one cycle of ``fast``.
    Between two updates of one accumulator there is at least a cycle, in which the other tile's is updated.

    Where one word of the line buffer holds both tiles, it is read in ``sync``. Lane l has its two columns in lanes 2l and 2l + 1 of the
    word, and everything from its pixel on happens a cycle of ``sync`` later::

        1 - 4              5           6        7 - 9         ...
        word, of sync      word, of    pixel    multiplier
                           fast

    Latency: 8 cycles from the last strobe of a sum to the first beat of its output, 9 with wide words. Throughput: two products a lane
    and cycle.

    Parameters
    ----------
    output: layout of the output stream, with at least 2 tiles in natural order
    source_lanes, rotations, centroid_bits, arithmetic: as of ``MacArray``
    tiles_in_word: tiles that a word of the line buffer holds: 1, or 2 where there are two in all

    Members
    -------
    strobe: ``In(1)``; two multiplications begin
    control: ``In(fast_control_layout(...))``; what they do
    pixels: ``In(pixel_beat(source_lanes))``; of domain ``fast``, valid at fast stage 3 (``line_buffer.FAST_READ_LATENCY``), or wide words
        of ``sync``, valid at fast stages 4 and 5 (``line_buffer.READ_LATENCY``)
    credit: ``Out(1)``; a ``last`` may be strobed in the next cycle
    output: ``Out(pixel_stream(output.lanes))``
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
        centroid_bits: int,
        arithmetic: Arithmetic,
        tiles_in_word: int = 1,
    ) -> None:
        if output.tiles < 2 or not output.is_natural:
            raise ValueError(f"output must have at least 2 tiles in natural order, not {output.tiles}")
        if tiles_in_word not in (1, output.tiles):
            raise ValueError(f"tiles_in_word must be 1 or the output's {output.tiles}, not {tiles_in_word}")
        self._output_layout = output
        self._tiles_in_word = tiles_in_word
        self._source_lanes = source_lanes
        self._rotations = tuple(rotations)
        self._pairs = entry_cycles(output.tiles, fast=True)
        self._centroid_bits = centroid_bits
        self._arithmetic = arithmetic
        self._sum_shape = signed(arithmetic.bits)
        self._control_layout = fast_control_layout(
            centroid_bits=centroid_bits, rotations=len(rotations), filters=len(arithmetic.accumulator_init), tiles=output.tiles
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
        m.submodules.phase = phase = ClockPhase()
        late = phase.late
        strobes: list[Value] = [self.strobe]
        controls: list[Any] = [self.control]
        for stage in range(1, CONTROL_STAGES):
            strobe = Signal(name=f"strobe_{stage}")
            control: Any = Signal(self._control_layout, name=f"control_{stage}", reset_less=True)
            m.d.sync += [strobe.eq(strobes[-1]), control.eq(controls[-1])]
            strobes.append(strobe)
            controls.append(control)

        if self._tiles_in_word > 1:  # everything from the pixel on is a cycle later
            strobes, controls = strobes[1:], controls[1:]

        # Stages 3 and 4: each lane's pixel. The weight is taken over for both tiles at once.
        rotation = Signal.like(controls[1].rotation_0, name="rotation", reset_less=True)
        weight = Signal(signed(FastMultiplier.WEIGHT_BITS), reset_less=True)
        m.d.fast += rotation.eq(Mux(late, controls[1].rotation_1, controls[1].rotation_0))
        with m.If(late):
            m.d.fast += weight.eq(controls[1].centroid)
        pixels = self._rotate(m, self._word(m), rotation)

        # Stages 5 to 8: the product, and a register more, so that multipliers can be far from the rest of their lane.
        products = self._multiply(m, pixels, weight)

        # Stages 8 and 9: the sum so far, or the initial value, and the accumulation.
        adds = Signal()
        with m.If(late):
            m.d.fast += adds.eq(strobes[3])
        previous, totals = self._accumulators(m, late, adds, strobes, controls)
        for total, old, product in zip(totals, previous, products, strict=True):
            with m.If(adds):
                m.d.fast += total.eq(old + product)

        # Stages 10 and 11: the requantisation; then the FIFO.
        outside = self._outside_map(m, late, controls[4].pair)
        outputs = self._requantise(m, totals, outside)
        m.submodules.output_fifo = fifo = FastOutput(lanes=self._output_layout.lanes)
        single = self._is_single(self.control.pair)
        m.d.comb += [
            fifo.late.eq(late),
            *(fifo.pixels[lane].eq(pixel) for lane, pixel in enumerate(outputs)),
            fifo.coming.eq(strobes[5] & controls[5].last),
            fifo.single.eq(self._is_single(controls[5].pair)),
            fifo.promised.eq(self.strobe & self.control.last),
            fifo.promised_single.eq(single),
            self.credit.eq(fifo.credit),
        ]
        wiring.connect(m, fifo.output, wiring.flipped(self.output))
        return m

    def _is_single(self, pair: Value) -> Value:
        """Whether the pair is the last one of an odd number of tiles, whose second tile does not exist."""
        return pair == self._pairs - 1 if self._output_layout.tiles % 2 else Const(0)

    def _word(self, m: Module) -> Any:
        """The word of the line buffer, in domain ``fast``; a wide one for a whole cycle from when it is stable."""
        if self._tiles_in_word == 1:
            return self.pixels
        word: Any = Signal(pixel_beat(self._source_lanes), name="word", reset_less=True)
        m.d.fast += word.eq(self.pixels)
        return word

    def _rotate(self, m: Module, word: Any, rotation: Signal) -> list[Signal]:
        """The pixel of each lane: that of the lane of the word ``rotation`` further on, or zero."""
        pixels = [Signal(8, name=f"pixel_{lane}", reset_less=True) for lane in range(self._output_layout.lanes)]
        for lane, pixel in enumerate(pixels):
            sources = [self._tiles_in_word * lane + offset for offset in self._rotations]
            choices = [word[source] if 0 <= source < self._source_lanes else Const(0, 8) for source in sources]
            m.d.fast += pixel.eq(Array([*choices, Const(0, 8)])[rotation])
        return pixels

    def _multiply(self, m: Module, pixels: list[Signal], weight: Signal) -> list[Signal]:
        products = [Signal(signed(self._centroid_bits + 8), name=f"product_{lane}", reset_less=True) for lane in range(len(pixels))]
        for lane, (product, pixel) in enumerate(zip(products, pixels, strict=True)):
            m.submodules[f"{FAST_MULTIPLIER_PREFIX}{lane}"] = multiplier = FastMultiplier()
            m.d.comb += [multiplier.pixel.eq(pixel), multiplier.weight.eq(weight)]
            m.d.fast += product.eq(multiplier.product)
        return products

    def _initial_value(self, m: Module, index: Value) -> Signal:
        """The initial accumulator value of a filter, two cycles of ``sync`` later."""
        values = list(self._arithmetic.accumulator_init)
        rom: memory.Memory = memory.Memory(shape=self._sum_shape, depth=len(values), init=values, attrs={"rom_style": "logic"})
        m.submodules.initial_values = rom
        port = rom.read_port()
        initial_value = Signal(self._sum_shape, name="initial_value", reset_less=True)  # looked up by probes.py
        looked_up = Signal(len(index), name="initial_value_index")  # and so is this
        m.d.comb += [looked_up.eq(index), port.addr.eq(looked_up), port.en.eq(1)]
        m.d.sync += initial_value.eq(port.data)
        return initial_value

    def _accumulators(
        self, m: Module, late: Signal, adds: Signal, strobes: list[Value], controls: list[Any]
    ) -> tuple[list[Signal], list[Signal]]:
        """Each lane's sum of the present tile so far, or its initial value (stage 8), and the register with the new sum (stage 9)."""
        lanes = range(self._output_layout.lanes)
        totals = [Signal(self._sum_shape, name=f"total_{lane}", reset_less=True) for lane in lanes]
        previous = [Signal(self._sum_shape, name=f"previous_{lane}", reset_less=True) for lane in lanes]
        if self._pairs == 1:
            self._shift_sums(m, late, adds, strobes, controls, previous, totals)
        else:
            self._store_sums(m, late, adds, controls, previous, totals)
        return previous, totals

    def _shift_sums(
        self, m: Module, late: Signal, adds: Signal, strobes: list[Value], controls: list[Any], previous: list[Signal], totals: list[Signal]
    ) -> None:
        """The sums of a single pair of tiles are a shift register, through which they pass with each addition.

        So that nothing but the adder lies between its registers, the initial value of the next filter takes the place of a sum that is
        complete when this moves on: a tile's, when the other tile's next product is added::

            addition       ... | last of tile 0 | last of tile 1 | first of tile 0 | first of tile 1
            total              |                | sum of tile 0  | sum of tile 1   |
            previous           |                | tile 1         | initial value   | initial value
            next_value         | this filter's  | this filter's  | the next one's  | the next one's
                                                  ^ loaded with each addition to tile 0

        After a reset ``fresh`` moves the first filter's value in.
        """
        filters = len(self._arithmetic.accumulator_init)
        next_filter = Signal(range(max(2, filters)), reset_less=True)
        m.d.sync += next_filter.eq(Mux(controls[0].filter == filters - 1, 0, controls[0].filter + 1))
        slow_value = self._initial_value(m, next_filter)
        value_of_next = Signal(self._sum_shape, reset_less=True)
        next_value = Signal(self._sum_shape, init=self._arithmetic.accumulator_init[0])
        last = Signal(reset_less=True)
        ended = Signal(init=1)
        fresh = Signal(init=1)
        moves = Signal()
        with m.If(late):
            m.d.fast += [last.eq(controls[3].last), value_of_next.eq(slow_value), moves.eq(strobes[3] | fresh)]
        with m.If(adds):
            m.d.fast += [ended.eq(last), fresh.eq(0)]
            with m.If(~late):
                m.d.fast += next_value.eq(value_of_next)
        with m.If(moves):
            m.d.fast += [old.eq(Mux(ended, next_value, total)) for old, total in zip(previous, totals, strict=True)]

    def _store_sums(self, m: Module, late: Signal, adds: Signal, controls: list[Any], previous: list[Signal], totals: list[Signal]) -> None:
        """The sums of several pairs of tiles lie in distributed RAM: read at stage 7, or the initial value instead; written at stage 9."""
        slow_value, pair = self._initial_value(m, controls[0].filter), controls[3].pair
        first, value = (
            [Signal(shape, name=f"{name}_{stage}", reset_less=True) for stage in (6, 7)]
            for name, shape in (("first", 1), ("value", self._sum_shape))
        )
        with m.If(late):
            m.d.fast += [first[0].eq(controls[2].first), value[0].eq(slow_value)]
        addresses = [Signal(len(pair) + 1, name=f"accumulator_{stage}", reset_less=True) for stage in (7, 8, 9)]
        write = Signal()
        m.d.fast += [first[1].eq(first[0]), value[1].eq(value[0])]
        m.d.fast += [addresses[0].eq(Cat(late, pair)), addresses[1].eq(addresses[0]), addresses[2].eq(addresses[1]), write.eq(adds)]
        for lane, (old, total) in enumerate(zip(previous, totals, strict=True)):
            ram: memory.Memory = memory.Memory(shape=self._sum_shape, depth=2 << len(pair), init=[], attrs={"ram_style": "distributed"})
            m.submodules[f"accumulators_{lane}"] = ram
            read_port = ram.read_port(domain="comb")
            write_port = ram.write_port(domain="fast")
            m.d.comb += [read_port.addr.eq(addresses[0]), write_port.addr.eq(addresses[2])]
            m.d.comb += [write_port.en.eq(write), write_port.data.eq(total)]
            m.d.fast += old.eq(Mux(first[1], value[1], read_port.data))

    def _outside_map(self, m: Module, late: Signal, pair: Value) -> list[Value]:
        """For each lane, whether its column is beyond the map, at stage 9."""
        lanes, tiles = self._output_layout.lanes, self._output_layout.tiles
        valid = [*self._output_layout.valid, *([(True,) * lanes] if tiles % 2 else [])]
        outside: list[Value] = []
        for lane in range(lanes):
            tables = [[int(not row[lane]) for row in valid[half::2]] for half in (0, 1)]
            if len({*tables[0], *tables[1]}) == 1:
                outside.append(Const(tables[0][0]))
                continue
            register = Signal(name=f"outside_{lane}", reset_less=True)
            m.d.fast += register.eq(Mux(late, lookup(tables[1], pair, 1), lookup(tables[0], pair, 1)))
            outside.append(register)
        return outside

    def _requantise(self, m: Module, totals: list[Signal], outside: list[Value]) -> list[Signal]:
        """clamp(total >> shift, 0, 255), two cycles of ``fast`` later, or zero outside the map; see docs/numerics.md."""
        shift = self._arithmetic.shift
        outputs = [Signal(8, name=f"output_{lane}", reset_less=True) for lane in range(len(totals))]
        for lane, (total, output) in enumerate(zip(totals, outputs, strict=True)):
            extended = Cat(total, total[-1].replicate(max(0, shift + 9 - len(total))))
            zero, overflow = (Signal(name=f"{name}_{lane}", reset_less=True) for name in ("zero", "overflow"))
            kept = Signal(8, name=f"kept_{lane}", reset_less=True)
            m.d.fast += [zero.eq(total[-1] | outside[lane]), overflow.eq(extended[shift + 8 : -1].any()), kept.eq(extended[shift:][:8])]
            m.d.fast += output.eq(Mux(zero, 0, kept | overflow.replicate(8)))
        return outputs
