# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The event counters that a device reports to the host."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from ...sw.link.packets import COUNTER, COUNTER_NAMES


class Counters(wiring.Component):
    """One counter for each name of ``packets.COUNTER_NAMES``, since power-up.

    Only the lowest byte of a counter is in flip-flops. The upper bytes are in one small memory, and a carry out of the lowest byte is added
    to them in ``CYCLES_PER_BYTE`` cycles per byte: read, then write back plus one. A counter carries at most once in 256 cycles, and adding
    one carry to each counter takes at most 7 counters x 7 bytes x 2 = 98 cycles, so that no carry is lost.

    Members
    -------
    events: ``In(...)``; one bit per counter: count in this cycle
    hold: ``In(1)``; do not count, so that all bytes are read as of one time
    settled: ``Out(1)``; no carry is pending: with ``hold``, the bytes are consistent
    index: ``In(6)``; address of a byte: 8 per counter, least significant first
    byte: ``Out(8)``; that byte, ``READ_LATENCY`` cycles later
    """

    CYCLES_PER_BYTE = 2
    """Cycles in which a carry is added to one byte."""
    READ_LATENCY = 1
    """Cycles from ``index`` to ``byte``."""

    events: Signal
    hold: Signal
    settled: Signal
    index: Signal
    byte: Signal

    def __init__(self) -> None:
        super().__init__(
            {"events": In(len(COUNTER_NAMES)), "hold": In(1), "settled": Out(1), "index": In(range(COUNTER.size * 8)), "byte": Out(8)}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        upper: memory.Memory = memory.Memory(shape=8, depth=8 * COUNTER.size, init=[], attrs={"ram_style": "distributed"})
        m.submodules.upper = upper
        write = upper.write_port()
        read = upper.read_port(domain="comb")
        lower = [Signal(8, name=name) for name in COUNTER_NAMES]
        carries = [Signal(name=f"{name}_carry") for name in COUNTER_NAMES]
        counter = Signal(3)  # the counter whose carry is being added, in turn
        position = Signal(3, init=1)  # the byte of it
        old = Signal(8)
        write_phase = Signal()
        quiet = Signal()  # no carry was pending in the last cycle: the memory is free for reading
        m.d.sync += [quiet.eq(~Cat(carries).any()), old.eq(read.data), write_phase.eq(~write_phase & ~quiet)]
        m.d.comb += [
            self.settled.eq(quiet & ~Cat(carries).any()),
            read.addr.eq(Mux(quiet, self.index, Cat(position, counter))),
            write.addr.eq(Cat(position, counter)),
            write.data.eq(old + 1),
            write.en.eq(write_phase & Array(carries)[counter]),
        ]
        m.d.sync += self.byte.eq(Mux(self.index[:3] == 0, Array(lower)[self.index[3:]], read.data))
        with m.If(write_phase):
            with m.If(write.en & (old == 255) & (position != COUNTER.size - 1)):
                m.d.sync += position.eq(position + 1)  # the carry goes on into the next byte
            with m.Else():
                m.d.sync += [position.eq(1), counter.eq(Mux(counter == len(COUNTER_NAMES) - 1, 0, counter + 1))]
                for number, carry in enumerate(carries):
                    with m.If(counter == number):
                        m.d.sync += carry.eq(0)
        for low_byte, carry, event in zip(lower, carries, self.events, strict=True):
            with m.If(event & ~self.hold):
                m.d.sync += low_byte.eq(low_byte + 1)
                with m.If(low_byte == 255):
                    m.d.sync += carry.eq(1)
        return m
