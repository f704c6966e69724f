# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Small models for benches: crops of a trained one, and randomly initialised ones."""

from dataclasses import replace

import numpy as np

from ..sw import golden
from ..sw.model.quantized import Model, Preprocessing, QuantizedLayer
from ..sw.network.graph import Bypass, Conv, Fire, GlobalAverage, Layer, MaxPool, Network, stage_layers


def cropped_model(model: Model, network: Network) -> Model:
    """A smaller network with a trained model's integers: the first filters and channels of each layer."""
    layers = {}
    for layer in network.layers():
        filters, channels, *_ = layer.weight_shape
        full = model.layers[layer.name]
        layers[layer.name] = replace(full, codes=full.codes[:filters, :channels], bias=full.bias[:filters])
    small = replace(model, network=network, layers=layers, labels=model.labels[: network.classes])
    small.verify()
    return small


def randomly_initialised(network: Network, rng: np.random.Generator, *, bits: int = 6, density: float = 0.4) -> Model:
    """A model with random integers. Biases and shifts keep pixels spread over 0..255 from layer to layer, so that no layer saturates."""
    layers: dict[str, QuantizedLayer] = {}
    shape = network.input
    maps = rng.integers(0, 256, (1, shape.channels, shape.height, shape.width), dtype=np.uint8)
    for stage, shape in zip(network.stages, network.shapes(), strict=False):
        convs = stage_layers(stage, shape)
        match stage:
            case Conv():
                layers |= _random_layers([*convs], maps, rng, bits, density)
                maps = golden.convolve(maps, layers[stage.name], stride=stage.stride, padding=stage.padding)
            case Fire():
                layers |= _random_layers([convs[0]], maps, rng, bits, density)
                squeezed = golden.convolve(maps, layers[convs[0].name])
                expand = [layer for layer in convs if "/expand" in layer.name]
                layers |= _random_layers(expand, squeezed, rng, bits, density)
                halves = [golden.convolve(squeezed, layers[layer.name], padding=layer.conv.padding) for layer in expand]
                if stage.bypass is Bypass.COMPLEX:
                    layers |= _random_layers([convs[-1]], maps, rng, bits, density)
                out = np.concatenate(halves, axis=1)
                match stage.bypass:
                    case Bypass.SIMPLE:
                        maps = golden.add(out, maps)
                    case Bypass.COMPLEX:
                        maps = golden.add(out, golden.convolve(maps, layers[convs[-1].name]))
                    case Bypass.NONE:
                        maps = out
            case MaxPool():
                maps = golden.max_pool(maps, stage)
            case GlobalAverage():
                pass
    labels = tuple(f"class {index}" for index in range(network.classes))
    preprocessing = Preprocessing(max(network.input.height, network.input.width), (0.0, 0.0, 0.0))
    zero_point = int(rng.integers(64, 192)) if network.signed_scores else 0
    model = Model(network, layers, preprocessing, labels, 1.0, zero_point=zero_point)
    model.verify()
    return model


def _random_layers(
    convs: list[Layer], maps: golden.FeatureMaps, rng: np.random.Generator, bits: int, density: float
) -> dict[str, QuantizedLayer]:
    """Random integers of layers that read the same maps and share a shift.

    A sum of many products is about normally distributed. Its mean is the mean pixel times the sum of the weights; the bias replaces it by
    a random one. Its deviation (``spread``) is that of a pixel times the norm of the weights; the shift maps two of them to 0..255.
    """
    level, deviation = float(maps.mean()), float(maps.std()) + 1.0
    layers, spreads = {}, []
    for layer in convs:
        codebook = np.concatenate([[0], rng.integers(-255, 256, (1 << bits) - 1)]).astype(np.int32)
        codes = rng.integers(1, 1 << bits, layer.weight_shape) * (rng.random(layer.weight_shape) < density)
        weights = codebook[codes].reshape(len(codes), -1).astype(np.float64)
        spread = deviation * np.sqrt((weights**2).sum(axis=1)).mean() + 1.0
        bias = (spread * rng.uniform(-0.5, 1.5, len(codes)) - level * weights.sum(axis=1)).astype(np.int64)
        layers[layer.name] = QuantizedLayer(codes.astype(np.uint8), codebook, bias, 0)
        spreads.append(spread)
    shift = max(0, round(float(np.log2(max(spreads) * 2 / 255))))
    return {name: replace(layer, shift=shift) for name, layer in layers.items()}
