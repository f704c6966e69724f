# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Weights for networks that nobody has trained: as large, once coded, as trained and compressed ones."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..errors import FirebrickError
from ..model.quantized import CENTROID_BITS, Model, Preprocessing, QuantizedLayer
from ..network.graph import Network

STEP = 0.6
"""Standard deviations between neighbouring centroids at 6 bits where nothing is pruned; half as many with each bit more.

With the square root of the density it makes SqueezeNet v1.1 as large as the compressor does, to some per cent (docs/exploring.md)."""
BITS = range(4, 9)
SHIFT = 11
BIAS = 1000
"""Standard deviation of biases in accumulator units, about that of trained models."""


def synthetic_model(network: Network, bits: int, density: float, seed: int = 0) -> Model:
    """A model whose weights follow Laplace's distribution, the smallest pruned and the others rounded to equal steps.

    Each layer keeps the share ``density`` of its weights. The model is sound and compiles, but its scores mean nothing. The same arguments
    give the same model. Raises FirebrickError unless bits are 4 to 8, the density is above 0 and at most 1, and the network is sound.
    """
    if bits not in BITS:
        raise FirebrickError(f"bits must be {BITS[0]} to {BITS[-1]}, not {bits}")
    if not 0 < density <= 1:
        raise FirebrickError(f"density must be above 0 and at most 1, not {density}")
    network.verify()
    layers = {layer.name: _layer(*drawn, bits, density) for layer, drawn in zip(network.layers(), _drawn(network, seed), strict=True)}
    side = max(network.input.height, network.input.width)
    labels = tuple(f"class {index}" for index in range(network.classes))
    return Model(network, layers, Preprocessing(side, (0.0, 0.0, 0.0)), labels, 1.0, {"weights": "generated"})


Reals = NDArray[np.float64]


@lru_cache(maxsize=1)
def _drawn(network: Network, seed: int) -> list[tuple[Reals, Reals]]:
    """Weights of standard deviation 1 and biases of each layer; points of one network follow each other."""
    rng = np.random.default_rng(seed)
    return [(rng.laplace(size=layer.weight_shape) / np.sqrt(2), rng.normal(0, BIAS, layer.conv.filters)) for layer in network.layers()]


def _layer(weights: Reals, biases: Reals, bits: int, density: float) -> QuantizedLayer:
    most = (1 << bits - 1) - 1
    sizes = np.abs(weights)
    kept = max(1, round(density * weights.size))
    least = np.partition(sizes, weights.size - kept, axis=None)[weights.size - kept]
    step = STEP * density**0.5 * 2.0 ** (6 - bits)
    steps = np.clip(np.rint(sizes / step), 1, most).astype(np.uint8)
    codes = np.where(sizes < least, 0, np.where(weights > 0, steps, most + steps)).astype(np.uint8)
    unit = ((1 << CENTROID_BITS - 1) - 1) // most
    steps_up = np.arange(1, most + 1, dtype=np.int32) * unit
    codebook = np.concatenate([[0], steps_up, -steps_up, [0]]).astype(np.int32)
    bias = np.rint(biases).astype(np.int64)
    return QuantizedLayer(codes, codebook, bias, SHIFT)
