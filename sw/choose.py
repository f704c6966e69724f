# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Which of its shares each engine gets: an integer programme, solved by HiGHS."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import highspy
import numpy as np
from numpy.typing import NDArray

from .demand import START, Demand, Layout, Share
from .network import Bypass

Counts = tuple[int, ...]
"""How much a share takes of each kind of thing, LUTs say."""
GAP = 0.002
"""How much better than the answer the best one may be."""
_Row = tuple[list[int], list[float], float, float]
"""Columns, their coefficients, and the bounds of the sum."""


def choose(
    wanted: Sequence[Demand],
    options: Mapping[str, Sequence[Share]],
    counts: Callable[[Demand, Share], Counts],
    limits: Counts,
    prices: Sequence[float] | None = None,
) -> dict[str, Share] | None:
    """One of its options for each engine, by name, so that all take at most the limits and the least has to be paid.

    Without prices, the limits may be exceeded, and the greatest share that is taken of one is as small as can be. None where there is no
    such choice. What engines need of the words that reach them (``Demand.joins``, ``Demand.fed``) holds for all of them.
    """
    if not all(options[demand.name] for demand in wanted):
        return None
    programme = _Programme(wanted, options, counts, limits, prices)
    while (chosen := programme.solve()) is not None:
        if not programme.forbid_clashes(chosen):
            return {demand.name: share for demand, share in zip(wanted, chosen, strict=True)}
    return None


@dataclass
class _Programme:
    wanted: Sequence[Demand]
    options: Mapping[str, Sequence[Share]]
    counts: Callable[[Demand, Share], Counts]
    limits: Counts
    prices: Sequence[float] | None
    rows: list[_Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.columns = [(place, share) for place, demand in enumerate(self.wanted) for share in self.options[demand.name]]
        self.taken = np.array([self.counts(self.wanted[place], share) for place, share in self.columns], np.float64)
        self.layouts = [self.wanted[place].leaves(share) or START for place, share in self.columns]
        self.mine = [[column for column, (at, _) in enumerate(self.columns) if at == place] for place in range(len(self.wanted))]
        self.rows += [(columns, [1.0] * len(columns), 1.0, 1.0) for columns in self.mine]
        greatest = len(self.columns)  # the column of the greatest share that is taken of a limit
        for taken, limit in zip(self.taken.T, self.limits, strict=True):
            used = np.flatnonzero(taken).tolist()
            if self.prices is None:
                self.rows.append(([*used, greatest], [*taken[used], -max(1.0, limit)], -highspy.kHighsInf, 0.0))
            else:
                self.rows.append((used, taken[used].tolist(), -highspy.kHighsInf, float(limit)))
        self.rows += self._joins()

    def _joins(self) -> Iterator[_Row]:
        """Both operands of a bypass have one layout."""
        for place, demand in enumerate(self.wanted):
            if demand.squeeze or demand.bypass is Bypass.NONE or not (demand.side or demand.bypass is Bypass.SIMPLE):
                continue
            other = place - 1 if demand.side else place - 2
            theirs = [self._own(column) if demand.side else self.layouts[column] for column in self.mine[other]]
            mine = [self._own(column) for column in self.mine[place]]
            for layout in {*theirs, *mine}:
                one = [column for column, own in zip(self.mine[other], theirs, strict=True) if own == layout]
                two = [column for column, own in zip(self.mine[place], mine, strict=True) if own == layout]
                yield [*one, *two], [1.0] * len(one) + [-1.0] * len(two), 0.0, 0.0

    def _own(self, column: int) -> Layout:
        place, share = self.columns[column]
        return share.lanes, self.wanted[place].tiles(share.lanes)

    def forbid_clashes(self, chosen: Sequence[Share]) -> bool:
        """Whether some engine would not get its words fast enough; no choice will have these two together again."""
        found = False
        for place, (demand, share) in enumerate(zip(self.wanted, chosen, strict=True)):
            other = place - (2 if demand.side else 1)
            if demand.raster or other < 0:
                continue
            layout = self.wanted[other].leaves(chosen[other]) or START
            if not demand.fed(share, layout):
                found = True
                sources = [column for column in self.mine[other] if self.layouts[column] == layout]
                starved = [column for column in self.mine[place] if not demand.fed(self.columns[column][1], layout)]
                self.rows.append(([*sources, *starved], [1.0] * (len(sources) + len(starved)), 0.0, 1.0))
        return found

    def solve(self) -> list[Share] | None:
        """The cheapest choice that the rows allow."""
        count = len(self.columns)
        programme = highspy.HighsLp()
        programme.num_col_ = count + 1
        cost = self.taken @ np.array(self.prices) if self.prices is not None else np.zeros(count)
        programme.col_cost_ = np.append(cost, float(self.prices is None))
        programme.col_lower_ = np.zeros(count + 1)
        programme.col_upper_ = np.append(np.ones(count), highspy.kHighsInf)
        programme.integrality_ = [highspy.HighsVarType.kInteger] * count + [highspy.HighsVarType.kContinuous]
        programme.num_row_ = len(self.rows)
        programme.row_lower_ = np.array([row[2] for row in self.rows])
        programme.row_upper_ = np.array([row[3] for row in self.rows])
        programme.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        programme.a_matrix_.start_ = np.cumsum([0, *(len(row[0]) for row in self.rows)])
        programme.a_matrix_.index_ = np.concatenate([row[0] for row in self.rows])
        programme.a_matrix_.value_ = np.concatenate([row[1] for row in self.rows])
        return self._solved(programme)

    def _solved(self, programme: highspy.HighsLp) -> list[Share] | None:
        solver = highspy.Highs()
        for option, value in (("output_flag", False), ("threads", 1), ("mip_rel_gap", GAP)):
            solver.setOptionValue(option, value)
        solver.passModel(programme)
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        values: NDArray[np.float64] = np.array(solver.getSolution().col_value)
        return [self.columns[max(columns, key=lambda column: float(values[column]))][1] for columns in self.mine]
