# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Throughput model: the initiation interval of frames, where engines wait for one another.

Line buffers hold whole rows and so decouple engines. A convolution and the squeeze engine behind it, however, are coupled by FIFOs of a few
words, and so are the partitions of one engine that are interleaved. For these the model steps through the channels of a row and notes when
each is sent and taken, until rows follow each other at a steady rate:

    partition 0  |== c0 ==|===== c2 =====|          works on while its output FIFO has space
    partition 1  |==== c1 ====|== c3 ==|
    interleaver           |c0| |c1|     |c2| |c3|   in the order of channels, when squeeze has a free slot
    squeeze                  |=c0=||=c1=|  ...
"""

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
    entry_cycles,
    walk,
)

SETTLING_ROWS = 3
"""Rows after which coupled engines have reached their steady state."""


def frame_cycles(nodes: Sequence[Node]) -> int:
    """Cycles from one frame's end to the next one's: the longest initiation interval of any node, or of coupled engines."""
    single_nodes = (node.cycles for node in walk(nodes) if isinstance(node, EngineSpec | SerializerSpec | MaxPoolSpec))
    return max(*single_nodes, *(interval * engine.partitions[0].output_height for engine, interval in row_intervals(nodes)))


def row_intervals(nodes: Sequence[Node]) -> Iterator[tuple[EngineSpec, int]]:
    """Cycles from row to row in steady state of each convolution, coupled to the squeeze engine that reads it, if one does.

    Then the same of each squeeze engine that no convolution feeds directly.
    """
    engines = list(_consumers(nodes, ()))
    word_cycles = {engine.name: cycles for engine, cycles, _ in engines}
    coupled = set()
    for engine, cycles, consumer in engines:
        if isinstance(engine.partitions[0], SqueezeSpec):
            continue
        source = _ConvolutionModel(engine, cycles)
        if consumer:
            coupled.add(consumer.name)
            yield engine, _coupled_interval(source, _SqueezeModel(consumer, word_cycles[consumer.name]))
        else:
            yield engine, _steady_interval(source.send, len(engine.channel_order))
    for engine, cycles, _ in engines:
        if isinstance(engine.partitions[0], SqueezeSpec) and engine.name not in coupled:
            sink = _SqueezeModel(engine, cycles)
            yield engine, _steady_interval(sink.take, sink.channels)


class _ConvolutionModel:
    """The times at which a convolution sends its channels, which come from its partitions in turn.

    ``word_cycles``: cycles in which its consumer takes a word.
    """

    def __init__(self, engine: EngineSpec, word_cycles: int) -> None:
        self.tiles = engine.output.tiles
        self.send_cycles = self.tiles * word_cycles
        self.partition_of = [index for round_size in engine.schedule for index in range(round_size)]
        counts = [iter(partition.weights.entries_per_group) for partition in engine.partitions]
        self.entry_cycles = entry_cycles(self.tiles, engine.fast)
        self.compute_cycles = [next(counts[index]) * self.entry_cycles for index in self.partition_of]
        # A partition may be as many channels ahead as its output FIFO holds, so it remembers when that many were sent.
        queued = max(1, OUTPUT_FIFO_DEPTH // self.tiles)
        self.sent_times = [deque([0] * queued, queued) for _ in engine.partitions]
        self.computed = [0] * len(engine.partitions)
        self.last_sent = 0

    def send(self, channel: int, slot_free: int = 0) -> int:
        """The cycle in which a channel has been sent to a consumer that has space for it from cycle ``slot_free`` on."""
        index = self.partition_of[channel]
        self.computed[index] = max(self.computed[index] + self.compute_cycles[channel], self.sent_times[index][0])
        # The words of a channel come in the last cycles of its computation, one a tile, and can be sent from then on.
        first_word = self.computed[index] - self.entry_cycles
        self.last_sent = max(self.last_sent, first_word, slot_free) + self.send_cycles
        self.sent_times[index].append(self.last_sent)
        return self.last_sent


class _SqueezeModel:
    """The times at which all partitions of a squeeze engine have taken each channel.

    ``word_cycles``: cycles in which its consumer takes a word.
    """

    def __init__(self, engine: EngineSpec, word_cycles: int) -> None:
        tiles, slots = engine.output.tiles, engine.partitions[0].slots
        self.compute_cycles = [np.multiply(partition.weights.entries_per_group, tiles).tolist() for partition in engine.partitions]
        self.channels = len(self.compute_cycles[0])
        # All words of a row are sent with its last channel; what the output FIFOs do not hold must leave first.
        self.send_cycles = word_cycles * (len(engine.channel_order) * tiles - OUTPUT_FIFO_DEPTH * len(engine.partitions))
        self.done = [0] * len(engine.partitions)
        self.taken_times = deque([0] * slots, slots)

    @property
    def slot_free(self) -> int:
        """The cycle from which on the buffer has space for another channel."""
        return self.taken_times[0]

    def take(self, channel: int, arrived: int = 0) -> int:
        """The cycle in which all partitions have taken a channel that has arrived in cycle ``arrived``."""
        min_cycles = self.send_cycles if channel == self.channels - 1 else 0
        starts = [max(done, arrived) for done in self.done]
        self.done = [start + max(cycles[channel], min_cycles) for start, cycles in zip(starts, self.compute_cycles, strict=True)]
        self.taken_times.append(max(self.done))
        return self.taken_times[-1]


def _coupled_interval(source: _ConvolutionModel, sink: _SqueezeModel) -> int:
    """Cycles from row to row of a convolution and the squeeze engine behind it."""
    return _steady_interval(lambda channel: sink.take(channel, source.send(channel, sink.slot_free)), sink.channels)


def _steady_interval(step: Callable[[int], int], channels: int) -> int:
    """Cycles between the ends of two rows in steady state; ``step`` gives the cycle in which its channel ends."""
    row_ends = [[step(channel) for channel in range(channels)][-1] for _ in range(SETTLING_ROWS)]
    return row_ends[-1] - row_ends[-2]


def _consumers(nodes: Sequence[Node], after: Sequence[Node]) -> Iterator[tuple[EngineSpec, int, EngineSpec | None]]:
    """Each engine, the cycles in which one of its words is taken, and the squeeze engine that takes it, if one does."""
    for index, node in enumerate(nodes):
        rest = (*nodes[index + 1 :], *after)
        if isinstance(node, BypassSpec):
            yield from _consumers(node.main_branch, rest)
            yield from _consumers(node.skip_branch, rest)
        elif isinstance(node, EngineSpec):
            yield node, *_consumer(rest)


def _consumer(nodes: Sequence[Node]) -> tuple[int, EngineSpec | None]:
    """The cycles in which the first engine of these nodes takes a word, and that engine if it is a squeeze engine.

    A downsizer takes one cycle for each narrower word that it sends. Writing to a shared line buffer takes two.
    """
    cycles = 1
    for node in nodes:
        match node:
            case DownsizerSpec(source=source, lanes=lanes):
                cycles *= source.lanes // lanes
            case BypassSpec(main_branch=main, skip_branch=skip):
                main_cycles, squeeze = _consumer(main)
                return cycles * max(main_cycles, _consumer(skip)[0]), squeeze
            case EngineSpec(paired=paired):
                return cycles * (2 if paired else 1), node if isinstance(node.partitions[0], SqueezeSpec) else None
            case SkipFifoSpec():
                pass
            case _:
                break
    return cycles, None
