# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Float networks as ONNX files: onnxruntime and the importer give the same scores, and inconsistent metadata is rejected."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from firebrick.sw.errors import FirebrickError
from firebrick.sw.golden import floating
from firebrick.sw.model.float_model import FloatModel
from firebrick.sw.model.quantized import Preprocessing
from firebrick.sw.network.graph import Bypass
from tests.helpers.random_models import random_network

onnx = pytest.importorskip("onnx", reason="needs the package onnx")

from firebrick.sw.exporters.onnx_float import METADATA_KEY, encode_float_onnx  # noqa: E402
from firebrick.sw.importers.normalisation import CAFFE, TORCH, Normalisation  # noqa: E402
from firebrick.sw.importers.onnx.importer import onnx_model  # noqa: E402


def float_model(seed: int, **overrides: Any) -> FloatModel:
    rng = np.random.default_rng(seed)
    network = random_network(rng, **overrides)
    layers = network.layers()
    weights = {layer.name: rng.normal(0, 0.3, layer.weight_shape).astype(np.float32) for layer in layers}
    biases = {layer.name: rng.normal(1, 1, layer.conv.filters).astype(np.float32) for layer in layers}
    long_side = max(network.input.height, network.input.width)
    preprocessing = Preprocessing(int(rng.integers(long_side, 3 * long_side)), (123.25, 117.0, 104.5))
    labels = tuple(f"class {'é' * index}" for index in range(network.classes))
    return FloatModel(network, weights, biases, preprocessing, labels, metadata={"licence": "none"})


@pytest.mark.parametrize("bypass", list(Bypass))
@pytest.mark.parametrize(("seed", "channels"), [(0, 3), (1, 1), (2, 3), (3, 1)])
def test_float_file_has_the_scores_and_metadata_of_the_network(seed: int, channels: int, bypass: Bypass) -> None:
    runtime = pytest.importorskip("onnxruntime")
    model = float_model(seed, channels=channels, bypass=bypass)
    shape = model.network.input
    data = encode_float_onnx(model)
    assert data == encode_float_onnx(model)
    frames = np.random.default_rng(seed).integers(0, 256, (3, channels, shape.height, shape.width), dtype=np.uint8)
    expected = floating.run(model, frames)
    [scores] = runtime.InferenceSession(data).run(None, {"frames": floating.subtract_mean(model, frames, np.float32)})
    np.testing.assert_allclose(scores, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
    read = onnx_model(data, "net.onnx")
    np.testing.assert_allclose(floating.run(read, frames), expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
    assert (read.preprocessing, read.labels, read.metadata["licence"]) == (model.preprocessing, model.labels, "none")
    assert read.metadata["source"].startswith("an ONNX file made by firebrick")


@pytest.mark.parametrize("seed", range(3))
def test_float_file_without_a_last_relu_is_read_as_it_was(seed: int) -> None:
    runtime = pytest.importorskip("onnxruntime")
    model = float_model(seed, signed=True, classes=9)
    shape = model.network.input
    data = encode_float_onnx(model)
    frames = np.random.default_rng(seed).integers(0, 256, (3, 3, shape.height, shape.width), dtype=np.uint8)
    [scores] = runtime.InferenceSession(data).run(None, {"frames": floating.subtract_mean(model, frames, np.float32)})
    assert (scores < 0).any()
    read = onnx_model(data, "net.onnx")
    assert read.network.signed_scores
    np.testing.assert_allclose(floating.run(read, frames), scores, rtol=1e-3, atol=1e-4 * np.abs(scores).max())


def test_options_override_the_metadata_of_the_file() -> None:
    model = float_model(5, classes=2)
    read = onnx_model(encode_float_onnx(model), "net.onnx", CAFFE, ["x", "y"])
    assert (read.preprocessing.mean, read.labels) == (CAFFE.mean, ("x", "y"))


def test_grey_networks_need_one_standard_deviation() -> None:
    data = encode_float_onnx(float_model(6, channels=1))
    with pytest.raises(FirebrickError, match=r"the input is grey; .*--std S,S,S"):
        onnx_model(data, "net.onnx", TORCH)
    halved = onnx_model(data, "net.onnx", Normalisation((10.0, 10.0, 10.0), (2.0, 2.0, 2.0)))
    first = halved.network.stages[0].name
    np.testing.assert_array_equal(halved.weights[first] * 2, next(iter(float_model(6, channels=1).weights.values())))


@pytest.mark.parametrize(
    "change",
    [
        lambda metadata: metadata.pop("mean"),
        lambda metadata: metadata.update(mean=[1, 2]),
        lambda metadata: metadata.update(mean=[1, 2, "x"]),
        lambda metadata: metadata.update(mean=[1, 2, 10**400]),
        lambda metadata: metadata.update(mean=[1, 2, float("nan")]),
        lambda metadata: metadata.update(mean=[1, 2, 300]),
        lambda metadata: metadata.update(resize=1),
        lambda metadata: metadata.update(resize=1e9),
        lambda metadata: metadata.update(resize=10**9),
        lambda metadata: metadata.update(resize=True),
        lambda metadata: metadata.update(labels="abc"),
        lambda metadata: metadata.update(labels=["a", 2, "c"]),
        lambda metadata: metadata.update(labels=["a", "b\n", "c"]),
        lambda metadata: metadata.update(labels=["a"]),
        lambda metadata: metadata.update(metadata=[]),
        lambda metadata: metadata.update(metadata={"a": 1}),
        lambda metadata: metadata.update(metadata={"a": "\x1b[2J"}),
    ],
)
def test_files_with_wrong_metadata_are_rejected(change: Callable[[dict[str, Any]], object]) -> None:
    metadata: dict[str, Any] = {"mean": [1.0, 2.0, 3.0], "resize": 32, "labels": ["a", "b", "c"], "metadata": {}}
    change(metadata)
    with pytest.raises(FirebrickError, match=r"^net.onnx: "):
        onnx_model(file_with_metadata(json.dumps(metadata)), "net.onnx")


@pytest.mark.parametrize("text", ["", "[]", "null", "{" * 100_000, "[" * 100_000])
def test_files_whose_metadata_is_no_json_object_are_rejected(text: str) -> None:
    with pytest.raises(FirebrickError, match="the property 'firebrick' is not as `firebrick train` writes it"):
        onnx_model(file_with_metadata(text), "net.onnx")


def file_with_metadata(text: str) -> bytes:
    """A file with this text as its metadata property."""
    proto = onnx.ModelProto.FromString(encode_float_onnx(replace(float_model(7, classes=3, height=20, width=20))))
    assert proto.metadata_props[0].key == METADATA_KEY
    proto.metadata_props[0].value = text
    return bytes(proto.SerializeToString())
