# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Drives components in Amaranth's simulator: sources and sinks with random stalls, and a monitor of the stream contract."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np
from amaranth.hdl import Cat, Value
from amaranth.lib import wiring
from amaranth.sim import Simulator

from firebrick.sim.stream_contract import StreamContract

DRAIN_CYCLES = 50
"""Cycles after the last expected payload in which no more may come."""


def add_clocks(simulator: Simulator) -> None:
    """The clock of ``sync`` and, where a component has fast lanes, that of ``fast``: twice as fast, with its edges in step."""
    simulator.add_clock(1e-6)
    simulator.add_clock(0.5e-6, phase=0.5e-6, domain="fast", if_exists=True)


def watch(simulator: Simulator, source: Any, name: str) -> None:
    """Checks the contract of a stream for as long as the simulation runs."""
    contract = StreamContract(name)

    async def process(ctx: Any) -> None:
        while True:
            _, _, valid, ready, payload = await ctx.tick().sample(source.valid, source.ready, Value.cast(source.payload))
            contract.observe(valid, ready, payload)

    simulator.add_testbench(process, background=True)


def simulate(
    component: wiring.Component,
    inputs: Mapping[str, Sequence[int]],
    outputs: Mapping[str, int],
    *,
    rng: np.random.Generator,
    stall: float = 0.0,
    limit: int = 200_000,
    probes: Mapping[str, list[int]] | None = None,
    all_inputs: bool = False,
) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    """Sends payloads (as integers) into input streams and takes the given number of payloads from each output stream.

    Sources and sinks pause with probability ``stall`` in each cycle. Returns the payloads and the cycles in which they were taken, each by
    stream. Each list of ``probes`` receives the values of the member of that name, cycle by cycle. Raises AssertionError when this takes
    more than ``limit`` cycles, or when another payload comes within DRAIN_CYCLES cycles of the last one. With ``all_inputs``, it goes on
    until all input has been taken, too: the last of it may have no effect on the output.
    """
    simulator = Simulator(component)
    add_clocks(simulator)
    generators = rng.spawn(len(inputs) + len(outputs))
    sources = [_Source(getattr(component, name), sent, own) for (name, sent), own in zip(inputs.items(), generators, strict=False)]
    sinks = [
        _Sink(getattr(component, name), name, count, limit, own)
        for (name, count), own in zip(outputs.items(), generators[len(inputs) :], strict=True)
    ]
    members = [getattr(component, name) for name in probes or {}]

    async def process(ctx: Any) -> None:
        # all streams in one process, which samples and sets their signals at once: a process for each is slower
        ends: list[_Source | _Sink] = [*sources, *sinks]
        sampled = [signal for end in ends for signal in end.sampled] + members
        driven = Cat(signal for end in ends for signal in end.driven)
        while any(not sink.done for sink in sinks) or (all_inputs and any(not source.done for source in sources)):
            ctx.set(driven, _concatenated(end.drive(stall) for end in ends))
            _, _, *values = await ctx.tick().sample(*sampled)
            taken = iter(values)
            for end in ends:
                end.observe(*islice(taken, len(end.sampled)))
            for history, value in zip((probes or {}).values(), taken, strict=True):
                history.append(value)

    simulator.add_testbench(process)
    simulator.run()
    return {name: sink.taken for name, sink in zip(outputs, sinks, strict=True)}, {
        name: sink.cycles for name, sink in zip(outputs, sinks, strict=True)
    }


class _Source:
    """Offers payloads to an input stream."""

    def __init__(self, stream: Any, payloads: Sequence[int], rng: np.random.Generator) -> None:
        self._payloads, self._rng = payloads, rng
        self._sent = 0
        self._offered = False
        self.driven = (stream.valid, Value.cast(stream.payload))
        self.sampled = (stream.ready,)

    @property
    def done(self) -> bool:
        """Whether all payloads were taken."""
        return self._sent == len(self._payloads)

    def drive(self, stall: float) -> list[tuple[int, int]]:
        """The values of the driven signals, and their widths."""
        self._offered = not self.done and (self._offered or not stall or self._rng.random() >= stall)
        payload = self._payloads[min(self._sent, len(self._payloads) - 1)] if self._payloads else 0
        return [(int(self._offered), 1), (payload, len(self.driven[1]))]

    def observe(self, ready: int) -> None:
        """What was sampled at the end of the cycle."""
        if self._offered and ready:
            self._sent += 1
            self._offered = False


class _Sink:
    """Takes payloads from an output stream and checks its contract."""

    def __init__(self, stream: Any, name: str, count: int, limit: int, rng: np.random.Generator) -> None:
        self._name, self._count, self._limit, self._rng = name, count, limit, rng
        self._contract = StreamContract(name)
        self._ready = self._cycle = self._extra = 0
        self.taken: list[int] = []
        self.cycles: list[int] = []
        self.driven = (stream.ready,)
        self.sampled = (stream.valid, Value.cast(stream.payload))

    @property
    def done(self) -> bool:
        """Whether all payloads came, and none in the DRAIN_CYCLES cycles after them."""
        return len(self.taken) >= self._count and self._extra >= DRAIN_CYCLES

    def drive(self, stall: float) -> list[tuple[int, int]]:
        """The values of the driven signals, and their widths."""
        self._ready = int(not stall or self._rng.random() >= stall)
        return [(self._ready, 1)]

    def observe(self, valid: int, payload: int) -> None:
        """What was sampled at the end of the cycle."""
        self._contract.observe(valid, self._ready, payload)
        self._cycle += 1
        self._extra += len(self.taken) >= self._count
        if valid and self._ready:
            self.taken.append(payload)
            self.cycles.append(self._cycle)
            assert len(self.taken) <= self._count, f"{self._name}: more than the {self._count} payloads expected"
        assert self._cycle < self._limit, f"{self._name}: {len(self.taken)} of {self._count} payloads after {self._limit} cycles"


def _concatenated(ends: Iterable[Iterable[tuple[int, int]]]) -> int:
    """The bits of values with these widths, the first in the lowest bits."""
    bits = position = 0
    for value, width in chain.from_iterable(ends):
        bits |= (value & (1 << width) - 1) << position
        position += width
    return bits


def take_first(
    component: Any, count: int, *, rng: np.random.Generator, stall: float = 0.0, name: str = "output"
) -> tuple[list[int], list[int]]:
    """The first payloads of a free-running output, and the cycles after reset in which they were taken; the first is cycle 1."""
    simulator = Simulator(component)
    output = getattr(component, name)
    simulator.add_clock(1e-6)
    payloads: list[int] = []
    cycles: list[int] = []

    async def sink(ctx: Any) -> None:
        cycle = 0
        while len(payloads) < count:
            ready = int(rng.random() >= stall)
            ctx.set(output.ready, ready)
            _, _, valid, payload = await ctx.tick().sample(output.valid, Value.cast(output.payload))
            cycle += 1
            if valid and ready:
                payloads.append(payload)
                cycles.append(cycle)
            assert cycle < 100 + count / (1 - stall) * 8, f"{len(payloads)} of {count} payloads after {cycle} cycles"

    watch(simulator, output, name)
    simulator.add_testbench(sink)
    simulator.run()
    return payloads, cycles
