# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Which of its shares each engine gets: an integer programme, solved by HiGHS."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from ..network.graph import Bypass
from .engine_config import INPUT_LAYOUT, EngineConfig, StreamLayout
from .workload import EngineWorkload

Counts = tuple[int, ...]
"""How much a share takes of each kind of thing, LUTs say."""
MIP_GAP = 0.002
"""How much better than the answer the best one may be."""
_Row = tuple[list[int], list[float], float, float]
"""Columns, their coefficients, and the bounds of the sum."""


def solve_ilp(
    wanted: Sequence[EngineWorkload],
    options: Mapping[str, Sequence[EngineConfig]],
    counts: Callable[[EngineWorkload, EngineConfig], Counts],
    limits: Counts,
    prices: Sequence[float] | None = None,
) -> dict[str, EngineConfig] | None:
    """One of its options for each engine, by name, so that all take at most the limits and the least has to be paid.

    Without prices, the limits may be exceeded, and the greatest share that is taken of one is as small as can be. None where there is no
    such choice. Both operands of a bypass have one layout, and words reach each engine fast enough (``EngineWorkload.fed``).
    """
    if not all(options[demand.name] for demand in wanted):
        return None
    programme = _Programme(wanted, options, counts, limits, prices)
    while (chosen := programme.solve()) is not None:
        if not programme.forbid_clashes(chosen):
            return {demand.name: share for demand, share in zip(wanted, chosen, strict=True)}
    return None


@contextmanager
def _quiet() -> Iterator[None]:
    """Nothing reaches stdout, which is for results: HiGHS says there, whatever it is told, when it solves a part again."""
    kept = os.dup(1)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


@dataclass
class _Programme:
    wanted: Sequence[EngineWorkload]
    options: Mapping[str, Sequence[EngineConfig]]
    counts: Callable[[EngineWorkload, EngineConfig], Counts]
    limits: Counts
    prices: Sequence[float] | None
    rows: list[_Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.columns = [(place, share) for place, demand in enumerate(self.wanted) for share in self.options[demand.name]]
        self.taken = np.array([self.counts(self.wanted[place], share) for place, share in self.columns], np.float64)
        self.layouts = [self.wanted[place].output_layout(share) or INPUT_LAYOUT for place, share in self.columns]
        self.mine = [[column for column, (at, _) in enumerate(self.columns) if at == place] for place in range(len(self.wanted))]
        self.rows += [(columns, [1.0] * len(columns), 1.0, 1.0) for columns in self.mine]
        greatest = len(self.columns)  # the column of the greatest share that is taken of a limit
        for taken, limit in zip(self.taken.T, self.limits, strict=True):
            used = np.flatnonzero(taken).tolist()
            if self.prices is None:
                self.rows.append(([*used, greatest], [*taken[used], -max(1.0, limit)], -np.inf, 0.0))
            else:
                self.rows.append((used, taken[used].tolist(), -np.inf, float(limit)))
        self.rows += self._joins()

    def _joins(self) -> Iterator[_Row]:
        """Both operands of a bypass have one layout."""
        for place, demand in enumerate(self.wanted):
            if demand.squeeze or demand.bypass is Bypass.NONE or not (demand.skip_branch or demand.bypass is Bypass.SIMPLE):
                continue
            other = place - 1 if demand.skip_branch else place - 2
            theirs = [self._own(column) if demand.skip_branch else self.layouts[column] for column in self.mine[other]]
            mine = [self._own(column) for column in self.mine[place]]
            for layout in {*theirs, *mine}:
                one = [column for column, own in zip(self.mine[other], theirs, strict=True) if own == layout]
                two = [column for column, own in zip(self.mine[place], mine, strict=True) if own == layout]
                yield [*one, *two], [1.0] * len(one) + [-1.0] * len(two), 0.0, 0.0

    def _own(self, column: int) -> StreamLayout:
        place, share = self.columns[column]
        return share.lanes, self.wanted[place].tiles(share.lanes)

    def forbid_clashes(self, chosen: Sequence[EngineConfig]) -> bool:
        """Whether some engine would not get its words fast enough; no choice will have these two together again."""
        found = False
        for place, (demand, share) in enumerate(zip(self.wanted, chosen, strict=True)):
            other = place - (2 if demand.skip_branch else 1)
            if demand.channels_last or other < 0:
                continue
            layout = self.wanted[other].output_layout(chosen[other]) or INPUT_LAYOUT
            if not demand.keeps_up(share, layout):
                found = True
                sources = [column for column in self.mine[other] if self.layouts[column] == layout]
                starved = [column for column in self.mine[place] if not demand.keeps_up(self.columns[column][1], layout)]
                self.rows.append(([*sources, *starved], [1.0] * (len(sources) + len(starved)), 0.0, 1.0))
        return found

    def solve(self) -> list[EngineConfig] | None:
        """The cheapest choice that the rows allow."""
        count = len(self.columns)
        cost = np.append(np.zeros(count), 1.0) if self.prices is None else np.append(self.taken @ np.array(self.prices), 0.0)
        starts = np.cumsum([0, *(len(row[0]) for row in self.rows)])
        places, values = (np.concatenate([row[which] for row in self.rows]) for which in (0, 1))
        sums = csr_array((values, places, starts), shape=(len(self.rows), count + 1))
        with _quiet():
            found = milp(
                cost,
                integrality=np.append(np.ones(count), 0),
                bounds=Bounds(0, np.append(np.ones(count), np.inf)),
                constraints=LinearConstraint(sums, [row[2] for row in self.rows], [row[3] for row in self.rows]),
                options={"mip_rel_gap": MIP_GAP},
            )
        if found.x is None:
            return None
        return [self.columns[max(columns, key=lambda column: float(found.x[column]))][1] for columns in self.mine]
