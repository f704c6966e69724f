# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Expensive steps of an evaluation run as rarely as possible: counts of calls are the same on any machine, unlike times."""

from typing import Any

import pytest

from firebrick.sw.coding.encoder import encode_weights
from firebrick.sw.coding.huffman import CanonicalCode
from firebrick.sw.compiler.ilp import solve_ilp
from firebrick.sw.explore import synthetic_weights
from firebrick.sw.explore.design_points import Grid, PlanTarget, SyntheticModel, design_points
from firebrick.sw.explore.evaluate_point import evaluate_point
from firebrick.sw.fpga.devices import DEVICES
from firebrick.sw.network.graph import Bypass

DEVICE = PlanTarget("LFE5U-85F", DEVICES["lfe5u-85f"].resources)
TWO_BYPASSES = Grid(base_e=(8,), incr_e=(8,), bypass=(Bypass.COMPLEX,), classes=(7,), size=(67, 51))


def test_evaluation_entropy_codes_no_stream_and_schedules_none_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    scheduled: list[tuple[Any, ...]] = []

    def counted(groups: Any, **shape: int) -> Any:
        scheduled.append((*((group.filter_type, group.required, group.weights.tobytes()) for group in groups), *shape.values()))
        return encode_weights(groups, **shape)

    def encode(*_arguments: Any) -> None:
        raise AssertionError("a stream was encoded")

    monkeypatch.setattr("firebrick.sw.compiler.engine_weights.encode_weights", counted)
    monkeypatch.setattr(CanonicalCode, "encode", encode)
    [point] = design_points(TWO_BYPASSES.models(), [DEVICE])
    assert not evaluate_point(point)["short"]
    assert len(scheduled) == len(set(scheduled)) > 0


def test_weights_are_generated_once_for_all_points_of_a_network() -> None:
    synthetic_weights.random_weights.cache_clear()
    for source in Grid(base_e=(4,), incr_e=(2,), bits=(4, 5, 6), density=(0.2, 0.4), classes=(5,), size=(35, 35)).models():
        source.model()
    assert synthetic_weights.random_weights.cache_info().misses == 1


def test_search_for_a_plan_solves_few_integer_programmes(monkeypatch: pytest.MonkeyPatch) -> None:
    solved = 0

    def counted(*arguments: Any) -> Any:
        nonlocal solved
        solved += 1
        return solve_ilp(*arguments)

    monkeypatch.setattr("firebrick.sw.compiler.config_search.solve_ilp", counted)
    [point] = design_points([SyntheticModel(bits=5, density=0.2, classes=100)], [DEVICE])
    assert not evaluate_point(point)["short"]
    assert solved < 70
