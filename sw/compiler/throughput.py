# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""How long a frame takes where engines wait for one another's words."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ..plan.nodes import (
    OUTPUT_FIFO_DEPTH,
    BypassSpec,
    DownsizerSpec,
    EngineSpec,
    MaxPoolSpec,
    Node,
    SerializerSpec,
    SkipFifoSpec,
    SqueezeSpec,
    walk,
)

ROWS = 3
"""Rows after which engines that wait for one another have found their pace."""


def frame_cycles(nodes: Sequence[Node]) -> int:
    """Cycles from one frame's end to the next one's: those of the slowest node, or of engines that wait for one another.

    A convolution and the squeeze engine behind it have only queues of a few words between them; so one waits where the other has more
    to do for a channel, as do the parts of one engine. Line buffers, which hold whole rows, set other engines free of each other.
    """
    alone = (node.cycles for node in walk(nodes) if isinstance(node, EngineSpec | SerializerSpec | MaxPoolSpec))
    return max(*alone, *(period * engine.partitions[0].output_height for engine, period in row_intervals(nodes)))


def row_intervals(nodes: Sequence[Node]) -> Iterator[tuple[EngineSpec, int]]:
    """Cycles a row of each convolution and the squeeze engine that takes its channels, and of each squeeze engine behind none."""
    engines = [*_engines(nodes, ())]
    word_cycles = {engine.name: cycles for engine, cycles, _ in engines}
    led = set()
    for engine, cycles, behind in engines:
        if not isinstance(engine.partitions[0], SqueezeSpec):
            source = _Convolution(engine, cycles)
            if behind:
                led.add(behind.name)
                yield engine, _together(source, _Squeeze(behind, word_cycles[behind.name]))
            else:
                yield engine, _settled(source.send, len(engine.channel_order))
    for engine, cycles, _ in engines:
        if isinstance(engine.partitions[0], SqueezeSpec) and engine.name not in led:
            sink = _Squeeze(engine, cycles)
            yield engine, _settled(sink.take, sink.channels)


class _Convolution:
    """When the parts of a convolution send their words, which are merged in turn."""

    def __init__(self, engine: EngineSpec, word_cycles: int) -> None:
        self.tiles, self.leaving = engine.output.tiles, engine.output.tiles * word_cycles
        self.parts = [part for turn in engine.schedule for part in range(turn)]
        counts = [iter(part.weights.entries_per_group) for part in engine.partitions]
        self.cycles = [next(counts[part]) * self.tiles for part in self.parts]
        queued = max(1, OUTPUT_FIFO_DEPTH // self.tiles)
        self.gone = [deque([0] * queued, queued) for _ in engine.partitions]
        self.made, self.sent = [0] * len(engine.partitions), 0

    def send(self, channel: int, free: int = 0) -> int:
        """The cycle in which a channel has been sent, if there is room for it from a cycle on; a part works on while its queue has room."""
        part = self.parts[channel]
        self.made[part] = max(self.made[part] + self.cycles[channel], self.gone[part][0])
        self.sent = max(self.sent, self.made[part] - self.tiles, free) + self.leaving
        self.gone[part].append(self.sent)
        return self.sent


class _Squeeze:
    """When the parts of a squeeze engine have taken each channel, all of them the same ones."""

    def __init__(self, engine: EngineSpec, word_cycles: int) -> None:
        self.cycles = [np.multiply(part.weights.entries_per_group, engine.output.tiles).tolist() for part in engine.partitions]
        self.channels = len(self.cycles[0])
        self.leaving = word_cycles * (len(engine.channel_order) * engine.output.tiles - OUTPUT_FIFO_DEPTH * len(engine.partitions))
        self.done = [0] * len(engine.partitions)
        self.taken = deque([0] * engine.partitions[0].slots, engine.partitions[0].slots)

    @property
    def free(self) -> int:
        """The cycle from which on there is room for another channel."""
        return self.taken[0]

    def take(self, channel: int, arrived: int = 0) -> int:
        """The cycle in which a channel that has arrived has been taken by all parts; the words of a row go with its last channel."""
        begun = [max(done, arrived) for done in self.done]
        least = self.leaving if channel == self.channels - 1 else 0
        self.done = [start + max(cycles[channel], least) for start, cycles in zip(begun, self.cycles, strict=True)]
        self.taken.append(max(self.done))
        return self.taken[-1]


def _together(source: _Convolution, sink: _Squeeze) -> int:
    """Cycles a row of both."""
    return _settled(lambda channel: sink.take(channel, source.send(channel, sink.free)), sink.channels)


def _settled(step: Callable[[int], int], channels: int) -> int:
    """Cycles between the ends of two rows, when a step says in which cycle its channel ends."""
    ends = [[step(channel) for channel in range(channels)][-1] for _ in range(ROWS)]
    return ends[-1] - ends[-2]


def _engines(nodes: Sequence[Node], after: Sequence[Node]) -> Iterator[tuple[EngineSpec, int, EngineSpec | None]]:
    """Each engine, the cycles in which one of its words is taken, and the squeeze engine that takes it."""
    for place, node in enumerate(nodes):
        rest = (*nodes[place + 1 :], *after)
        if isinstance(node, BypassSpec):
            yield from _engines(node.main_branch, rest)
            yield from _engines(node.skip_branch, rest)
        elif isinstance(node, EngineSpec):
            yield node, *_taker(rest)


def _taker(nodes: Sequence[Node]) -> tuple[int, EngineSpec | None]:
    """In how many cycles the first engine of these nodes takes a word that comes; and this engine, if it is a squeeze engine.

    One for each word of fewer lanes as which it goes on, two where parts share a line buffer.
    """
    cycles = 1
    for node in nodes:
        match node:
            case DownsizerSpec(source=source, lanes=lanes):
                cycles *= source.lanes // lanes
            case BypassSpec(main_branch=main, skip_branch=skip):
                inside, squeeze = _taker(main)
                return cycles * max(inside, _taker(skip)[0]), squeeze
            case EngineSpec(paired=paired):
                return cycles * (2 if paired else 1), node if isinstance(node.partitions[0], SqueezeSpec) else None
            case SkipFifoSpec():
                pass
            case _:
                break
    return cycles, None
