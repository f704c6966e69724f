# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The choice of shares: the best of all that fit, against trying every one."""

from itertools import product

import numpy as np
import pytest

from firebrick.sw.compiler.engine_config import INPUT_LAYOUT, EngineConfig
from firebrick.sw.compiler.ilp import MIP_GAP, solve_ilp
from firebrick.sw.compiler.workload import EngineWorkload, configurations, workloads
from firebrick.sw.network.graph import Bypass
from tests.helpers.nodes import layouts_match
from tests.helpers.random_models import random_model

Counts = tuple[int, int]


def counts(demand: EngineWorkload, share: EngineConfig) -> Counts:
    return share.lanes * share.partitions, demand.width + 7 * share.partitions + 3 * share.paired


def fits(wanted: tuple[EngineWorkload, ...], shares: tuple[EngineConfig, ...]) -> bool:
    source = entering = INPUT_LAYOUT
    for demand, share in zip(wanted, shares, strict=True):
        if not layouts_match(demand, share, source, entering) or not (
            demand.channels_last or demand.keeps_up(share, entering if demand.skip_branch else source)
        ):
            return False
        entering, source = (source if demand.squeeze else entering), demand.output_layout(share) or INPUT_LAYOUT
    return True


@pytest.mark.parametrize("bypass", list(Bypass))
@pytest.mark.parametrize("seed", range(4))
def test_choose_finds_the_best_choice(seed: int, bypass: Bypass) -> None:
    rng = np.random.default_rng(seed)
    wanted = workloads(random_model(rng, height=6, width=6, kernel=3, fires=1, bypass=bypass))
    options = {
        demand.name: [configurations(demand)[place] for place in rng.integers(0, len(configurations(demand)), 7)] for demand in wanted
    }
    for demand in wanted:  # so that some choice can be joined
        options[demand.name].append(EngineConfig(1))
    limit = int(rng.integers(8, 40))
    every = [shares for shares in product(*options.values()) if fits(wanted, shares)]

    def total(shares: tuple[EngineConfig, ...], kind: int) -> int:
        return sum(counts(demand, share)[kind] for demand, share in zip(wanted, shares, strict=True))

    within = [total(shares, 1) for shares in every if total(shares, 0) <= limit]
    found = solve_ilp(wanted, options, counts, (limit, 10**6), (0.0, 1.0))
    if not within:
        assert found is None
        return
    assert found is not None
    shares = tuple(found[demand.name] for demand in wanted)
    assert fits(wanted, shares)
    assert total(shares, 0) <= limit
    assert total(shares, 1) <= min(within) * (1 + MIP_GAP)
    least = solve_ilp(wanted, options, counts, (limit, 100))
    assert least is not None
    worst = [max(total(each, 0) / limit, total(each, 1) / 100) for each in (*every, tuple(least[demand.name] for demand in wanted))]
    assert worst[-1] <= min(worst) * (1 + MIP_GAP)


def test_choose_finds_nothing_where_an_engine_has_no_option() -> None:
    wanted = workloads(random_model(np.random.default_rng(0), fires=1))
    assert solve_ilp(wanted, {demand.name: [] for demand in wanted}, counts, (100, 100), (1.0, 1.0)) is None
