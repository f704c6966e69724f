# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The choice of a configuration for each engine as an integer linear programme, solved by HiGHS.

There is one binary variable x[e, c] for each engine e and each of its configurations c:

    minimise    sum cost[e, c] * x[e, c]
    subject to  sum over c of x[e, c] = 1                            each engine has one configuration
                sum usage[e, c, r] * x[e, c] <= limit[r]             for each resource r
                equal layouts of both operands of a bypass
                x[source, c] + x[engine, d] <= 1                     where d would starve behind c; added as needed
"""

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

Usage = tuple[int, ...]
"""How much a configuration takes of each resource."""
MIP_GAP = 0.002
"""Relative distance to the optimum at which the solver may stop: less than the estimates are wrong by."""
_Constraint = tuple[list[int], list[float], float, float]
"""Variables, their coefficients, and the bounds of the sum."""


def solve_ilp(
    workloads: Sequence[EngineWorkload],
    options: Mapping[str, Sequence[EngineConfig]],
    usage: Callable[[EngineWorkload, EngineConfig], Usage],
    limits: Usage,
    unit_costs: Sequence[float] | None = None,
) -> dict[str, EngineConfig] | None:
    """A configuration for each engine, by name, among its options, so that the cost is minimal and all limits hold.

    Both operands of a bypass have one layout, and each engine keeps up with its source (``EngineWorkload.keeps_up``).

    Args:
        workloads: the engines in order.
        options: the configurations that each may have, by name.
        usage: what a configuration takes of each resource.
        limits: of each resource.
        unit_costs: of each resource. Without, limits may be exceeded, and the largest fraction of a limit that is used is minimal instead.

    Returns:
        None if there is no such choice.
    """
    if not all(options[workload.name] for workload in workloads):
        return None
    programme = _Programme(workloads, options, usage, limits, unit_costs)
    while (configs := programme.solve()) is not None:
        if not programme.forbid_starved(configs):
            return {workload.name: config for workload, config in zip(workloads, configs, strict=True)}
    return None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep stdout for results: HiGHS prints to it when it solves a sub-problem again, whatever its options say."""
    stdout = os.dup(1)
    try:
        with Path(os.devnull).open("wb") as null:
            os.dup2(null.fileno(), 1)
        yield
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)


@dataclass
class _Programme:
    workloads: Sequence[EngineWorkload]
    options: Mapping[str, Sequence[EngineConfig]]
    usage: Callable[[EngineWorkload, EngineConfig], Usage]
    limits: Usage
    unit_costs: Sequence[float] | None
    constraints: list[_Constraint] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.variables = [(engine, config) for engine, workload in enumerate(self.workloads) for config in self.options[workload.name]]
        self.used = np.array([self.usage(self.workloads[engine], config) for engine, config in self.variables], np.float64)
        self.layouts = [self.workloads[engine].output_layout(config) or INPUT_LAYOUT for engine, config in self.variables]
        self.variables_of = [
            [variable for variable, (owner, _) in enumerate(self.variables) if owner == engine] for engine in range(len(self.workloads))
        ]
        self.constraints += [(variables, [1.0] * len(variables), 1.0, 1.0) for variables in self.variables_of]
        self.constraints += self._resource_constraints()
        self.constraints += self._bypass_constraints()

    def _resource_constraints(self) -> Iterator[_Constraint]:
        """The usage of each resource is at most its limit, or at most the limit times the largest fraction, which is the last variable."""
        largest_fraction = len(self.variables)
        for used, limit in zip(self.used.T, self.limits, strict=True):
            users = np.flatnonzero(used).tolist()
            if self.unit_costs is None:
                yield [*users, largest_fraction], [*used[users], -max(1.0, limit)], -np.inf, 0.0
            else:
                yield users, used[users].tolist(), -np.inf, float(limit)

    def _bypass_constraints(self) -> Iterator[_Constraint]:
        """Both operands of a bypass have one layout: as many variables are chosen with it on one side as on the other."""
        for engine, workload in enumerate(self.workloads):
            is_operand = workload.skip_branch or workload.bypass is Bypass.SIMPLE
            if workload.squeeze or workload.bypass is Bypass.NONE or not is_operand:
                continue
            # The other operand is the expand engine, or with a simple bypass what enters the Fire module.
            other = engine - 1 if workload.skip_branch else engine - 2
            other_layouts = [
                self._own_layout(variable) if workload.skip_branch else self.layouts[variable] for variable in self.variables_of[other]
            ]
            own_layouts = [self._own_layout(variable) for variable in self.variables_of[engine]]
            for layout in {*other_layouts, *own_layouts}:
                others = [variable for variable, has in zip(self.variables_of[other], other_layouts, strict=True) if has == layout]
                own = [variable for variable, has in zip(self.variables_of[engine], own_layouts, strict=True) if has == layout]
                yield [*others, *own], [1.0] * len(others) + [-1.0] * len(own), 0.0, 0.0

    def _own_layout(self, variable: int) -> StreamLayout:
        """The layout in front of any pooling."""
        engine, config = self.variables[variable]
        return config.lanes, self.workloads[engine].tiles(config.lanes)

    def forbid_starved(self, configs: Sequence[EngineConfig]) -> bool:
        """Whether some engine is too fast for its source; further solutions will not have two such configurations together."""
        starves = False
        for engine, (workload, config) in enumerate(zip(self.workloads, configs, strict=True)):
            source = engine - (2 if workload.skip_branch else 1)
            if workload.channels_last or source < 0:
                continue
            layout = self.workloads[source].output_layout(configs[source]) or INPUT_LAYOUT
            if not workload.keeps_up(config, layout):
                starves = True
                sources = [variable for variable in self.variables_of[source] if self.layouts[variable] == layout]
                starved = [variable for variable in self.variables_of[engine] if not workload.keeps_up(self.variables[variable][1], layout)]
                self.constraints.append(([*sources, *starved], [1.0] * (len(sources) + len(starved)), 0.0, 1.0))
        return starves

    def solve(self) -> list[EngineConfig] | None:
        """The cheapest choice that the constraints allow; None if there is none."""
        count = len(self.variables)
        # The last variable is the largest fraction of a limit that is used.
        costs = np.append(np.zeros(count), 1.0) if self.unit_costs is None else np.append(self.used @ np.array(self.unit_costs), 0.0)
        starts = np.cumsum([0, *(len(constraint[0]) for constraint in self.constraints)])
        variables, coefficients = (np.concatenate([constraint[part] for constraint in self.constraints]) for part in (0, 1))
        matrix = csr_array((coefficients, variables, starts), shape=(len(self.constraints), count + 1))
        lower, upper = ([constraint[part] for constraint in self.constraints] for part in (2, 3))
        with _quiet():
            solution = milp(
                costs,
                integrality=np.append(np.ones(count), 0),
                bounds=Bounds(0, np.append(np.ones(count), np.inf)),
                constraints=LinearConstraint(matrix, lower, upper),
                options={"mip_rel_gap": MIP_GAP},
            )
        if solution.x is None:
            return None
        chosen = [max(variables, key=lambda variable: float(solution.x[variable])) for variables in self.variables_of]
        return [self.variables[variable][1] for variable in chosen]
