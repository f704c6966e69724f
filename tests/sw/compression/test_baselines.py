# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The baselines do what their papers describe, and no more."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from firebrick.sw.compression.baselines import kmeans, linear_quantization, pruned_kmeans
from firebrick.sw.compression.compressor import Compressor
from firebrick.sw.compression.settings import CompressionSettings
from firebrick.sw.model.float_model import FloatModel
from firebrick.sw.network.graph import Bypass, Shape
from tests.helpers.float_models import SIGNED_NETWORK, distance, float_model, frames_of
from tests.helpers.float_models import paths as paths
from tests.helpers.random_models import random_network


@pytest.fixture(scope="module")
def source() -> FloatModel:
    return float_model(seed=1)


@pytest.fixture(scope="module")
def compressor(source: FloatModel, paths: list[Path]) -> Compressor:
    return Compressor(source, paths[::2])


def test_linear_rounds_each_weight_to_8_bits_times_a_power_of_two(compressor: Compressor) -> None:
    model = linear_quantization(compressor)
    for name, layer in model.layers.items():
        weights = compressor.source.weights[name].astype(np.float64)
        step = 2.0 ** np.ceil(np.log2(np.abs(weights).max() / 127))
        levels = np.rint(weights / step)
        ratio = np.unique(layer.weights[levels != 0] / levels[levels != 0])
        assert len(ratio) == 1
        assert np.log2(ratio[0]) % 1 == 0
        assert (layer.weights[levels == 0] == 0).all()
        assert len(layer.codebook) == len(np.unique(layer.codebook)) == 256


def test_linear_is_near_the_float_network(compressor: Compressor, paths: list[Path]) -> None:
    assert distance(linear_quantization(compressor), compressor.source, frames_of(compressor.source, paths)) < 0.02


def test_baselines_without_a_last_relu_are_near_the_float_network(paths: list[Path]) -> None:
    signed = Compressor(float_model(SIGNED_NETWORK), paths[::2])
    for model in (linear_quantization(signed), pruned_kmeans(signed, 8, 1.0)):
        assert model.zero_point > 0
        assert distance(model, signed.source, frames_of(signed.source, paths)) < 0.02


@pytest.mark.parametrize("bits", [4, 6, 8])
def test_pruned_kmeans_keeps_the_largest_weights_and_limits_centroids(compressor: Compressor, bits: int) -> None:
    model = pruned_kmeans(compressor, bits, 0.4)
    for name, layer in model.layers.items():
        weights = np.abs(compressor.source.weights[name])
        dropped, density = layer.codes == 0, 1.0 if name == "conv1" else 0.4
        assert layer.nonzero <= density * layer.codes.size
        assert len(layer.codebook) == 1 << bits
        if 0 < layer.nonzero < layer.codes.size and name != "conv1":
            assert layer.nonzero >= density * layer.codes.size - 1 - (layer.codebook[1:] == 0).sum() * layer.codes.size / (1 << bits)
            assert weights[dropped].max() <= weights[~dropped].min()


def test_pruned_kmeans_takes_densities_by_layer(compressor: Compressor) -> None:
    model = pruned_kmeans(compressor, 6, {"fire2/expand3x3": 0.25})
    for name, layer in model.layers.items():
        assert layer.nonzero <= (0.25 if name == "fire2/expand3x3" else 1.0) * layer.codes.size
        assert layer.nonzero >= (0.2 if name == "fire2/expand3x3" else 0.95) * layer.codes.size


def test_plain_kmeans_is_further_from_the_float_network_than_our_compression(compressor: Compressor, paths: list[Path]) -> None:
    frames = frames_of(compressor.source, paths)
    plain = distance(pruned_kmeans(compressor, 4, 0.5), compressor.source, frames)
    assert distance(compressor.compress(CompressionSettings(4, 0.5)), compressor.source, frames) < plain
    assert distance(pruned_kmeans(compressor, 8, 1.0), compressor.source, frames) < 0.02


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("bypass", list(Bypass))
def test_baselines_take_any_network_of_the_family(paths: list[Path], seed: int, bypass: Bypass) -> None:
    network = random_network(np.random.default_rng(seed), bypass=bypass)
    if max(network.input.height, network.input.width) > 40:
        network = replace(network, input=Shape(3, 40, 40))
    source = float_model(network, seed)
    source.weights[network.layers()[1].name][:] = 0
    compressor = Compressor(source, paths[:2])
    linear_quantization(compressor).verify()
    pruned_kmeans(compressor, 4, 0.3).verify()


def test_kmeans_finds_clusters_that_are_there() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([centre + 0.01 * rng.standard_normal(100) for centre in (-3.0, 0.5, 1.0, 4.0)])
    np.testing.assert_allclose(kmeans(values, 8)[[0, -1]], [-3, 4], atol=0.05)
    centroids = kmeans(values, 64)
    nearest = np.abs(values[:, None] - centroids).min(axis=1)
    assert nearest.max() < 0.1
    np.testing.assert_array_equal(kmeans(np.full(5, 2.0), 7), [2.0])
