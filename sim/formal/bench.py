# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A bench without stimuli: its inputs may have any value in any cycle, within what is assumed.

A property is what ``Bench.ensure`` says, under what ``Bench.assume`` says; both may stand in an ``If`` of ``Bench.m``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from amaranth.back.rtlil import convert
from amaranth.hdl import Assert, Assume, Cat, ClockDomain, Module, ShapeLike, Signal, Value, ValueLike


class Bench:
    """The top level of a proof: the component under proof is a submodule of ``m``, its free inputs are ports.

    Every register begins with its initial value; there is no reset.
    """

    def __init__(self) -> None:
        self.m = Module()
        self._own = self.m.submodules.bench = Module()  # beside `m`, so that the bench's registers know nothing of an enclosing `m.If`
        self._ports: list[Signal] = []
        self._reached: list[Signal] = []
        self._granted = False
        self.clock("sync")

    def free(self, shape: ShapeLike, name: str) -> Signal:
        """An input that may have any value in any cycle."""
        signal = Signal(shape, name=name)
        self._ports.append(signal)
        return signal

    def ensure(self, condition: ValueLike, message: str) -> None:
        """What must be true in every cycle, and in a sentence."""
        self.m.d.comb += (Assume if self._granted else Assert)(condition, message, src_loc_at=1)

    @contextmanager
    def taken_for_granted(self) -> Iterator[None]:
        """What ``ensure`` says in this context is assumed: another proof, of the same bench without what follows, shows it."""
        self._granted = True
        yield
        self._granted = False

    def assume(self, condition: ValueLike, message: str) -> None:
        """What the surroundings of the component keep to, and in a sentence."""
        self.m.d.comb += Assume(condition, message, src_loc_at=1)

    def clock(self, name: str) -> None:
        """Another clock domain, whose edges come at any time; the proof must be ``multiclock``."""
        domain: Any = ClockDomain(name, reset_less=True)
        self.m.domains += domain
        self._ports.append(domain.clk)  # were no clock a port, the design would count as combinational, and every proof would pass

    def constant(self, shape: ShapeLike, name: str) -> Signal:
        """Any value that stays the same in all cycles."""
        value, before, begun = self.free(shape, name), Signal(shape, name=f"{name}_before"), Signal(name=f"{name}_begun")
        self._own.d.sync += [before.eq(value), begun.eq(1)]
        with self._own.If(begun):
            self._own.d.comb += Assume(value == before, f"{name} stays the same")
        return value

    def past(self, value: ValueLike, name: str, init: int = 0) -> Signal:
        """The value of one cycle ago; ``init`` in the first cycle."""
        before = Signal(Value.cast(value).shape(), name=name, init=init)
        self._own.d.sync += before.eq(value)
        return before

    def count(self, increment: ValueLike, decrement: ValueLike, limit: int, name: str) -> Signal:
        """How often ``increment`` has been 1 more than ``decrement``. That it stays within 0 .. limit is asserted."""
        counter = Signal(range(limit + 2), name=name)
        self._own.d.sync += counter.eq(counter + increment - decrement)
        self._own.d.comb += Assert(counter <= limit, f"{name} is at most {limit}")
        with self._own.If((counter == 0) & decrement):
            self._own.d.comb += Assert(increment, f"{name} is never negative")
        return counter

    def reaches(self, *events: ValueLike) -> None:
        """The proof must not be vacuous: all these events can happen, one after the other or together in any order."""
        for event in events:
            seen = Signal(name=f"reached_{len(self._reached)}")
            with self._own.If(Value.cast(event)):
                self._own.d.sync += seen.eq(1)
            self._reached.append(seen)

    def rtlil(self, *, negate: bool = False) -> str:
        """The design as RTLIL. With ``negate`` it also asserts what is false: that the events of ``reaches`` never all happen."""
        if negate:
            self.m.d.comb += Assert(~Cat(self._reached).all(), "the false property")
        return str(convert(self.m, ports=self._ports))


def transfer(stream: Any) -> Value:
    """Whether a stream transfers a payload in this cycle."""
    return Value.cast(stream.valid & stream.ready)


def bits(stream: Any) -> Value:
    """The payload of a stream as a plain value."""
    return Value.cast(stream.payload)
