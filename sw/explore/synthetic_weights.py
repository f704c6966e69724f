# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Random weights for untrained networks, which take as many bytes, once encoded, as trained and compressed ones."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..errors import FirebrickError
from ..model.quantized import CENTROID_BITS, Model, Preprocessing, QuantizedLayer
from ..network.graph import Network

STEP = 0.6
"""Distance of neighbouring centroids in standard deviations of the weights, at 6 bits without pruning; each further bit halves it.

Fitted: scaled with the square root of the density, it makes SqueezeNet v1.1 as large as the compressor does, within 2 %
(docs/exploring.md)."""
BITS = range(4, 9)
SHIFT = 11
"""Right shift from accumulator to pixel, as in trained models."""
BIAS_DEVIATION = 1000
"""Standard deviation of biases in accumulator units, about that of trained models."""


def synthetic_model(network: Network, bits: int, density: float, seed: int = 0) -> Model:
    """A model with Laplace-distributed weights, of which the smallest are pruned and the others rounded to equal steps.

    Each layer keeps the fraction ``density`` of its weights. The model is valid and compiles, but its scores mean nothing. The same
    arguments give the same model. Raises FirebrickError unless bits are 4 to 8, the density is above 0 and at most 1, and the network
    is valid.
    """
    if bits not in BITS:
        raise FirebrickError(f"bits must be {BITS[0]} to {BITS[-1]}, not {bits}")
    if not 0 < density <= 1:
        raise FirebrickError(f"density must be above 0 and at most 1, not {density}")
    network.verify()
    layers = {
        layer.name: quantized_layer(*real, bits, density)
        for layer, real in zip(network.layers(), random_weights(network, seed), strict=True)
    }
    side = max(network.input.height, network.input.width)
    labels = tuple(f"class {index}" for index in range(network.classes))
    return Model(network, layers, Preprocessing(side, (0.0, 0.0, 0.0)), labels, 1.0, {"weights": "generated"})


Reals = NDArray[np.float64]


@lru_cache(maxsize=1)
def random_weights(network: Network, seed: int) -> list[tuple[Reals, Reals]]:
    """Weights of standard deviation 1 and biases of each layer. Points of one network follow each other, so one is kept."""
    rng = np.random.default_rng(seed)
    return [
        (rng.laplace(size=layer.weight_shape) / np.sqrt(2), rng.normal(0, BIAS_DEVIATION, layer.conv.filters)) for layer in network.layers()
    ]


def quantized_layer(weights: Reals, biases: Reals, bits: int, density: float) -> QuantizedLayer:
    """Prune and quantize one layer; its codebook is 0, then the positive and the negative multiples of a step."""
    max_steps = (1 << bits - 1) - 1
    magnitudes = np.abs(weights)
    kept = max(1, round(density * weights.size))
    threshold = np.partition(magnitudes, weights.size - kept, axis=None)[weights.size - kept]
    step = STEP * density**0.5 * 2.0 ** (6 - bits)
    steps = np.clip(np.rint(magnitudes / step), 1, max_steps).astype(np.uint8)
    codes = np.where(magnitudes < threshold, 0, np.where(weights > 0, steps, max_steps + steps)).astype(np.uint8)
    unit = ((1 << CENTROID_BITS - 1) - 1) // max_steps
    centroids = np.arange(1, max_steps + 1, dtype=np.int32) * unit
    codebook = np.concatenate([[0], centroids, -centroids, [0]]).astype(np.int32)
    bias = np.rint(biases).astype(np.int64)
    return QuantizedLayer(codes, codebook, bias, SHIFT)
