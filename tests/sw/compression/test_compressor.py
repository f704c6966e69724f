# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Compression end to end on small networks: close to the float network, within the bounds of the integers, deterministic.

The reference is the float network in NumPy; its own tests compare it with independent implementations.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from firebrick.sw import golden
from firebrick.sw.compression.calibration import activation_scales, best_range, best_scale, input_moments, scale_owners
from firebrick.sw.compression.compressor import compress
from firebrick.sw.compression.settings import CompressionSettings
from firebrick.sw.errors import FirebrickError
from firebrick.sw.fire_format.file import decode_model, encode_model
from firebrick.sw.golden import floating
from firebrick.sw.golden.im2col import im2col
from firebrick.sw.model.float_model import CodebookWeights, FloatModel
from firebrick.sw.model.quantized import CENTROID_BITS
from firebrick.sw.network.graph import Bypass, Conv, MaxPool, Shape
from firebrick.sw.utils.progress import no_progress
from tests.helpers.float_models import NETWORK, SIGNED_NETWORK, distance, float_model, frames_of
from tests.helpers.float_models import paths as paths
from tests.helpers.parameters import slow_unless
from tests.helpers.random_models import random_network


@pytest.mark.parametrize("seed", slow_unless([0], range(3)))
def test_compressed_network_is_near_the_float_one(paths: list[Path], seed: int) -> None:
    source = float_model(seed=seed)
    frames = frames_of(source, paths)
    errors = {bits: distance(compress(source, CompressionSettings(bits), calibration=paths), source, frames) for bits in (4, 6, 8)}
    assert errors[8] < 0.01
    assert errors[6] < 0.02
    assert errors[4] < 0.1


@pytest.mark.parametrize("lift", [-30.0, 0.0, 30.0])
def test_compressed_network_without_a_last_relu_is_near_the_float_one(paths: list[Path], lift: float) -> None:
    """Scores of either sign, all negative ones, or all positive ones."""
    source = float_model(SIGNED_NETWORK)
    source.biases["conv10"][:] += np.float32(lift)
    frames = frames_of(source, paths)
    model = compress(source, CompressionSettings(8), calibration=paths)
    scores = golden.run(model, frames)
    assert {-30.0: 1.0, 30.0: 0.0}.get(lift, (floating.run(source, frames) < 0).mean()) == pytest.approx((scores < 0).mean(), abs=0.05)
    assert distance(model, source, frames) < 0.01
    assert np.sign(128 - model.zero_point) == np.sign(lift or 128 - model.zero_point)
    assert decode_model(encode_model(model)).zero_point == model.zero_point


def test_best_range_has_both_ends_and_a_zero_that_is_exact() -> None:
    even = np.linspace(-10, 30, 5001, dtype=np.float32)
    scale, zero_point = best_range(even, -10.0, 30.0)
    assert scale == pytest.approx(40 / 255, rel=0.02)
    assert zero_point in (63, 64, 65)
    assert best_range(even[even >= 0], 0.0, 30.0)[1] == 0
    assert best_range(even[even <= 0], -10.0, 0.0)[1] == 255
    assert best_range(np.zeros(5, np.float32), 0.0, 0.0) == (1.0, 0)
    for ends in ((-80.0, 30.0), (-10.0, 120.0)):  # rare extremes at either end, which the samples lack, are clipped
        assert best_range(even, *ends)[0] == pytest.approx((even.max() - even.min()) / 255, rel=0.3)


def test_compress_uses_the_range_of_centroids_and_one_shift_a_fire(paths: list[Path]) -> None:
    model = compress(float_model(), CompressionSettings(6), calibration=paths)
    model.verify()
    for name, layer in model.layers.items():
        partner = name.replace("expand1x1", "expand3x3") if "expand1x1" in name else name.replace("expand3x3", "expand1x1")
        top = max(int(np.abs(part.codebook).max()) for part in (layer, model.layers.get(partner, layer)))
        assert 1 << (CENTROID_BITS - 2) <= top < 1 << (CENTROID_BITS - 1)
        assert (layer.codebook[layer.codes] == 0).sum() == (layer.codes == 0).sum()
        assert len(layer.codebook) == 64


def test_compress_folds_the_mean_into_the_first_bias(paths: list[Path]) -> None:
    source = float_model()
    model = compress(source, CompressionSettings(8), calibration=paths)
    frames = frames_of(source, paths)
    maps = golden.convolve(frames, model.layers["conv1"], stride=2)
    float_maps = floating.convolve(source, "conv1", floating.subtract_mean(source, frames, np.float32), stride=2)
    scale = activation_scales(source, frames, no_progress)[0]["conv1"]
    assert abs(float((maps * scale - float_maps).mean())) < 0.1 * scale


@pytest.mark.parametrize("density", [0.2, 0.5, 0.9])
def test_compress_prunes_all_but_the_first_layer(paths: list[Path], density: float) -> None:
    source = float_model()
    model = compress(source, CompressionSettings(6, density), calibration=paths)
    for name, layer in model.layers.items():
        assert layer.nonzero <= (1.0 if name == "conv1" else density) * layer.codes.size
    assert model.layers["conv1"].nonzero > 0.5 * model.layers["conv1"].codes.size
    assert distance(model, source, frames_of(source, paths)) < (1.0 if density < 0.5 else 0.3)


def model_with_codebooks() -> FloatModel:
    source = float_model()
    rng = np.random.default_rng(4)
    coded = {}
    for name, weights in source.weights.items():
        codebook = (np.sort(rng.standard_normal(256)) * weights.std()).astype(np.float32)
        codebook[:3] = [0, 1e-12, -1e-12]
        codes = rng.integers(0, 256, weights.shape).astype(np.uint8)
        codes[rng.random(weights.shape) < 0.6] = 0
        coded[name] = CodebookWeights(codes, codebook)
    return replace(source, weights={name: layer.codebook[layer.codes] for name, layer in coded.items()}, codebook_weights=coded)


def test_compress_keeps_a_published_codebook_at_8_bits(paths: list[Path]) -> None:
    source = model_with_codebooks()
    model = compress(source, CompressionSettings(8), calibration=paths)
    for name, coded in source.codebook_weights.items():
        layer = model.layers[name]
        lost = (coded.codes != 0) & (layer.codes == 0)
        np.testing.assert_array_equal(layer.codes[~lost], coded.codes[~lost])
        assert (layer.codes[np.isin(coded.codes, [1, 2])] == 0).all()
        assert (layer.codebook[coded.codes[lost]] == 0).all()
        ratio = layer.codebook[coded.codes] - coded.codebook[coded.codes] * layer.codebook[255] / coded.codebook[255]
        assert np.abs(ratio).max() <= 1.5


def test_compress_keeps_published_zeros_at_6_bits(paths: list[Path]) -> None:
    source = model_with_codebooks()
    model = compress(source, CompressionSettings(6), calibration=paths)
    for name, coded in source.codebook_weights.items():
        assert (model.layers[name].codes[coded.codes == 0] == 0).all()


def test_compress_is_deterministic_and_records_its_calibration_set(paths: list[Path]) -> None:
    source = float_model()
    first, second = (compress(source, CompressionSettings(5, 0.7), calibration=paths) for _ in range(2))
    assert encode_model(first) == encode_model(second)
    assert first.metadata["calibration"] == "16 pictures"
    other = compress(source, CompressionSettings(5, 0.7), calibration=paths[1:])
    assert other.metadata["calibration sha256"] != first.metadata["calibration sha256"]


def test_compress_calibrates_on_photographs_by_default() -> None:
    pytest.importorskip("skimage", reason="needs scikit-image's photographs")
    model = compress(float_model(), CompressionSettings(4))
    assert "scikit-image" in model.metadata["calibration"]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("bypass", list(Bypass))
def test_compress_supports_any_network_of_the_family(paths: list[Path], seed: int, bypass: Bypass) -> None:
    network = random_network(np.random.default_rng(seed), bypass=bypass)
    if max(network.input.height, network.input.width) > 40:
        network = replace(network, input=Shape(3, 40, 40))
    compress(float_model(network, seed), CompressionSettings(4), calibration=paths[:2]).verify()


def test_compress_handles_consecutive_pools(paths: list[Path]) -> None:
    stages = (NETWORK.stages[0], MaxPool("a"), MaxPool("b"), *NETWORK.stages[2:5], MaxPool("c"), *NETWORK.stages[5:])
    source = float_model(replace(NETWORK, stages=stages))
    assert distance(compress(source, CompressionSettings(8), calibration=paths), source, frames_of(source, paths)) < 0.02


def test_compress_handles_dead_layers_and_huge_weights(paths: list[Path]) -> None:
    source = float_model()
    source.weights["fire2/squeeze1x1"][:] = 0
    source.biases["fire2/squeeze1x1"][:] = -1
    source.weights["fire3/expand1x1"][0] *= 1e6
    compress(source, CompressionSettings(6), calibration=paths[:3]).verify()


@pytest.mark.parametrize(("bits", "density"), [(3, None), (9, None), (6, 0.0), (6, 1.1), (6, float("nan"))])
def test_compress_rejects_bits_and_density(bits: int, density: float | None) -> None:
    with pytest.raises(FirebrickError, match=r"(bits|density) must be"):
        compress(float_model(), CompressionSettings(bits, density))


PADDED = replace(NETWORK, stages=(Conv("conv1", 12, 3, stride=2, padding=1), *NETWORK.stages[1:]))


def test_compress_takes_a_padded_first_stage_where_the_mean_is_zero(paths: list[Path]) -> None:
    """Zeros that pad images are then black pixels."""
    source = float_model(PADDED)
    source = replace(source, preprocessing=replace(source.preprocessing, mean=(0.0, 0.0, 0.0)))
    model = compress(source, CompressionSettings(8), calibration=paths)
    assert distance(model, source, frames_of(source, paths)) < 0.01


@pytest.mark.parametrize("mean", [(1.0, 0.0, 0.0), (123.0, 117.0, 104.0)])
def test_compress_rejects_a_padded_first_stage_where_the_mean_is_not_zero(mean: tuple[float, float, float]) -> None:
    source = float_model(PADDED)
    source = replace(source, preprocessing=replace(source.preprocessing, mean=mean))
    with pytest.raises(FirebrickError, match=r"conv1 pads images by 1 with their mean \(1"):
        compress(source, CompressionSettings(6))


def test_compress_rejects_a_first_stage_that_is_no_convolution() -> None:
    network = replace(NETWORK, stages=(MaxPool("pool1"), *NETWORK.stages[2:]))
    with pytest.raises(FirebrickError, match="the first stage must be a convolution, to take up the mean"):
        compress(float_model(network), CompressionSettings(6))


def test_input_moments_are_those_of_all_windows() -> None:
    rng = np.random.default_rng(5)
    inputs = rng.integers(0, 256, (3, 2, 6, 5), dtype=np.uint8)
    float_maps = rng.standard_normal(inputs.shape).astype(np.float32)
    conv = Conv("", 1, 3, stride=2, padding=1)
    moments = input_moments(inputs, float_maps, conv)
    columns, float_columns = (np.concatenate(list(im2col(maps, 3, 2, 1, np.float64)), axis=1) for maps in (inputs, float_maps))
    np.testing.assert_allclose(moments.mean, columns.mean(axis=1))
    np.testing.assert_allclose(moments.float_mean, float_columns.mean(axis=1))
    np.testing.assert_allclose(moments.covariance, np.cov(columns, bias=True), atol=1e-6)
    both = np.cov(np.concatenate([float_columns, columns]), bias=True)
    np.testing.assert_allclose(moments.cross_covariance, both[: len(float_columns), len(float_columns) :], atol=1e-6)


def test_scales_are_shared_where_tensors_meet() -> None:
    owners = scale_owners(NETWORK)
    assert owners["pool1"] == owners["conv1"] == "conv1"
    assert owners["fire2/expand1x1"] == owners["fire2/expand3x3"] == owners["fire3"] == owners["fire3/expand3x3"] == "fire2"
    assert owners["fire4/bypass1x1"] == owners["fire4/expand1x1"] == "fire4"
    assert owners["fire4/squeeze1x1"] == "fire4/squeeze1x1"


def test_best_scale_covers_uniform_values_and_clips_outliers() -> None:
    even = np.linspace(0, 10, 10_000, dtype=np.float32)
    assert best_scale(even, 10.0) == pytest.approx(10 / 255, rel=0.02)
    tailed = np.append(np.random.default_rng(6).exponential(size=200_000), 40.0).astype(np.float32)
    assert best_scale(tailed, 40.0) < 0.9 * 40 / 255
    assert best_scale(np.zeros(5, np.float32), 0.0) == 1.0
