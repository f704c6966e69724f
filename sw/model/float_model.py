# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A pretrained network with float weights, before compression."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..errors import FirebrickError
from ..network.graph import Network
from .quantized import Preprocessing


@dataclass(frozen=True, eq=False)
class CodebookWeights:
    """One layer's weights as codebook indices, pruned and clustered as in Deep Compression (arXiv:1510.00149)."""

    codes: NDArray[np.uint8]
    """Codebook indices in the shape of the weights; code 0 is a zero weight."""
    codebook: NDArray[np.float32]
    """Centroids; entry 0 is the zero weight."""

    @property
    def values(self) -> NDArray[np.float32]:
        """The weights that the codes stand for, in the shape of the codes."""
        return self.codebook[self.codes]


@dataclass(frozen=True, eq=False)
class FloatModel:
    """A network with float weights. Its input is RGB bytes minus the mean; importers convert other channel orders."""

    network: Network
    weights: dict[str, NDArray[np.float32]]
    """By layer name in the order of ``network.layers()``; each (filters, input channels, kernel, kernel)."""
    biases: dict[str, NDArray[np.float32]]
    """By layer name; one for each filter."""
    preprocessing: Preprocessing
    labels: tuple[str, ...]
    """Class names in the order of the scores."""
    codebook_weights: dict[str, CodebookWeights] = field(default_factory=dict)
    """The same weights as codes, by layer name, where the source publishes a codebook; empty for a dense source."""
    metadata: dict[str, str] = field(default_factory=dict)
    """Provenance and licence, as human-readable text."""

    def verify(self) -> None:
        """Raise FirebrickError unless network, weights and labels fit together and every number is finite."""
        self.network.verify()
        self.network.verify_totals()
        self.preprocessing.verify(self.network.input)
        layers = self.network.layers()
        names = [layer.name for layer in layers]
        for what, arrays in (("weights", self.weights), ("biases", self.biases)):
            if list(arrays) != names:
                raise FirebrickError(f"{what} of {self.network.name} must be those of its layers, in order")
        for layer in layers:
            expected = {"weights": layer.weight_shape, "biases": (layer.conv.filters,)}
            for what, array in (("weights", self.weights[layer.name]), ("biases", self.biases[layer.name])):
                if array.shape != expected[what]:
                    raise FirebrickError(f"layer {layer.name}: {what} must have shape {expected[what]}, not {array.shape}")
                if array.dtype != np.float32 or not np.isfinite(array).all():
                    raise FirebrickError(f"layer {layer.name}: {what} must be finite 32-bit floats")
        if len(self.labels) != self.network.classes:
            raise FirebrickError(f"labels must be {self.network.classes}, one a class, not {len(self.labels)}")
