# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The accumulators of an engine's lanes: a register each, distributed RAM or block RAM.

The pipeline takes a product a cycle, so an accumulator is read, added to and written back in one cycle. To address and read a memory in
that same cycle would slow the clock, so its address comes one or two cycles ahead::

    memory                       2 cycles ahead   1 cycle ahead     addition
    one register a lane                                             read, add, write
    distributed RAM                                                 address, read, add, write
    distributed RAM, read ahead                   address, read     add, write
    block RAM                    address          read              add, write

An address that comes n cycles ahead reads a stale value when the same accumulator is written in the meantime. So the read-after-write
distance (``raw_distance``: the fewest cycles between two updates of one accumulator) must be at least n + 1.
"""

from typing import NamedTuple

from amaranth.hdl import Module, Shape, Signal, Value
from amaranth.lib import data, memory

MIN_READ_AHEAD_RAW_DISTANCE = 2
"""Smallest read-after-write distance at which distributed RAM can be read a cycle ahead."""


class AccumulatorIndex(NamedTuple):
    """Which accumulator the addition updates, known up to two cycles ahead of it."""

    two_ahead: Value
    one_ahead: Value
    now: Value


def accumulators(
    m: Module,
    totals: list[Signal],
    *,
    shape: Shape,
    count: int,
    index: AccumulatorIndex,
    strobe: Value,
    raw_distance: int,
    block_ram: bool,
) -> list[Value]:
    """The present value of each lane's accumulator ``index.now``, which becomes the lane's total at the strobe.

    ``count`` is the number of accumulators of a lane. Block RAM needs a ``raw_distance`` of MIN_BLOCK_RAM_RAW_DISTANCE.
    """
    if block_ram:
        return _block_ram(m, totals, shape, count, index, strobe)
    if count == 1:
        return [_register(m, lane, total, shape, strobe) for lane, total in enumerate(totals)]
    read_ahead = raw_distance >= MIN_READ_AHEAD_RAW_DISTANCE
    return [_distributed_ram(m, lane, total, shape, count, index, strobe, read_ahead) for lane, total in enumerate(totals)]


def _register(m: Module, lane: int, total: Signal, shape: Shape, strobe: Value) -> Value:
    """The only accumulator of a lane."""
    register = Signal(shape, name=f"accumulator_{lane}", reset_less=True)
    with m.If(strobe):
        m.d.sync += register.eq(total)
    return register


def _distributed_ram(
    m: Module, lane: int, total: Signal, shape: Shape, count: int, index: AccumulatorIndex, strobe: Value, read_ahead: bool
) -> Value:
    """The accumulators of one lane."""
    ram: memory.Memory = memory.Memory(shape=shape, depth=count, init=[], attrs={"ram_style": "distributed"})
    m.submodules[f"accumulators_{lane}"] = ram
    read = ram.read_port(domain="comb")
    write = ram.write_port()
    m.d.comb += [write.addr.eq(index.now), write.en.eq(strobe), write.data.eq(total)]
    if not read_ahead:
        m.d.comb += read.addr.eq(index.now)
        return Value.cast(read.data)
    accumulator = Signal(shape, name=f"accumulator_{lane}", reset_less=True)
    m.d.comb += read.addr.eq(index.one_ahead)
    m.d.sync += accumulator.eq(read.data)
    return accumulator


def _block_ram(m: Module, totals: list[Signal], shape: Shape, count: int, index: AccumulatorIndex, strobe: Value) -> list[Value]:
    """The accumulators of all lanes in one memory: the lanes always update the same index."""
    lanes = data.ArrayLayout(shape, len(totals))
    ram: memory.Memory = memory.Memory(shape=lanes, depth=count, init=[], attrs={"ram_style": "block"})
    m.submodules.accumulators = ram
    read = ram.read_port()
    write = ram.write_port()
    accumulator = Signal(lanes, name="accumulator", reset_less=True)
    m.d.comb += [read.addr.eq(index.two_ahead), read.en.eq(1), write.addr.eq(index.now), write.en.eq(strobe)]
    m.d.comb += [write.data[lane].eq(total) for lane, total in enumerate(totals)]
    m.d.sync += accumulator.eq(read.data)
    return [accumulator[lane] for lane in range(len(totals))]
