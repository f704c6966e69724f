# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""SqueezeNet v1.0 from the ``.net`` file of Deep Compression (arXiv:1510.00149; github songhan/SqueezeNet-Deep-Compression).

All numbers are little-endian. The file starts with a uint32 entry count for each layer. Then follows each layer in network order:
256 float32 centroids, a float32 bias for each filter, ``count`` uint8 codes, and ceil(count / 2) bytes of 4-bit zero runs, low nibble
first. Nothing follows the last layer.

Entry i has the position (sum of run[0..i] + 1 each) - 1 in the layer's weights, flattened as (out, in, rows, columns). Entries with
code 0 are padding zeros: they bridge runs of more than 15 zeros.
"""

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firebrick.sw.errors import FirebrickError
from firebrick.sw.model.float_model import CodebookWeights, FloatModel
from firebrick.sw.model.quantized import Preprocessing
from firebrick.sw.network.graph import Layer, Network
from firebrick.sw.network.presets import squeezenet1_0
from firebrick.sw.utils.atomic_files import read_limited

from .class_names import imagenet_class_names
from .ndf import CAFFE_MEAN

_CENTROIDS = 256


def import_net(path: Path) -> FloatModel:
    """SqueezeNet v1.0 from a ``.net`` file, with its published codebooks; Caffe's BGR input is turned into RGB.

    Raises FirebrickError when the file cannot be read or is not such a file.
    """
    network = squeezenet1_0()
    limit = _max_size(network)
    data = read_limited(path, limit + 1, "a .net file")
    if len(data) > limit:
        raise FirebrickError(f"{path} is more than {limit} bytes and cannot be a .net file of {network.name}; name another file")
    coded, biases = parse_net(data, network, str(path))
    first = next(iter(coded))
    coded[first] = CodebookWeights(np.ascontiguousarray(coded[first].codes[:, ::-1]), coded[first].codebook)  # BGR to RGB
    weights = {name: layer.values for name, layer in coded.items()}
    provenance = {
        "name": path.name,
        "source": "SqueezeNet v1.0 with Deep Compression, a .net file of its authors' release",
        "source sha256": hashlib.sha256(data).hexdigest(),
        "source licence": "BSD-2-Clause",
    }
    model = FloatModel(network, weights, biases, Preprocessing(network.input.height, CAFFE_MEAN), imagenet_class_names(), coded, provenance)
    model.verify()
    return model


def parse_net(data: bytes, network: Network, what: str) -> tuple[dict[str, CodebookWeights], dict[str, NDArray[np.float32]]]:
    """Codebook weights and biases by layer name from the bytes of a ``.net`` file, channels in the file's order.

    Raises FirebrickError, naming ``what``, unless the bytes describe the network exactly.
    """
    layers = network.layers()
    header = 4 * len(layers)
    if len(data) < header:
        raise FirebrickError(f"{what} ends inside its header, after {len(data)} of {header} bytes; copy it anew")
    counts = [int(count) for count in np.frombuffer(data, "<u4", len(layers))]
    sizes = [4 * _CENTROIDS + 4 * layer.conv.filters + count + (count + 1) // 2 for layer, count in zip(layers, counts, strict=True)]
    if header + sum(sizes) != len(data):
        raise FirebrickError(
            f"{what} has {len(data)} bytes where its header promises {header + sum(sizes)}; it is damaged or of another network"
        )
    coded, biases = {}, {}
    offset = header
    for layer, count, size in zip(layers, counts, sizes, strict=True):
        block = data[offset : offset + size]
        codebook = np.frombuffer(block, "<f4", _CENTROIDS).astype(np.float32)
        bias = np.frombuffer(block, "<f4", layer.conv.filters, 4 * _CENTROIDS).astype(np.float32)
        if not (np.isfinite(codebook).all() and np.isfinite(bias).all()):
            raise FirebrickError(f"{what}, layer {layer.name}: every centroid and bias must be finite; the file is damaged")
        codes_start = 4 * _CENTROIDS + 4 * layer.conv.filters
        codes = np.frombuffer(block, np.uint8, count, codes_start)
        zero_runs = np.frombuffer(block, np.uint8, offset=codes_start + count)
        codebook[0] = 0  # code 0 means a zero weight, whatever the file has here
        coded[layer.name] = CodebookWeights(_dense_codes(layer, codes, zero_runs, what), codebook)
        biases[layer.name] = bias
        offset += size
    return coded, biases


def _dense_codes(layer: Layer, codes: NDArray[np.uint8], zero_runs: NDArray[np.uint8], what: str) -> NDArray[np.uint8]:
    """A code for each weight of a layer, from the entries' codes and zero runs."""
    nibbles = np.stack([zero_runs & 15, zero_runs >> 4], axis=1).reshape(-1)[: len(codes)]
    positions = np.cumsum(nibbles.astype(np.int64) + 1) - 1
    if len(positions) and positions[-1] >= layer.weights:
        raise FirebrickError(f"{what}, layer {layer.name}: zero runs lead past the layer's {layer.weights} weights; the file is damaged")
    dense = np.zeros(layer.weights, np.uint8)
    dense[positions] = codes
    return dense.reshape(layer.weight_shape)


def _max_size(network: Network) -> int:
    """Size in bytes of a file that stores every weight."""
    return sum(4 + 4 * _CENTROIDS + 4 * layer.conv.filters + layer.weights + (layer.weights + 1) // 2 for layer in network.layers())
