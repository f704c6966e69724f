# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A small float network with random weights, images to calibrate it on, and the distance of an integer network from it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from firebrick.sw import golden
from firebrick.sw.data.images import read_images
from firebrick.sw.golden import floating
from firebrick.sw.model.float_model import FloatModel
from firebrick.sw.model.quantized import Model, Preprocessing
from firebrick.sw.network.graph import Bypass, Conv, Fire, GlobalAverage, LinearConv, MaxPool, Network, Shape

NETWORK = Network(
    "small",
    Shape(3, 37, 33),
    (
        Conv("conv1", 12, 3, stride=2),
        MaxPool("pool1"),
        Fire("fire2", 6, 8, 8),
        Fire("fire3", 6, 8, 8, Bypass.SIMPLE),
        Fire("fire4", 6, 9, 0, Bypass.COMPLEX),
        Conv("conv10", 10, 1),
        GlobalAverage("pool10"),
    ),
)
SIGNED_NETWORK = replace(NETWORK, stages=(*NETWORK.stages[:-2], LinearConv("conv10", 10, 1), NETWORK.stages[-1]))
"""The same without the last ReLU."""


def float_model(network: Network = NETWORK, seed: int = 0) -> FloatModel:
    """A network with random weights, scaled so that activations keep their magnitude through the layers."""
    rng = np.random.default_rng(seed)
    weights, biases = {}, {}
    for layer in network.layers():
        gain = 0.02 if layer.name == "conv1" else 1.4
        fan = layer.weight_shape[1] * layer.conv.kernel**2
        weights[layer.name] = (rng.laplace(size=layer.weight_shape) * gain / np.sqrt(fan)).astype(np.float32)
        biases[layer.name] = (rng.standard_normal(layer.conv.filters) * 0.2).astype(np.float32)
    labels = tuple(f"class {index}" for index in range(network.classes))
    return FloatModel(
        network, weights, biases, Preprocessing(40, (120.0, 110.0, 100.0)), labels, metadata={"source": "noise", "name": "noise"}
    )


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Sixteen images of smooth noise."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(3)
    for index in range(16):
        blobs = Image.fromarray(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)).resize((40, 40), Image.Resampling.BICUBIC)
        blobs.save(folder / f"{index:02}.png")
    return sorted(folder.iterdir())


def frames_of(model: FloatModel, paths: list[Path]) -> NDArray[np.uint8]:
    return read_images(paths, model.preprocessing, model.network.input)


def distance(model: Model, source: FloatModel, frames: NDArray[np.uint8]) -> float:
    """The mean squared error of the integer scores, as a fraction of the float scores' variance."""
    expected = floating.run(source, frames)
    scores = golden.run(model, frames) * model.score_scale
    return float(((scores - expected) ** 2).mean() / expected.var())
