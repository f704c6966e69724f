# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What the device has counted since it was switched on."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from ...sw.link.packets import COUNTER, COUNTER_NAMES


class Counters(wiring.Component):
    """A counter for each name of ``packets.COUNTERS``.

    The lowest byte of each counts in flip-flops; the others lie in a small memory, where one carry after the other is added to them.

    Members
    -------
    events: ``In(...)``; a bit for each counter: it counts in this cycle
    hold: ``In(1)``; nothing is counted, so that all bytes are of one time
    settled: ``Out(1)``; no carry is left to add: what is read is right as long as nothing is counted
    index: ``In(6)``; a byte of all counters, 8 each, least significant first: ``byte`` a cycle later
    byte: ``Out(8)``
    """

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
        write, read = upper.write_port(), upper.read_port(domain="comb")
        lower = [Signal(8, name=name) for name in COUNTER_NAMES]
        carries = [Signal(name=f"{name}_carry") for name in COUNTER_NAMES]
        turn, place = Signal(3), Signal(3, init=1)  # the counter that is looked at, and a byte of it
        old, phase, quiet = Signal(8), Signal(), Signal()
        m.d.sync += [quiet.eq(~Cat(carries).any()), old.eq(read.data), phase.eq(~phase & ~quiet)]
        m.d.comb += [
            self.settled.eq(quiet & ~Cat(carries).any()),
            read.addr.eq(Mux(quiet, self.index, Cat(place, turn))),
            write.addr.eq(Cat(place, turn)),
            write.data.eq(old + 1),
            write.en.eq(phase & Array(carries)[turn]),
        ]
        m.d.sync += self.byte.eq(Mux(self.index[:3] == 0, Array(lower)[self.index[3:]], read.data))
        with m.If(phase):
            with m.If(write.en & (old == 255) & (place != COUNTER.size - 1)):
                m.d.sync += place.eq(place + 1)
            with m.Else():
                m.d.sync += [place.eq(1), turn.eq(Mux(turn == len(COUNTER_NAMES) - 1, 0, turn + 1))]
                for number, each in enumerate(carries):
                    with m.If(turn == number):
                        m.d.sync += each.eq(0)
        for counter, each, event in zip(lower, carries, self.events, strict=True):
            with m.If(event & ~self.hold):
                m.d.sync += counter.eq(counter + 1)
                with m.If(counter == 255):
                    m.d.sync += each.eq(1)
        return m
