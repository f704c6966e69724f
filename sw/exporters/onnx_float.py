# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A float network as an ONNX file that also holds the normalisation of images and the class names."""

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ..errors import FirebrickError
from ..model.float_model import FloatModel
from ..model.quantized import NO_BORDER
from ..utils.atomic_files import write_atomically
from ..utils.distribution import install_extra
from .onnx_graph import NetworkGraph

METADATA_KEY = "firebrick"
"""Key of the file's metadata property that holds the JSON document {labels, mean, metadata, resize}."""


def encode_float_onnx(model: FloatModel) -> bytes:
    """The file's bytes. Input: ``frames``, floats (n, channels, rows, columns), bytes minus the mean. Output: ``scores`` (n, classes).

    A border of images is not part of the input: the first convolution pads with zeros instead, which is the same. The same model gives the
    same bytes. Raises FirebrickError when the package onnx is missing or the model is inconsistent.
    """
    if find_spec("onnx") is None:
        raise FirebrickError(f"ONNX files need the package onnx; {install_extra('onnx')}")
    model.verify()
    metadata = {
        "labels": list(model.labels),
        "mean": list(model.preprocessing.mean),
        "metadata": model.metadata,
        "resize": model.preprocessing.resize,
    }
    properties = {METADATA_KEY: json.dumps(metadata, sort_keys=True, ensure_ascii=False)}
    images = replace(model.network, input=model.preprocessing.image_shape(model.network.input))
    proto = _FloatGraph(model).proto(images, np.float32, np.float32, properties)
    data: bytes = proto.SerializeToString(deterministic=True)
    return data


def write_float_onnx(model: FloatModel, path: Path) -> None:
    """Write the file atomically; raises FirebrickError as `encode_float_onnx` does, or when the path cannot be written."""
    write_atomically(path, encode_float_onnx(model))


class _FloatGraph(NetworkGraph):
    def __init__(self, model: FloatModel) -> None:
        super().__init__()
        self.model = model

    def convolve(self, name: str, maps: str, *, stride: int = 1, padding: int = 0, relu: bool = True) -> str:
        weights = self.model.weights[name]
        inputs = [maps, self.constant(f"{name}/weights", weights), self.constant(f"{name}/bias", self.model.biases[name])]
        border = self.model.preprocessing.border if name == self.model.network.stages[0].name else NO_BORDER
        geometry = {"kernel_shape": weights.shape[2:], "strides": [stride, stride], "pads": [padding + side for side in border]}
        out = self.node("Conv", inputs, f"{name}/sum", **geometry)
        return self.node("Relu", [out], f"{name}/out") if relu else out

    def add(self, name: str, main: str, skip: str) -> str:
        return self.node("Add", [main, skip], f"{name}/sum")

    def global_average(self, name: str, maps: str) -> str:
        return self.node("Flatten", [self.node("GlobalAveragePool", [maps], f"{name}/mean")], f"{name}/out")
