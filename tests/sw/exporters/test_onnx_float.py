# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Float networks as ONNX files of our own: what onnxruntime computes, what is read back, and files that lie about themselves."""

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
    longest = max(network.input.height, network.input.width)
    preprocessing = Preprocessing(int(rng.integers(longest, 3 * longest)), (123.25, 117.0, 104.5))
    labels = tuple(f"class {'é' * index}" for index in range(network.classes))
    return FloatModel(network, weights, biases, preprocessing, labels, metadata={"licence": "none"})


@pytest.mark.parametrize("bypass", list(Bypass))
@pytest.mark.parametrize(("seed", "channels"), [(0, 3), (1, 1), (2, 3), (3, 1)])
def test_float_file_computes_and_says_what_the_network_does(seed: int, channels: int, bypass: Bypass) -> None:
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


def test_options_say_otherwise_than_the_file() -> None:
    model = float_model(5, classes=2)
    read = onnx_model(encode_float_onnx(model), "net.onnx", CAFFE, ["x", "y"])
    assert (read.preprocessing.mean, read.labels) == (CAFFE.mean, ("x", "y"))


def test_grey_networks_are_divided_by_one_number() -> None:
    data = encode_float_onnx(float_model(6, channels=1))
    with pytest.raises(FirebrickError, match=r"the input is grey; .*--std S,S,S"):
        onnx_model(data, "net.onnx", TORCH)
    halved = onnx_model(data, "net.onnx", Normalisation((10.0, 10.0, 10.0), (2.0, 2.0, 2.0)))
    first = halved.network.stages[0].name
    np.testing.assert_array_equal(halved.weights[first] * 2, next(iter(float_model(6, channels=1).weights.values())))


@pytest.mark.parametrize(
    "change",
    [
        lambda said: said.pop("mean"),
        lambda said: said.update(mean=[1, 2]),
        lambda said: said.update(mean=[1, 2, "x"]),
        lambda said: said.update(mean=[1, 2, 10**400]),
        lambda said: said.update(mean=[1, 2, float("nan")]),
        lambda said: said.update(mean=[1, 2, 300]),
        lambda said: said.update(resize=1),
        lambda said: said.update(resize=1e9),
        lambda said: said.update(resize=10**9),
        lambda said: said.update(resize=True),
        lambda said: said.update(labels="abc"),
        lambda said: said.update(labels=["a", 2, "c"]),
        lambda said: said.update(labels=["a", "b\n", "c"]),
        lambda said: said.update(labels=["a"]),
        lambda said: said.update(metadata=[]),
        lambda said: said.update(metadata={"a": 1}),
        lambda said: said.update(metadata={"a": "\x1b[2J"}),
    ],
)
def test_files_that_lie_about_themselves_are_refused(change: Callable[[dict[str, Any]], object]) -> None:
    said = {"mean": [1.0, 2.0, 3.0], "resize": 32, "labels": ["a", "b", "c"], "metadata": {}}
    change(said)
    with pytest.raises(FirebrickError, match=r"^net.onnx: "):
        onnx_model(saying(json.dumps(said)), "net.onnx")


@pytest.mark.parametrize("text", ["", "[]", "null", "{" * 100_000, "[" * 100_000])
def test_files_whose_property_is_no_table_are_refused(text: str) -> None:
    with pytest.raises(FirebrickError, match="the property 'firebrick' is not as `firebrick train` writes it"):
        onnx_model(saying(text), "net.onnx")


def saying(text: str) -> bytes:
    """A file whose property holds a text."""
    proto = onnx.ModelProto.FromString(encode_float_onnx(replace(float_model(7, classes=3, height=20, width=20))))
    assert proto.metadata_props[0].key == METADATA_KEY
    proto.metadata_props[0].value = text
    return bytes(proto.SerializeToString())
