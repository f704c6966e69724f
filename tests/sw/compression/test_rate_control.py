# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Budgets: used well, never exceeded, refused where they cannot be met."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firebrick.sw.compiler.lowering import compile_model
from firebrick.sw.compression.compressor import Compressor
from firebrick.sw.compression.density_presets import table1_densities
from firebrick.sw.compression.rate_control import Budget, compress_to_budget, search_lambda
from firebrick.sw.compression.settings import CompressionSettings
from firebrick.sw.errors import FirebrickError
from firebrick.sw.fire_format.file import encode_model
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
    tried: list[tuple[float, float]] = []

    def share(price: float) -> float:
        return level * float(np.exp(-slope * np.log(price) - bend * np.tanh(np.log(price))))

    def offer(price: float) -> tuple[float, float]:
        tried.append((price, share(price)))
        return share(price), price

    found = search_lambda(offer, 1 / 64, 256.0, start)
    assert len(tried) <= 8
    assert all(1 / 65 < price < 257 for price, _ in tried)
    within = [price for price, taken in tried if taken <= 1]
    assert found == ((min(within), min(within)) if within else None)
    if share(256.0) < 0.9 and share(1 / 64) > 1.1:
        assert found is not None
        assert share(found[0]) > 0.9


def test_bytes_are_used_and_not_exceeded(compressor: Compressor) -> None:
    usual = len(encode_model(compressor.compress(CompressionSettings())))
    for share in (0.9, 0.75):
        most = round(share * usual)
        model = compress_to_budget(compressor, CompressionSettings(), Budget(bytes=most))
        assert 0.9 * most < len(encode_model(model)) <= most


def test_cycles_are_saved_where_weights_are_used_often() -> None:
    pytest.importorskip("skimage", reason="needs scikit-image's photographs")
    straight = tuple(replace(stage, bypass=Bypass.NONE) if isinstance(stage, Fire) else stage for stage in NETWORK.stages)
    compressor = Compressor(float_model(replace(NETWORK, stages=straight), seed=2))
    usual = compressor.compress(CompressionSettings())
    most = round(0.85 * compile_model(usual, 40).cycles)
    model = compress_to_budget(compressor, CompressionSettings(), Budget(cycles=most, lanes=40))
    assert compile_model(model, 40).cycles <= most
    dear = compressor.compress(CompressionSettings(cycle_lambda=500.0))
    even = compressor.compress(CompressionSettings(rate_lambda=300.0))

    def ratio(model: Model) -> float:  # conv1's weights are used four times as often as those of the other
        often, seldom = (model.layers[name].nonzero / usual.layers[name].nonzero for name in ("conv1", "fire2/expand3x3"))
        return often / seldom

    assert ratio(dear) < 0.9 * ratio(even)


def test_budget_that_cannot_be_met_is_refused(compressor: Compressor) -> None:
    with pytest.raises(FirebrickError, match="no model of small with 500 bytes was found"):
        compress_to_budget(compressor, CompressionSettings(), Budget(bytes=500))


def test_ample_budget_takes_the_least_price(compressor: Compressor) -> None:
    model = compress_to_budget(compressor, CompressionSettings(bits=8), Budget(bytes=10**7))
    assert len(encode_model(model)) > len(encode_model(compressor.compress(CompressionSettings(bits=8))))


def test_table_1_keeps_what_the_paper_says() -> None:
    network = squeezenet1_0()
    densities = table1_densities(network)
    kept = sum(layer.weights * densities[layer.name] + layer.conv.filters for layer in network.layers())
    assert kept == pytest.approx(421_098, abs=10)  # Table 1 rounds each layer
    assert table1_densities(squeezenet1_1()) == densities
    with pytest.raises(FirebrickError, match="other layers than Table 1"):
        table1_densities(float_model().network)
