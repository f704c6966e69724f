# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""When engines begin and end each channel of a row, and so how long two of them need together, and how far two streams that meet again
run apart."""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .spec import (
    SUMS_QUEUED,
    BypassSpec,
    ConvSpec,
    DelaySpec,
    EngineSpec,
    NarrowSpec,
    Node,
    PoolSpec,
    SerialSpec,
    SqueezeSpec,
    walk,
)

LATENCY = 40
"""Cycles that a word takes through a Fire module besides those for its weights, about."""
AHEAD = 2
"""Channels that should wait in front of a squeeze engine."""
ROWS = 3
"""Rows after which engines that wait for one another have found their pace."""


def begins(engine: EngineSpec) -> NDArray[np.int64]:
    """The cycle of a row in which a squeeze engine begins each channel of its input, when nothing waits."""
    counts = np.max([part.weights.counts for part in engine.parts], axis=0)
    return np.asarray(np.cumsum(counts) - counts) * engine.output.tiles


def ends(engine: EngineSpec) -> NDArray[np.int64]:
    """The cycle of a row in which an engine has made each channel of its output, when nothing waits."""
    parts: tuple[ConvSpec | SqueezeSpec, ...] = engine.parts
    done = [accumulate(part.weights.counts) for part in parts]
    made = [next(done[part]) for turn in engine.turns for part in range(turn)]
    return np.maximum.accumulate(np.asarray(made)) * engine.output.tiles


def row_cycles(engine: EngineSpec) -> float:
    """Cycles between two rows of an engine, when nothing waits."""
    return engine.cycles / engine.parts[0].output_height


def apart(squeeze: EngineSpec, expand: EngineSpec) -> int:
    """Channels of a row that the squeeze engine has taken, at most, beyond those that the expand engine has made of the row two before.

    Both take the time of the slower; the squeeze engine is as late as it can be without keeping the other waiting.
    """
    period = max(row_cycles(squeeze), row_cycles(expand))
    first = begins(squeeze)
    taken = np.arange(len(first)) + 1 + AHEAD
    late = first + period - row_cycles(squeeze) - LATENCY
    share = np.searchsorted(ends(expand), late, side="right") / len(expand.order)
    return int(np.ceil(np.max(taken - share * len(first))))


def lead(expand: EngineSpec, side: EngineSpec) -> int:
    """Channels that an engine must be ahead of the expand engine, at most, so that neither waits where one is fast and then the other."""
    period = max(row_cycles(expand), row_cycles(side))
    done = np.searchsorted(ends(side) * period / max(1, ends(side)[-1]), ends(expand) * period / max(1, ends(expand)[-1]), side="right")
    return int(np.max(np.arange(len(done)) + 1 - done)) + 1


def frame_cycles(nodes: Sequence[Node]) -> int:
    """Cycles from one frame's end to the next one's: those of the slowest node, or of engines that wait for one another's words."""
    alone = (node.cycles for node in walk(nodes) if isinstance(node, EngineSpec | SerialSpec | PoolSpec))
    return max(*alone, *(row_period(*pair) * (pair[0] or pair[2]).parts[0].output_height for pair in _pairs(nodes)))


def row_period(convolution: EngineSpec | None, sent: int, squeeze: EngineSpec | None, sent_on: int) -> int:
    """Cycles between two rows of a convolution and of the squeeze engine that takes its channels, or of one of them alone.

    All that they have between them are queues of a few words, so the one waits for the other in parts of a row, as do parts of one engine.
    ``sent``, ``sent_on``: as how many words of fewer lanes each of their words goes on.
    """
    source = _Convolution(convolution, sent) if convolution else None
    sink = _Squeeze(squeeze, sent_on) if squeeze else None
    ends = []
    for _ in range(ROWS):
        for channel in range(len(convolution.order) if convolution else len(squeeze.parts[0].weights.counts)):
            sent_at = source.send(channel, sink.free if sink else 0) if source else 0
            ends_at = sink.take(channel, sent_at) if sink else sent_at
        ends.append(ends_at)
    return ends[-1] - ends[-2]


class _Convolution:
    """When the parts of a convolution send their words, which are merged in turn."""

    def __init__(self, engine: EngineSpec, sent: int) -> None:
        self.tiles, self.words = engine.output.tiles, engine.output.tiles * sent
        self.parts = [part for turn in engine.turns for part in range(turn)]
        counts = [iter(part.weights.counts) for part in engine.parts]
        self.cycles = [next(counts[part]) * self.tiles for part in self.parts]
        queued = max(1, SUMS_QUEUED // self.tiles)
        self.gone = [deque([0] * queued, queued) for _ in engine.parts]
        self.made, self.sent = [0] * len(engine.parts), 0

    def send(self, channel: int, free: int) -> int:
        """The cycle in which a channel has been sent, which cannot be before it is free to go."""
        part = self.parts[channel]
        self.made[part] = max(self.made[part] + self.cycles[channel], self.gone[part][0])
        self.sent = max(self.sent, self.made[part] - self.tiles, free) + self.words
        self.gone[part].append(self.sent)
        return self.sent


class _Squeeze:
    """When the parts of a squeeze engine have taken each channel, all of them the same ones."""

    def __init__(self, engine: EngineSpec, sent: int) -> None:
        self.cycles = [np.multiply(part.weights.counts, engine.output.tiles).tolist() for part in engine.parts]
        self.words = sent * (len(engine.order) * engine.output.tiles - SUMS_QUEUED * len(engine.parts))
        self.done = [0] * len(engine.parts)
        self.taken = deque([0] * engine.parts[0].slots, engine.parts[0].slots)

    @property
    def free(self) -> int:
        """The cycle from which on there is room for another channel."""
        return self.taken[0]

    def take(self, channel: int, arrived: int) -> int:
        """The cycle in which a channel that has arrived has been taken by all parts; the words of a row go with its last one."""
        begun = [max(done, arrived) for done in self.done]
        self.done = [start + cycles[channel] for start, cycles in zip(begun, self.cycles, strict=True)]
        if channel == len(self.cycles[0]) - 1:
            self.done = [max(done, start + self.words) for start, done in zip(begun, self.done, strict=True)]
        self.taken.append(max(self.done))
        return self.taken[-1]


_Pair: TypeAlias = tuple[EngineSpec | None, int, EngineSpec | None, int]


def _pairs(nodes: Sequence[Node]) -> Iterator[_Pair]:
    """Each convolution with the squeeze engine behind it, if that takes its channels one by one, and squeeze engines without one."""
    behind = {engine.name: after for engine, after in _behind(nodes, ())}
    led = set()
    for engine, (sent, squeeze) in _behind(nodes, ()):
        if not isinstance(engine.parts[0], SqueezeSpec):
            yield engine, sent, squeeze, behind[squeeze.name][0] if squeeze else 1
            led.add(squeeze and squeeze.name)
    for engine, (sent, _) in _behind(nodes, ()):
        if isinstance(engine.parts[0], SqueezeSpec) and engine.name not in led:
            yield None, 1, engine, sent


def _behind(nodes: Sequence[Node], after: Sequence[Node]) -> Iterator[tuple[EngineSpec, tuple[int, EngineSpec | None]]]:
    """Each engine, as how many words each of its words goes on, and the squeeze engine that takes them."""
    for place, node in enumerate(nodes):
        rest = (*nodes[place + 1 :], *after)
        if isinstance(node, BypassSpec):
            yield from _behind(node.path, rest)
            yield from _behind(node.side, rest)
        elif isinstance(node, EngineSpec):
            yield node, _taker(rest)


def _taker(nodes: Sequence[Node]) -> tuple[int, EngineSpec | None]:
    """As how many words the first engine of these nodes takes each word that comes; and this engine, if it is a squeeze engine."""
    sent = 1
    for node in nodes:
        match node:
            case NarrowSpec(source=source, lanes=lanes):
                sent *= source.lanes // lanes
            case BypassSpec(path=path, side=side):
                inside, squeeze = _taker(path)
                return sent * max(inside, _taker(side)[0]), squeeze
            case EngineSpec():
                return sent, node if isinstance(node.parts[0], SqueezeSpec) else None
            case DelaySpec():
                pass
            case _:
                break
    return sent, None
