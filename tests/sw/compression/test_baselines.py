# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The baselines do what their papers say and no more; models are judged beside their float network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from firebrick.sw import golden
from firebrick.sw.compression.baselines import kmeans, linear_quantization, pruned_kmeans
from firebrick.sw.compression.compressor import Compressor
from firebrick.sw.compression.settings import CompressionSettings
from firebrick.sw.errors import FirebrickError
from firebrick.sw.evaluation.fidelity import FidelityEvaluator, standard_error
from firebrick.sw.golden import floating
from firebrick.sw.model.float_model import FloatModel
from firebrick.sw.network.graph import Bypass, Shape
from tests.helpers.float_models import distance, float_model, frames_of
from tests.helpers.float_models import paths as paths
from tests.helpers.random_models import random_network


@pytest.fixture(scope="module")
def source() -> FloatModel:
    return float_model(seed=1)


@pytest.fixture(scope="module")
def measured(source: FloatModel, paths: list[Path]) -> Compressor:
    return Compressor(source, paths[::2])


def test_linear_rounds_each_weight_to_8_bits_times_a_power_of_two(measured: Compressor) -> None:
    model = linear_quantization(measured)
    for name, layer in model.layers.items():
        weights = measured.source.weights[name].astype(np.float64)
        step = 2.0 ** np.ceil(np.log2(np.abs(weights).max() / 127))
        levels = np.rint(weights / step)
        ratio = np.unique(layer.weights[levels != 0] / levels[levels != 0])
        assert len(ratio) == 1
        assert np.log2(ratio[0]) % 1 == 0
        assert (layer.weights[levels == 0] == 0).all()
        assert len(layer.codebook) == len(np.unique(layer.codebook)) == 256


def test_linear_is_near_the_float_network(measured: Compressor, paths: list[Path]) -> None:
    assert distance(linear_quantization(measured), measured.source, frames_of(measured.source, paths)) < 0.02


@pytest.mark.parametrize("bits", [4, 6, 8])
def test_pruned_kmeans_keeps_the_greatest_weights_and_shares_centroids(measured: Compressor, bits: int) -> None:
    model = pruned_kmeans(measured, bits, 0.4)
    for name, layer in model.layers.items():
        weights = np.abs(measured.source.weights[name])
        dropped, share = layer.codes == 0, 1.0 if name == "conv1" else 0.4
        assert layer.nonzero <= share * layer.codes.size
        assert len(layer.codebook) == 1 << bits
        if 0 < layer.nonzero < layer.codes.size and name != "conv1":
            assert layer.nonzero >= share * layer.codes.size - 1 - (layer.codebook[1:] == 0).sum() * layer.codes.size / (1 << bits)
            assert weights[dropped].max() <= weights[~dropped].min()


def test_pruned_kmeans_takes_densities_by_layer(measured: Compressor) -> None:
    model = pruned_kmeans(measured, 6, {"fire2/expand3x3": 0.25})
    for name, layer in model.layers.items():
        assert layer.nonzero <= (0.25 if name == "fire2/expand3x3" else 1.0) * layer.codes.size
        assert layer.nonzero >= (0.2 if name == "fire2/expand3x3" else 0.95) * layer.codes.size


def test_plain_kmeans_is_further_from_the_float_network_than_ours(measured: Compressor, paths: list[Path]) -> None:
    frames = frames_of(measured.source, paths)
    plain = distance(pruned_kmeans(measured, 4, 0.5), measured.source, frames)
    assert distance(measured.compress(CompressionSettings(4, 0.5)), measured.source, frames) < plain
    assert distance(pruned_kmeans(measured, 8, 1.0), measured.source, frames) < 0.02


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("bypass", list(Bypass))
def test_baselines_take_any_network_of_the_family(paths: list[Path], seed: int, bypass: Bypass) -> None:
    network = random_network(np.random.default_rng(seed), bypass=bypass)
    if max(network.input.height, network.input.width) > 40:
        network = replace(network, input=Shape(3, 40, 40))
    source = float_model(network, seed)
    source.weights[network.layers()[1].name][:] = 0
    measured = Compressor(source, paths[:2])
    linear_quantization(measured).verify()
    pruned_kmeans(measured, 4, 0.3).verify()


def test_kmeans_finds_clusters_that_are_there() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([centre + 0.01 * rng.standard_normal(100) for centre in (-3.0, 0.5, 1.0, 4.0)])
    np.testing.assert_allclose(kmeans(values, 8)[[0, -1]], [-3, 4], atol=0.05)
    centroids = kmeans(values, 64)
    nearest = np.abs(values[:, None] - centroids).min(axis=1)
    assert nearest.max() < 0.1
    np.testing.assert_array_equal(kmeans(np.full(5, 2.0), 7), [2.0])


def test_judge_counts_what_the_float_network_and_the_labels_say(measured: Compressor, paths: list[Path]) -> None:
    source, judging = measured.source, paths[1::2]
    wanted = floating.run(source, frames_of(source, judging))
    labels = [-1, *np.argsort(-wanted, axis=1)[1:, 2]]  # one without a label; of the others, the third guess is right
    judge = FidelityEvaluator(source, judging, labels)
    own = judge.evaluate_float()
    assert (own.images, own.labelled, own.top1, own.top5, own.agreement) == (8, 7, 0.0, 1.0, 1.0)
    assert own.kl_divergence == pytest.approx(0, abs=1e-12)
    model = measured.compress(CompressionSettings(4))
    found = judge.evaluate(model)
    scores = golden.run(model, frames_of(source, judging))
    assert found.agreement == (scores.argmax(axis=1) == wanted.argmax(axis=1)).mean()
    assert 0 < judge.evaluate(measured.compress(CompressionSettings(8))).kl_divergence < found.kl_divergence
    assert found.agreement_error == standard_error(found.agreement, 8)
    assert standard_error(0.36, 100) == pytest.approx(0.048)


def test_judge_without_labels_tells_no_accuracy(measured: Compressor, paths: list[Path]) -> None:
    found = FidelityEvaluator(measured.source, paths[1::2]).evaluate(measured.compress(CompressionSettings(4)))
    assert (found.labelled, found.top1, found.top5, found.top1_error) == (0, None, None, None)


def test_judge_rejects_a_model_of_another_network_and_wrong_labels(measured: Compressor, paths: list[Path]) -> None:
    model = measured.compress(CompressionSettings(4))
    other = replace(model, preprocessing=replace(model.preprocessing, resize=50))
    with pytest.raises(FirebrickError, match="compare it with its own float network"):
        FidelityEvaluator(measured.source, paths).evaluate(other)
    with pytest.raises(FirebrickError, match="labels must be 16, one per image, not 2"):
        FidelityEvaluator(measured.source, paths, [0, 1])
