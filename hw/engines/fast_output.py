# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The output FIFO of fast lanes: written at twice the clock, read at the clock."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from ...sw.plan.nodes import FAST_OUTPUT_FIFO_DEPTH
from ..stream.signatures import pixel_beat, pixel_stream


class FastOutput(wiring.Component):
    """Takes the beats of two tiles in a cycle, one after the other, and sends them one in a cycle.

    Its memory is written in domain ``fast``. The count of beats is kept in ``sync`` and follows when both have been written.

    Members
    -------
    late: ``In(1)``; the phase (``ClockPhase``)
    coming: ``In(1)``; of ``sync``: the beats of a pair come in the second half of this cycle and in the first half of the next
    single: ``In(1)``; only the first one of them does
    pixels: ``In(pixel_beat(lanes))``; of ``fast``, the beats
    promised, promised_single: ``In(1)``; a pair that will come later: it takes its slots now
    credit: ``Out(1)``; a pair may be promised in the next cycle
    output: ``Out(pixel_stream(lanes))``
    """

    late: Signal
    coming: Signal
    single: Signal
    pixels: data.View
    promised: Signal
    promised_single: Signal
    credit: Signal
    output: stream.Interface

    def __init__(self, *, lanes: int) -> None:
        self._lanes = lanes
        super().__init__(
            {
                "late": In(1),
                "coming": In(1),
                "single": In(1),
                "pixels": In(pixel_beat(lanes)),
                "promised": In(1),
                "promised_single": In(1),
                "credit": Out(1),
                "output": Out(pixel_stream(lanes)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        depth = FAST_OUTPUT_FIFO_DEPTH
        ram: memory.Memory = memory.Memory(shape=pixel_beat(self._lanes), depth=depth, init=[], attrs={"ram_style": "distributed"})
        m.submodules.beats = ram
        write_port = ram.write_port(domain="fast")
        read_port = ram.read_port(domain="comb")
        write_address = Signal(ceil_log2(depth))
        read_address = Signal(ceil_log2(depth))

        # Taken over tile by tile: whether it is written, from the cycle in which it is announced.
        writes = Signal()
        m.d.fast += writes.eq(self.coming & ~(self.late & self.single))
        m.d.comb += [write_port.en.eq(writes), write_port.addr.eq(write_address), write_port.data.eq(self.pixels)]
        with m.If(writes):
            m.d.fast += write_address.eq(write_address + 1)

        came = Signal()
        came_single = Signal()
        taken = Signal()
        level = Signal(range(depth + 1))
        free_slots = Signal(range(depth + 1), init=depth)
        m.d.comb += [
            self.output.valid.eq(level != 0),
            Value.cast(self.output.payload).eq(Value.cast(read_port.data)),
            read_port.addr.eq(read_address),
            taken.eq(self.output.valid & self.output.ready),
            self.credit.eq(free_slots >= 4),
        ]
        m.d.sync += [
            came.eq(self.coming),
            came_single.eq(self.single),
            level.eq(level + _beats(came, came_single) - taken),
            free_slots.eq(free_slots + taken - _beats(self.promised, self.promised_single)),
        ]
        with m.If(taken):
            m.d.sync += read_address.eq(read_address + 1)
        return m


def _beats(pair: Value, single: Value) -> Value:
    """The beats of a pair, or none: 0, 1 or 2."""
    return Mux(pair, Mux(single, 1, 2), 0)
