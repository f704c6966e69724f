# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The event counters: no event is lost, though most of a counter's bits are in a memory that all counters share."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from amaranth.hdl import Array, Cat, Const, Mux, Signal, Value

from ....hw.link import counters
from ....sw.link.packets import COUNTER, COUNTER_NAMES
from ..bench import Bench
from ..internals import internals
from ..proof import Engine, Fault, Proof

COUNT = len(COUNTER_NAMES)
SLOT = counters.Counters.CYCLES_PER_BYTE * (COUNTER.size - 1)
"""Most cycles in which one counter's carry is added."""
LONGEST = COUNT * SLOT + 1
"""Most cycles from a carry to when it has been added."""
NEAR_A_CARRY = 254
"""Where counters begin, so that a counterexample of some cycles can have a carry."""


def _signal(start: int, *shape: Any, **options: Any) -> Signal:
    """The component's signals, but the lowest bytes begin at ``start``."""
    if options.get("name") in COUNTER_NAMES:
        options["init"] = start
    return Signal(*shape, **options, src_loc_at=2)


def counting(start: int) -> Callable[[Bench], None]:
    """The proof for counters that begin at ``start``."""

    def build(bench: Bench) -> None:
        """Every byte read while the counters are settled is that of the number of events so far; they settle within 99 cycles of `hold`."""
        m = bench.m
        dut = counters.Counters()
        with patch.object(counters, "Signal", lambda *shape, **options: _signal(start, *shape, **options)):
            inside = internals(dut)
        # One counter, any one, is watched.
        watched = bench.constant(range(COUNT), "watched")
        bench.assume(watched < COUNT, "there is such a counter")
        upper: list[Value] = []
        for position in range(1, COUNTER.size):
            port = inside["upper"].read_port(domain="comb")
            m.d.comb += port.addr.eq(Cat(Const(position, 3), watched))
            upper.append(port.data)
        current = inside["upper"].read_port(domain="comb")
        m.submodules.dut = dut
        hold, index = bench.free(1, "hold"), bench.free(len(dut.index), "index")
        m.d.comb += [dut.events.eq(bench.free(COUNT, "events")), dut.hold.eq(hold), dut.index.eq(index)]

        events = Signal(8 * COUNTER.size, init=start)
        m.d.sync += events.eq(events + (dut.events.bit_select(watched, 1) & ~hold))
        reads = bench.past(dut.settled & (index[3:] == watched), "reads")
        expected = bench.past(events.word_select(index[:3], 8), "expected")
        bench.ensure(~reads | (dut.byte == expected), "a byte read is that of the number of events")

        # The invariants: what is in the memory, the lowest byte and the pending carry make up the number of events.
        counter, position, old = inside["counter"], inside["position"], inside["old"]
        write_phase, quiet = inside["write_phase"], inside["quiet"]
        carries = Cat(inside[f"{name}_carry"] for name in COUNTER_NAMES)
        lower, carry = Signal(8), Signal()
        m.d.comb += [lower.eq(Array(inside[name] for name in COUNTER_NAMES)[watched]), carry.eq(carries.bit_select(watched, 1))]
        weight = Signal(8 * COUNTER.size)
        with m.Switch(Mux(counter == watched, position, 1)):
            for byte in range(1, COUNTER.size):
                with m.Case(byte):
                    m.d.comb += weight.eq(1 << 8 * byte)
        m.d.comb += current.addr.eq(Cat(position, counter))
        bench.ensure(events == (Cat(lower, *upper) + Mux(carry, weight, 0))[: len(events)], "no event is lost")
        bench.ensure((counter < COUNT) & (position != 0), "the memory's turns stay within it")
        bench.ensure((position == 1) | carries.bit_select(counter, 1), "only a carry goes on into the next byte")
        bench.ensure(~write_phase | (old == current.data), "the byte to be written back is that of the memory")
        # A carry is added long before the lowest byte can overflow again.
        turns, left, held = Signal(range(COUNT)), Signal(8), Signal(7)
        m.d.comb += turns.eq(Mux(watched >= counter, watched - counter, watched + COUNT - counter))
        m.d.comb += left.eq(2 * (COUNTER.size - position) - write_phase + turns * SLOT + quiet)
        m.d.sync += held.eq(Mux(~hold, 0, Mux(held.all(), held, held + 1)))
        bench.ensure(~carry | (lower + left <= LONGEST), "the lowest byte is small while its carry is pending")
        bench.ensure(~carry | (held + left <= LONGEST), "a carry is added within a fixed time")
        bench.reaches(reads & (expected == (start + 2) % 256), dut.hold)

    return build


def _proof(name: str, start: int, *faults: Fault) -> Proof:
    size = f"{COUNT} counters of {8 * COUNTER.size} bits, from {start} on"
    return Proof(name, counting(start), faults, size, Engine.INDUCTION, depth=1)


PROOFS = (
    _proof("counters", 0, Fault(counters, "with m.If(event & ~self.hold):", "with m.If(event):")),
    _proof(
        "counters_carry",
        NEAR_A_CARRY,
        Fault(counters, "write.data.eq(old + 1)", "write.data.eq(old)"),
        Fault(counters, "m.d.sync += carry.eq(1)", "m.d.sync += carry.eq(0)"),
        Fault(counters, "self.settled.eq(quiet & ~Cat(carries).any())", "self.settled.eq(1)"),
    ),
)
