# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Latency model: when each row leaves each node, for frames that come one by one or in a stream.

Rows are events. An engine begins an output row when the input rows that its kernel covers have arrived, when it has finished the row
before, and when the line buffer behind it has space; a squeeze engine and a pool work on a row while it arrives::

    link      |r0|r1|r2|r3|r4|...                    as fast as the host sends and conv1's line buffer has space
    conv1           |== r0 ==|== r1 ==|...           row r needs input rows up to stride * r - padding + kernel - 1
    squeeze           |== r0 ==|== r1 ==|...
    expand                      |=== r0 ===|...      needs squeezed row 1, too

``throughput.py`` says how long a row takes. Within a row, handshakes and the depth of the engines' pipelines are left out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ..plan.nodes import BypassSpec, ConvSpec, EngineSpec, GlobalSumSpec, MaxPoolSpec, Node, Plan
from .throughput import row_intervals


@dataclass
class _Stage:
    """A node that makes rows, and when it did so; rows are counted over all frames, times in cycles."""

    input_rows: int
    output_rows: int
    kernel: int
    stride: int
    padding: int
    row_cycles: float
    channel_cycles: float
    """Cycles for one channel of an input row that arrives last."""
    slots: int | None
    """Input rows that it buffers; None if it works on a row while it arrives."""
    begins: list[float] = field(default_factory=list)
    """When the first channel of each row is sent."""
    ends: list[float] = field(default_factory=list)

    def advance(self, source: "_Stage", sink: "_Stage | None") -> bool:
        """Note the times of the next row, if those that it depends on are known."""
        row = len(self.ends)
        needed, space = self._last_needed(row), 0.0 if sink is None else sink.space_for(row)
        if needed >= len(source.ends) or space is None:
            return False
        before = self.ends[-1] if self.ends else 0.0
        if self.slots is None:
            begin = max(source.begins[needed], before)
            end = max(begin + self.row_cycles, source.ends[needed] + self.channel_cycles, space)
        else:
            begin = max(source.ends[needed], before, space)
            end = begin + self.row_cycles
        self.begins.append(begin)
        self.ends.append(end)
        return True

    def space_for(self, row: int) -> float | None:
        """When an input row can be taken; None if that is not known yet."""
        free = row - (1 if self.slots is None else self.slots)  # the input row that must have been used before
        if free < 0:
            return 0.0
        frame, free = divmod(free, self.input_rows)
        reader = frame * self.output_rows + min((free + self.padding) // self.stride, self.output_rows - 1)
        if self.slots is None:  # the reader of a row may need the next ones, too; it has done what it can
            reader = min(reader, next(done for done in range(reader, -2, -1) if done < 0 or self._last_needed(done) < row))
        if reader < 0:
            return 0.0
        return self.ends[reader] if reader < len(self.ends) else None

    def _last_needed(self, row: int) -> int:
        frame, row = divmod(row, self.output_rows)
        return frame * self.input_rows + min(self.stride * row - self.padding + self.kernel, self.input_rows) - 1


def latencies(plan: Plan, arrivals: Sequence[float], *, frames: int, in_flight: int, rows_ahead: int = 0) -> list[float]:
    """Cycles from the first byte of each frame to its last score, where the host sends one frame after the other.

    Parameters
    ----------
    plan: the plan
    arrivals: for each row of the image, the cycle in which the link has brought it, if nothing holds it up; the first byte comes in cycle 0
    frames: number of frames
    in_flight: frames that are sent at most before the first of them has its result
    rows_ahead: rows that the link's own buffer holds

    Raises ValueError for a plan whose line buffers hold too few rows for their kernels.
    """
    stages = list(_stages(plan.nodes))
    first, last, height = stages[0], stages[-1], stages[0].input_rows
    row_times = [arrival - before for before, arrival in pairwise((0.0, *arrivals))]
    link = _Stage(height, height, 1, 1, 0, 0.0, 0.0, None)
    starts: list[float] = []
    while len(last.ends) < frames * last.output_rows:
        known = sum(len(stage.ends) for stage in (link, *stages))
        while (row := len(link.ends)) < frames * height and (space := first.space_for(row - rows_ahead)) is not None:
            begin = link.ends[-1] if row else 0.0
            if row % height == 0:
                awaited = (row // height - in_flight + 1) * last.output_rows - 1  # the last row of an earlier frame
                if awaited >= len(last.ends):
                    break
                begin = max(begin, last.ends[awaited] if awaited >= 0 else 0.0)
                starts.append(begin)
            link.begins.append(begin)
            link.ends.append(max(begin, space) + row_times[row % height])
        for source, stage, sink in zip([link, *stages], stages, [*stages[1:], None], strict=False):
            while len(stage.ends) < frames * stage.output_rows and stage.advance(source, sink):
                pass
        if known == sum(len(stage.ends) for stage in (link, *stages)):
            raise ValueError(f"plan {plan.name}: a line buffer must hold the rows of its kernel, and does not")
    return [last.ends[(frame + 1) * last.output_rows - 1] - start for frame, start in enumerate(starts)]


def _stages(nodes: Sequence[Node]) -> Iterator[_Stage]:
    """The nodes that rows pass through one after the other; of a bypass the main branch, which is the slower one."""
    intervals = {engine.name: cycles for engine, cycles in row_intervals(nodes)}
    makers = [node for node in _main_branch(nodes) if isinstance(node, EngineSpec | MaxPoolSpec | GlobalSumSpec)]
    for node, sink in pairwise(makers):
        output_rows = _input_rows(sink)
        if isinstance(node, MaxPoolSpec):
            row_cycles = node.cycles / node.height
            yield _Stage(node.height, output_rows, node.pool.kernel, 2, node.pool.padding, row_cycles, row_cycles / node.channels, None)
        elif isinstance(node, EngineSpec):
            part = node.partitions[0]
            row_cycles = max(node.cycles / output_rows, intervals.get(node.name, 0))
            channel_cycles = row_cycles / part.channels
            if isinstance(part, ConvSpec):
                yield _Stage(part.height, output_rows, part.kernel, part.stride, part.padding, row_cycles, channel_cycles, part.slots)
            else:
                yield _Stage(part.height, output_rows, 1, 1, 0, row_cycles, channel_cycles, None)


def _input_rows(node: EngineSpec | MaxPoolSpec | GlobalSumSpec) -> int:
    return node.partitions[0].height if isinstance(node, EngineSpec) else node.height


def _main_branch(nodes: Sequence[Node]) -> Iterator[Node]:
    for node in nodes:
        if isinstance(node, BypassSpec):
            yield from _main_branch(node.main_branch)
        else:
            yield node
