# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What every stream component must keep: the contract of streams, and that payloads are neither lost, repeated, changed nor reordered."""

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Mux, Signal, Value

from ..bench import Bench, bits, transfer


@dataclass(frozen=True)
class Watch:
    """A payload that is followed through a component."""

    between: Signal
    """How many payloads are inside."""
    inside: Value
    """Whether it is one of them."""
    value: Signal
    ahead: Signal
    """How many leave before it."""


def drive(bench: Bench, stream: Any, name: str) -> None:
    """A source that offers any payloads at any time and keeps the contract."""
    bench.m.d.comb += [stream.valid.eq(bench.free(1, f"{name}_valid")), bits(stream).eq(bench.free(len(bits(stream)), f"{name}_payload"))]
    with bench.m.If(_offered(bench, stream, name)):
        bench.assume(_unchanged(bench, stream, name), f"{name} stays offered, unchanged")


def accept(bench: Bench, stream: Any, name: str) -> None:
    """A sink that stalls at any time. What it is offered must stay as it is until it is taken."""
    bench.m.d.comb += stream.ready.eq(bench.free(1, f"{name}_ready"))
    with bench.m.If(_offered(bench, stream, name)):
        bench.ensure(_unchanged(bench, stream, name), f"{name} stays offered, unchanged")


def in_order(bench: Bench, source: Any, sink: Any, capacity: int) -> Watch:
    """The n-th payload of ``source`` is the n-th of ``sink``, for every n, and at most ``capacity`` are in between.

    Any one payload is marked when it goes in. It must come out after exactly those that were in between at that time. Returns the registers
    that watch it, for invariants.
    """
    m = bench.m
    entering, leaving = transfer(source), transfer(sink)
    between = bench.count(entering, leaving, capacity, "between")
    mark = bench.free(1, "mark") & entering
    marked = Signal()
    done = Signal()
    value = Signal(len(bits(source)), name="marked_value")
    ahead = Signal(range(capacity + 1))
    with m.If(~marked & mark):
        m.d.sync += [marked.eq(1), value.eq(bits(source)), ahead.eq(between - leaving)]
        with m.If(leaving & (between == 0)):  # it passes without a register
            m.d.sync += done.eq(1)
            bench.ensure(bits(sink) == bits(source), "the marked payload passes unchanged")
    with m.If(marked & ~done):
        bench.ensure(ahead < between, "the marked payload is still in between")
        with m.If(leaving):
            m.d.sync += [ahead.eq(Mux(ahead == 0, 0, ahead - 1)), done.eq(ahead == 0)]
            with m.If(ahead == 0):
                bench.ensure(bits(sink) == value, "the marked payload comes out unchanged, in its turn")
    bench.reaches(done, between == min(capacity, 6))
    return Watch(between, marked & ~done, value, ahead)


def _offered(bench: Bench, stream: Any, name: str) -> Signal:
    """Whether the stream offered a payload in the last cycle that was not taken."""
    return bench.past(stream.valid & ~stream.ready, f"{name}_offered")


def _unchanged(bench: Bench, stream: Any, name: str) -> Value:
    """Whether the stream offers what it offered in the last cycle."""
    return Value.cast(stream.valid & (bits(stream) == bench.past(bits(stream), f"{name}_payload_before")))
