# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Both networks of a distillation in PyTorch: the integers that learn, and the float network that teaches."""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...model.float_model import FloatModel
from ...model.quantized import ACTIVATION_MAX, Model
from ...network.graph import Network
from ..torch_backend import FeatureMaps, run_stages
from .qat_layers import QatLayer


class Student(nn.Module):
    """A model as a trainable module; in float64 its scores are those of the golden model.

    Args:
        model: where training starts.
        dtype: of the feature maps; bytes are exact in bfloat16, sums are not. The first layer computes in float32 at least, as its sums
            are large.
    """

    def __init__(self, model: Model, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.model, self.dtype = model, dtype
        self.layers = nn.ModuleDict(
            {_key(layer.name): QatLayer(layer.conv, model.layers[layer.name], dtype) for layer in model.network.layers()}
        )

    def layer(self, name: str) -> QatLayer:
        """A layer by its name in the network."""
        found = self.layers[_key(name)]
        assert isinstance(found, QatLayer)
        return found

    def forward(self, frames: Tensor) -> tuple[Tensor, FeatureMaps]:
        """Float scores before softmax, (frames, classes), and the feature maps as bytes; ``frames`` are bytes 0..255."""
        exact = torch.float64 if self.dtype == torch.float64 else torch.float32
        last, maps = run_stages(self.model.network, frames.to(exact), lambda name, inputs: self.layer(name)(inputs), _saturated)
        return last.to(exact).sum((2, 3)) * self.model.score_scale * _share(self.model.network, last), maps

    def quantised(self) -> Model:
        """The model at present; a training step later it is another."""
        layers = {layer.name: self.layer(layer.name).quantised() for layer in self.model.network.layers()}
        model = replace(self.model, layers=layers)
        model.verify()
        return model


class Teacher(nn.Module):
    """A float network; not trained."""

    def __init__(self, source: FloatModel, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.network, self.dtype = source.network, dtype
        self.mean = nn.Buffer(torch.tensor(source.preprocessing.means(source.network.input.channels))[:, None, None], persistent=False)
        self.weights = {name: torch.from_numpy(array).to(dtype) for name, array in source.weights.items()}
        self.biases = {name: torch.from_numpy(array).to(dtype) for name, array in source.biases.items()}
        self.convs = {layer.name: layer.conv for layer in source.network.layers()}

    @torch.no_grad()
    def forward(self, frames: Tensor) -> tuple[Tensor, FeatureMaps]:
        """Scores before softmax, (frames, classes), and the feature maps; ``frames`` are bytes 0..255."""
        last, maps = run_stages(self.network, (frames - self.mean).to(self.dtype), self._convolve, torch.add)
        return last.to(torch.promote_types(self.dtype, torch.float32)).mean((2, 3)), maps

    def _convolve(self, name: str, maps: Tensor) -> Tensor:
        weights, bias, conv = self.weights[name].to(maps.device), self.biases[name].to(maps.device), self.convs[name]
        weights = weights.contiguous(memory_format=torch.channels_last)
        return functional.conv2d(maps, weights, bias, stride=conv.stride, padding=conv.padding).relu_()


def _saturated(maps: Tensor, other: Tensor) -> Tensor:
    return (maps + other).clamp(max=ACTIVATION_MAX)


def _share(network: Network, last: Tensor) -> float:
    """Positions before the global average at the network's own input size, over those of these maps."""
    shape = network.shapes()[-2]
    return shape.height * shape.width / float(last.shape[2] * last.shape[3])


def _key(name: str) -> str:
    return name.replace("/", "_")
