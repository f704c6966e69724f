# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The integer programme finds the optimum: an exhaustive search over all combinations of a few options is the oracle."""

from itertools import product

import numpy as np
import pytest

from firebrick.sw.compiler.configurations import configurations
from firebrick.sw.compiler.engine_config import INPUT_LAYOUT, EngineConfig
from firebrick.sw.compiler.ilp import MIP_GAP, solve_ilp
from firebrick.sw.compiler.workload import EngineWorkload, workloads
from firebrick.sw.network.graph import Bypass
from tests.helpers.nodes import layouts_match
from tests.helpers.random_models import random_model

Usage = tuple[int, int]


def usage(workload: EngineWorkload, config: EngineConfig) -> Usage:
    """Two resources: multipliers, and an arbitrary one that the other degrees of freedom change."""
    return config.lanes * config.partitions, workload.width + 7 * config.partitions + 3 * config.paired


def is_legal(engines: tuple[EngineWorkload, ...], configs: tuple[EngineConfig, ...]) -> bool:
    """Whether operands of bypasses match and every engine keeps up, checked engine by engine along the stream."""
    source = entering = INPUT_LAYOUT
    for workload, config in zip(engines, configs, strict=True):
        own_source = entering if workload.skip_branch else source
        if not layouts_match(workload, config, source, entering) or not (workload.channels_last or workload.keeps_up(config, own_source)):
            return False
        entering, source = (source if workload.squeeze else entering), workload.output_layout(config) or INPUT_LAYOUT
    return True


@pytest.mark.parametrize("bypass", list(Bypass))
@pytest.mark.parametrize("seed", range(4))
def test_solve_ilp_finds_the_best_choice(seed: int, bypass: Bypass) -> None:
    rng = np.random.default_rng(seed)
    engines = workloads(random_model(rng, height=6, width=6, kernel=3, fires=1, bypass=bypass))
    options = {}
    for workload in engines:
        every = configurations(workload)
        options[workload.name] = [every[index] for index in rng.integers(0, len(every), 7)]
    for workload in engines:  # so that some choice can be joined
        options[workload.name].append(EngineConfig(1))
    limit = int(rng.integers(8, 40))
    legal = [configs for configs in product(*options.values()) if is_legal(engines, configs)]

    def total(configs: tuple[EngineConfig, ...], resource: int) -> int:
        return sum(usage(workload, config)[resource] for workload, config in zip(engines, configs, strict=True))

    costs_within_limit = [total(configs, 1) for configs in legal if total(configs, 0) <= limit]
    solution = solve_ilp(engines, options, usage, (limit, 10**6), (0.0, 1.0))
    if not costs_within_limit:
        assert solution is None
        return
    assert solution is not None
    configs = tuple(solution[workload.name] for workload in engines)
    assert is_legal(engines, configs)
    assert total(configs, 0) <= limit
    assert total(configs, 1) <= min(costs_within_limit) * (1 + MIP_GAP)
    # Without costs, the largest fraction of a limit is minimal.
    least = solve_ilp(engines, options, usage, (limit, 100))
    assert least is not None
    own = tuple(least[workload.name] for workload in engines)
    fractions = [max(total(configs, 0) / limit, total(configs, 1) / 100) for configs in (*legal, own)]
    assert fractions[-1] <= min(fractions) * (1 + MIP_GAP)


def test_solve_ilp_finds_nothing_where_an_engine_has_no_option() -> None:
    engines = workloads(random_model(np.random.default_rng(0), fires=1))
    assert solve_ilp(engines, {workload.name: [] for workload in engines}, usage, (100, 100), (1.0, 1.0)) is None
