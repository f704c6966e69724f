# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Rate control: budgets are nearly used up and never exceeded, and rejected where they cannot be met."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firebrick.sw.compiler.lowering import compile_model
from firebrick.sw.compiler.planner import best_plan
from firebrick.sw.compression.budget import BoardTarget
from firebrick.sw.compression.compressor import Compressor
from firebrick.sw.compression.density_presets import table1_densities
from firebrick.sw.compression.rate_control import MAX_TRIALS, Budget, compress_to_budget, search_lambda
from firebrick.sw.compression.settings import CompressionSettings
from firebrick.sw.errors import FirebrickError
from firebrick.sw.fire_format.file import encode_model
from firebrick.sw.fpga.fabric import ECP5
from firebrick.sw.fpga.resources import Resources
from firebrick.sw.model.quantized import Model
from firebrick.sw.network.graph import Bypass, Fire
from firebrick.sw.network.presets import squeezenet1_0, squeezenet1_1
from tests.helpers.float_models import NETWORK, float_model


@pytest.fixture(scope="module")
def compressor() -> Compressor:
    pytest.importorskip("skimage", reason="needs scikit-image's photographs")
    return Compressor(float_model(seed=2))


@given(st.floats(0.1, 3), st.floats(0.05, 20), st.floats(0, 0.6), st.sampled_from([0.01, 1.0, 30.0]))
def test_search_ends_within_the_budget_and_close_to_it(slope: float, level: float, bend: float, start: float) -> None:
    trials: list[tuple[float, float]] = []

    def usage(multiplier: float) -> float:
        return level * float(np.exp(-slope * np.log(multiplier) - bend * np.tanh(np.log(multiplier))))

    def evaluate(multiplier: float) -> tuple[float, float]:
        trials.append((multiplier, usage(multiplier)))
        return usage(multiplier), multiplier

    best = search_lambda(evaluate, 1 / 64, 256.0, start)
    assert len(trials) <= MAX_TRIALS
    assert all(1 / 65 < multiplier < 257 for multiplier, _ in trials)
    within = [multiplier for multiplier, taken in trials if taken <= 1]
    assert best == ((min(within), min(within)) if within else None)
    if usage(256.0) < 0.9 and usage(1 / 64) > 1.1:
        assert best is not None
        assert usage(best[0]) > 0.9


def test_byte_budget_is_used_and_not_exceeded(compressor: Compressor) -> None:
    unlimited = len(encode_model(compressor.compress(CompressionSettings())))
    for fraction in (0.9, 0.75):
        limit = round(fraction * unlimited)
        model = compress_to_budget(compressor, CompressionSettings(), Budget(bytes=limit))
        assert 0.9 * limit < len(encode_model(model)) <= limit


def test_cycle_budget_prunes_weights_that_are_used_often() -> None:
    pytest.importorskip("skimage", reason="needs scikit-image's photographs")
    straight = tuple(replace(stage, bypass=Bypass.NONE) if isinstance(stage, Fire) else stage for stage in NETWORK.stages)
    compressor = Compressor(float_model(replace(NETWORK, stages=straight), seed=2))
    unlimited = compressor.compress(CompressionSettings())
    limit = round(0.85 * compile_model(unlimited, 40).cycles)
    model = compress_to_budget(compressor, CompressionSettings(), Budget(cycles=limit, lanes=40))
    assert compile_model(model, 40).cycles <= limit
    by_cycles = compressor.compress(CompressionSettings(cycle_lambda=500.0))
    by_bytes = compressor.compress(CompressionSettings(rate_lambda=300.0))

    def ratio(model: Model) -> float:  # conv1's weights are used four times as often as those of the other
        often, seldom = (model.layers[name].nonzero / unlimited.layers[name].nonzero for name in ("conv1", "fire2/expand3x3"))
        return often / seldom

    assert ratio(by_cycles) < 0.9 * ratio(by_bytes)


def test_rate_on_a_board_is_reached_where_the_multipliers_are_few(compressor: Compressor) -> None:
    target = BoardTarget("small", Resources(80_000, 200, 12), ECP5, 50e6, fps=100.0)
    target = replace(target, fps=1.15 * 100 / target.usage(compressor.compress(CompressionSettings())))
    model = compress_to_budget(compressor, CompressionSettings(), Budget(board=target))
    assert 0.9 < target.usage(model) <= 1
    assert best_plan(model, target.available, ECP5, 0).cycles <= 50e6 / (target.fps or 0)


def test_board_that_is_too_small_is_used_beyond_its_resources(compressor: Compressor) -> None:
    model = compressor.compress(CompressionSettings())
    for fps in (None, 1e-3):
        assert BoardTarget("tiny", Resources(900, 2, 2), ECP5, 50e6, fps).usage(model) > 1
        assert BoardTarget("large", Resources(80_000, 200, 156), ECP5, 50e6, fps).usage(model) < 1


def test_budget_that_cannot_be_met_is_rejected(compressor: Compressor) -> None:
    with pytest.raises(FirebrickError, match="no model of small with 500 bytes was found"):
        compress_to_budget(compressor, CompressionSettings(), Budget(bytes=500))


def test_ample_budget_takes_the_minimum_multiplier(compressor: Compressor) -> None:
    model = compress_to_budget(compressor, CompressionSettings(bits=8), Budget(bytes=10**7))
    assert len(encode_model(model)) > len(encode_model(compressor.compress(CompressionSettings(bits=8))))


def test_table1_densities_keep_as_many_parameters_as_the_paper() -> None:
    network = squeezenet1_0()
    densities = table1_densities(network)
    kept = sum(layer.weights * densities[layer.name] + layer.conv.filters for layer in network.layers())
    assert kept == pytest.approx(421_098, abs=10)  # Table 1 rounds each layer
    assert table1_densities(squeezenet1_1()) == densities
    with pytest.raises(FirebrickError, match="other layers than Table 1"):
        table1_densities(float_model().network)


def test_search_is_one_bar_that_never_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firebrick.sw.compression.rate_control._SUBSAMPLE", 1)
    seen: list[tuple[str, int, int]] = []

    def record(step: str, done: int = 0, total: int = 0, /) -> None:
        seen.append((step, done, total))

    compressor = Compressor(float_model(seed=2), progress=record)
    seen.clear()
    compress_to_budget(compressor, CompressionSettings(), Budget(bytes=10**4))
    assert {(step, total) for step, _, total in seen} == {("searching", 1000)}
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert seen[-1][1] == 1000
    assert len({done for _, done, _ in seen}) > 5
