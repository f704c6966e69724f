# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A float network of the family as a trainable PyTorch module."""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ...model.float_model import FloatModel
from ...network.graph import Network
from ..torch_backend import run_network, subtract_mean

INPUT_DIVISOR = 64.0
"""Divisor of the first layer's inputs (bytes minus the mean) in training, which brings them near 1. A power of two, so that folding it
into the weights is exact."""
_HEAD_DEVIATION = 0.01
"""Standard deviation of the last layer's initial weights."""
_HEAD_BIAS = 1.0
"""Initial biases of the last layer. They put scores well above zero, as a class whose score the ReLU cuts off for every image gets no
gradient any more."""


class TrainableNetwork(nn.Module):
    """A float network with trainable weights; dropout is before the last convolution, and only in training mode.

    The names of its parameters are those of checkpoints.
    """

    def __init__(self, source: FloatModel, dropout: float) -> None:
        super().__init__()
        self.source, self.dropout = source, dropout
        self.convs = {layer.name: layer.conv for layer in source.network.layers()}
        self.first, self.last = next(iter(self.convs)), next(reversed(self.convs))
        self.mean = nn.Buffer(torch.tensor(source.preprocessing.means(source.network.input.channels))[:, None, None], persistent=False)
        factors = {name: np.float32(INPUT_DIVISOR if name == self.first else 1) for name in self.convs}
        self.weights = nn.ParameterList([nn.Parameter(torch.from_numpy(source.weights[name] * factors[name])) for name in self.convs])
        self.biases = nn.ParameterList([nn.Parameter(torch.from_numpy(source.biases[name].copy())) for name in self.convs])
        self.indices = {name: index for index, name in enumerate(self.convs)}

    def forward(self, frames: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Scores before softmax, (frames, classes), of bytes 0..255; dropout takes its random numbers from ``generator``."""

        def convolve(name: str, maps: Tensor) -> Tensor:
            if name == self.last and self.training and self.dropout:
                kept = torch.rand(maps.shape, generator=generator, device=maps.device) >= self.dropout
                maps = maps * kept / (1 - self.dropout)
            conv, index = self.convs[name], self.indices[name]
            sums = functional.conv2d(maps, self.weights[index], self.biases[index], conv.stride, conv.padding)
            return functional.relu(sums) if conv.relu else sums

        images = subtract_mean(frames, self.mean, self.source.preprocessing) / INPUT_DIVISOR
        last, _ = run_network(self.source.network, images, convolve, torch.add)
        return last.float().mean((2, 3))

    def float_model(self) -> FloatModel:
        """The present weights as a float model."""
        weights = {name: self.weights[index].numpy(force=True).astype(np.float32) for name, index in self.indices.items()}
        weights[self.first] = weights[self.first] / np.float32(INPUT_DIVISOR)
        biases = {name: self.biases[index].numpy(force=True).astype(np.float32) for name, index in self.indices.items()}
        return replace(self.source, weights=weights, biases=biases, codebook_weights={})


def random_parameters(network: Network, seed: int) -> tuple[dict[str, NDArray[np.float32]], dict[str, NDArray[np.float32]]]:
    """Initial weights and biases, by layer name, for inputs that are divided by INPUT_DIVISOR.

    Weights are uniform in +-sqrt(3 / fan-in), whose variance is 1 / fan-in (Xavier initialisation as in Caffe); the last layer's are
    normal. Biases are zero. This is the published initialisation but for the last layer's biases (see _HEAD_BIAS): they are equal for
    all classes, so no difference of scores depends on them.
    """
    rng = np.random.default_rng([seed, 0])
    weights = {}
    for layer in network.layers():
        limit = np.sqrt(3 / np.prod(layer.weight_shape[1:]))
        weights[layer.name] = rng.uniform(-limit, limit, layer.weight_shape).astype(np.float32)
    last = network.layers()[-1]
    weights[last.name] = rng.normal(0, _HEAD_DEVIATION, last.weight_shape).astype(np.float32)
    biases = {layer.name: np.zeros(layer.conv.filters, np.float32) for layer in network.layers()}
    biases[last.name] += np.float32(_HEAD_BIAS)
    return weights, biases
