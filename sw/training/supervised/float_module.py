# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A float network of the family as a PyTorch module."""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ...model.float_model import FloatModel
from ...network.graph import Network
from ..torch_backend import run_stages

INPUT_DIVISOR = 64.0
"""What bytes minus the mean are divided by for the first layer; a power of two, so that taking it into the weights is exact."""
_HEAD = 0.01
"""Standard deviation of the last layer's first weights."""
_LIFT = 1.0
"""The last layer's first biases: scores begin well above zero, as a class whose score the ReLU cuts off everywhere learns no more."""


class TrainableNetwork(nn.Module):
    """A float network that learns; dropout is before the last convolution, and only in training mode."""

    def __init__(self, source: FloatModel, dropout: float) -> None:
        super().__init__()
        self.source, self.dropout = source, dropout
        self.convs = {layer.name: layer.conv for layer in source.network.layers()}
        self.first, self.last = next(iter(self.convs)), next(reversed(self.convs))
        self.mean = nn.Buffer(torch.tensor(source.preprocessing.means(source.network.input.channels))[:, None, None], persistent=False)
        units = {name: np.float32(INPUT_DIVISOR if name == self.first else 1) for name in self.convs}
        self.weights = nn.ParameterList([nn.Parameter(torch.from_numpy(source.weights[name] * units[name])) for name in self.convs])
        self.biases = nn.ParameterList([nn.Parameter(torch.from_numpy(source.biases[name].copy())) for name in self.convs])
        self.places = {name: place for place, name in enumerate(self.convs)}

    def forward(self, frames: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Scores before softmax, (frames, classes), of bytes 0..255; what dropout leaves out is drawn from ``generator``."""

        def convolve(name: str, maps: Tensor) -> Tensor:
            if name == self.last and self.training and self.dropout:
                kept = torch.rand(maps.shape, generator=generator, device=maps.device) >= self.dropout
                maps = maps * kept / (1 - self.dropout)
            conv, place = self.convs[name], self.places[name]
            return functional.relu(functional.conv2d(maps, self.weights[place], self.biases[place], conv.stride, conv.padding))

        last, _ = run_stages(self.source.network, (frames.float() - self.mean) / INPUT_DIVISOR, convolve, torch.add)
        return last.float().mean((2, 3))

    def float_model(self) -> FloatModel:
        """The network at present."""
        weights = {name: self.weights[place].numpy(force=True).astype(np.float32) for name, place in self.places.items()}
        weights[self.first] = weights[self.first] / np.float32(INPUT_DIVISOR)
        biases = {name: self.biases[place].numpy(force=True).astype(np.float32) for name, place in self.places.items()}
        return replace(self.source, weights=weights, biases=biases, codebook_weights={})


def random_parameters(network: Network, seed: int) -> tuple[dict[str, NDArray[np.float32]], dict[str, NDArray[np.float32]]]:
    """First weights and biases, by layer: uniform within sqrt(3 / inputs of a filter) and zero; the last layer's normal, and lifted.

    As published, but for the lift, which no difference of scores feels.
    """
    rng = np.random.default_rng([seed, 0])
    weights = {}
    for layer in network.layers():
        limit = np.sqrt(3 / np.prod(layer.weight_shape[1:]))
        weights[layer.name] = rng.uniform(-limit, limit, layer.weight_shape).astype(np.float32)
    last = network.layers()[-1]
    weights[last.name] = rng.normal(0, _HEAD, last.weight_shape).astype(np.float32)
    biases = {layer.name: np.zeros(layer.conv.filters, np.float32) for layer in network.layers()}
    biases[last.name] += np.float32(_LIFT)
    return weights, biases
