# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""ONNX export: onnxruntime, an independent implementation, computes the golden model's scores bit for bit."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from firebrick.sw import golden
from firebrick.sw.errors import FirebrickError
from firebrick.sw.exporters.onnx_graph import INPUT, OUTPUT
from firebrick.sw.exporters.onnx_integer import export_onnx, write_onnx
from firebrick.sw.model.quantized import Model, Preprocessing, QuantizedLayer
from firebrick.sw.network.graph import Bypass, Conv, GlobalAverage, Network, Shape
from firebrick.sw.utils.distribution import install_extra
from firebrick.sw.zoo import catalogue
from tests.helpers.random_models import random_frames, random_model


def onnx_scores(model: Model, frames: NDArray[np.uint8]) -> NDArray[np.int64]:
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(export_onnx(model).SerializeToString(), options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run([OUTPUT], {INPUT: frames})[0])


@pytest.mark.parametrize("bypass", list(Bypass))
@pytest.mark.parametrize("seed", range(20))
def test_onnx_scores_equal_the_golden_models(seed: int, bypass: Bypass) -> None:
    rng = np.random.default_rng(seed)
    padding = 0 if seed % 2 else int(rng.integers(0, 2))
    model = random_model(rng, bypass=bypass, padding=padding, kernel=None if seed % 2 else 3, any_pools=seed % 4 > 1)
    frames = random_frames(rng, model, 4)
    np.testing.assert_array_equal(onnx_scores(model, frames), golden.run(model, frames), strict=True)


@pytest.mark.parametrize("seed", range(8))
def test_onnx_scores_equal_the_golden_models_without_a_last_relu(seed: int) -> None:
    rng = np.random.default_rng([seed, 1])
    model = random_model(rng, signed=True, classes=9)
    frames = random_frames(rng, model, 4)
    scores = golden.run(model, frames)
    assert 0.1 < (scores < 0).mean() < 0.9
    np.testing.assert_array_equal(onnx_scores(model, frames), scores, strict=True)


@pytest.mark.parametrize("centroid", [2047, -2047, 33, -33, 32, -32, 31, 1])
@pytest.mark.parametrize("shift", [0, 24])
def test_onnx_is_exact_at_the_extremes(centroid: int, shift: int) -> None:
    network = Network("one", Shape(64, 5, 5), (Conv("conv1", 3, 5), GlobalAverage("pool")))
    codes = np.ones((3, 64, 5, 5), np.uint8)
    for bias in (-(2**31) + 1, -centroid * 255 * 64 * 25 + (77 << shift), 2**31 - 1):
        layer = QuantizedLayer(codes, np.array([0, centroid], np.int32), np.array([bias, bias - 1, bias + 1]), shift)
        model = Model(network, {"conv1": layer}, Preprocessing(5, (0, 0, 0)), ("a", "b", "c"), 1.0)
        frames = np.full((1, 64, 5, 5), 255, np.uint8)
        np.testing.assert_array_equal(onnx_scores(model, frames), golden.run(model, frames), strict=True)


def test_onnx_has_labels_and_score_scale_as_metadata(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = random_model(np.random.default_rng(1))
    write_onnx(model, tmp_path / "model.onnx")
    properties = {entry.key: entry.value for entry in onnx.load(tmp_path / "model.onnx").metadata_props}
    assert properties["labels"].split("\n") == list(model.labels)
    assert float(properties["score_scale"]) == model.score_scale
    assert properties["licence"] == "none"


def test_onnx_rejects_filters_whose_sums_might_overflow() -> None:
    network = Network("wide", Shape(65535, 3, 3), (Conv("conv1", 1, 3), GlobalAverage("pool")))
    codes = np.zeros((1, 65535, 3, 3), np.uint8)
    layer = QuantizedLayer(codes, np.array([0, 1], np.int32), np.zeros(1, np.int64), 0)
    with pytest.raises(FirebrickError, match="conv1: a filter must have at most 263172 weights"):
        export_onnx(Model(network, {"conv1": layer}, Preprocessing(3, (0, 0, 0)), ("a",), 1.0))


def test_onnx_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(FirebrickError, match=re.escape(install_extra("onnx"))):
        export_onnx(random_model(np.random.default_rng(1)))


@pytest.mark.skipif("squeezenet1_1" not in catalogue.names(), reason="this checkout has no sw/zoo/models/squeezenet1_1.fire")
def test_onnx_scores_of_the_shipped_model_equal_the_golden_models() -> None:
    data = pytest.importorskip("skimage.data")
    model = catalogue.load("squeezenet1_1")
    height, width = model.network.input.height, model.network.input.width
    images = [image[20 : 20 + height, 50 : 50 + width] for image in (data.astronaut(), data.chelsea(), data.coffee())]
    frames = np.stack(images).transpose(0, 3, 1, 2).copy()
    scores = golden.run(model, frames)
    np.testing.assert_array_equal(onnx_scores(model, frames), scores, strict=True)
    assert len({tuple(row) for row in scores.tolist()}) == 3
