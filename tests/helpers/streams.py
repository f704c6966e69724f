# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Drives components in Amaranth's simulator: sources and sinks with random stalls, and a monitor of the stream contract."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from amaranth.hdl import Value
from amaranth.lib import wiring
from amaranth.sim import Simulator

from firebrick.sim.stream_contract import StreamContract

DRAIN_CYCLES = 50
"""Cycles after the last expected payload in which no more may come."""


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
    simulator.add_clock(1e-6)
    taken: dict[str, list[int]] = {name: [] for name in outputs}
    cycles: dict[str, list[int]] = {name: [] for name in outputs}
    generators = rng.spawn(len(inputs) + len(outputs))

    def source(stream: Any, payloads: Sequence[int], own: np.random.Generator) -> Any:
        async def process(ctx: Any) -> None:
            for payload in payloads:
                while own.random() < stall:
                    await ctx.tick()
                ctx.set(stream.valid, 1)
                ctx.set(Value.cast(stream.payload), payload)
                await ctx.tick().until(stream.ready)
                ctx.set(stream.valid, 0)

        return process

    def sink(name: str, count: int, own: np.random.Generator) -> Any:
        stream = getattr(component, name)

        async def process(ctx: Any) -> None:
            cycle = extra = 0
            while len(taken[name]) < count or extra < DRAIN_CYCLES:
                ready = int(own.random() >= stall)
                ctx.set(stream.ready, ready)
                _, _, valid, payload = await ctx.tick().sample(stream.valid, Value.cast(stream.payload))
                cycle += 1
                extra += len(taken[name]) >= count
                if valid and ready:
                    taken[name].append(payload)
                    cycles[name].append(cycle)
                assert cycle < limit, f"{name}: {len(taken[name])} of {count} payloads after {limit} cycles"
            assert len(taken[name]) == count, f"{name}: more than the {count} payloads expected"

        return process

    def probe(member: Any, values: list[int]) -> Any:
        async def process(ctx: Any) -> None:
            while True:
                _, _, value = await ctx.tick().sample(member)
                values.append(value)

        return process

    for name, values in (probes or {}).items():
        simulator.add_testbench(probe(getattr(component, name), values), background=True)
    for (name, payloads), own in zip(inputs.items(), generators, strict=False):
        simulator.add_testbench(source(getattr(component, name), payloads, own), background=not all_inputs)
    for (name, count), own in zip(outputs.items(), generators[len(inputs) :], strict=True):
        watch(simulator, getattr(component, name), name)
        simulator.add_testbench(sink(name, count, own))
    simulator.run()
    return taken, cycles


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
