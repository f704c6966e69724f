# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Both networks of a distillation in PyTorch: the student, an integer model that is trained, and the teacher, its float network."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...model.float_model import FloatModel
from ...model.quantized import ACTIVATION_MAX, CENTROID_MAX, Model, QuantizedLayer
from ...network.graph import Network
from ..torch_backend import FeatureMaps, run_network, subtract_mean
from .qat_layers import QatLayer

LayerLimits = Callable[[QuantizedLayer], tuple[int, int]]
"""The maximum magnitude of a layer's centroids, and the number of which its biases are multiples."""


class Student(nn.Module):
    """An integer model as a trainable module; in float64 its scores are those of the golden model.

    Args:
        model: the initial model.
        dtype: of the feature maps. Bytes are exact in bfloat16, sums are not. The first layer computes at least in float32, as its sums
            are large.
        kind: of the layers.
        limits: those of each layer's integers; None for what every model may have.
    """

    def __init__(
        self, model: Model, dtype: torch.dtype = torch.float32, kind: type[QatLayer] = QatLayer, limits: LayerLimits | None = None
    ) -> None:
        super().__init__()
        self.model, self.dtype = model, dtype
        self.layers = nn.ModuleDict()
        for layer in model.network.layers():
            quantized = model.layers[layer.name]
            centroid_max, bias_step = limits(quantized) if limits else (CENTROID_MAX, 1)
            self.layers[_module_name(layer.name)] = kind(layer.conv, quantized, dtype, centroid_max, bias_step)

    def layer(self, name: str) -> QatLayer:
        """A layer by its name in the network."""
        layer = self.layers[_module_name(name)]
        assert isinstance(layer, QatLayer)
        return layer

    def forward(self, frames: Tensor) -> tuple[Tensor, FeatureMaps]:
        """Float scores before softmax, (frames, classes), and the feature maps as bytes; ``frames`` are bytes 0..255.

        The last feature maps come minus the model's zero point.
        """
        exact = torch.float64 if self.dtype == torch.float64 else torch.float32
        last, maps = run_network(self.model.network, frames.to(exact), lambda name, inputs: self.layer(name)(inputs), _saturating_add)
        if self.model.zero_point:  # the last feature maps, of a convolution without a ReLU
            last = last - self.model.zero_point
            maps[-1] = last
        return last.to(exact).sum((2, 3)) * self.model.score_scale * _position_ratio(self.model.network, last), maps

    def to_model(self) -> Model:
        """The present integers as a model; later training steps do not change it."""
        layers = {layer.name: self.layer(layer.name).to_layer() for layer in self.model.network.layers()}
        model = replace(self.model, layers=layers)
        model.verify()
        return model


class Teacher(nn.Module):
    """A float network, not trained."""

    def __init__(self, source: FloatModel, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.network, self.preprocessing, self.dtype = source.network, source.preprocessing, dtype
        self.mean = nn.Buffer(torch.tensor(source.preprocessing.means(source.network.input.channels))[:, None, None], persistent=False)
        self.weights = {name: torch.from_numpy(array).to(dtype) for name, array in source.weights.items()}
        self.biases = {name: torch.from_numpy(array).to(dtype) for name, array in source.biases.items()}
        self.convs = {layer.name: layer.conv for layer in source.network.layers()}

    @torch.no_grad()
    def forward(self, frames: Tensor) -> tuple[Tensor, FeatureMaps]:
        """Scores before softmax, (frames, classes), and the feature maps; ``frames`` are bytes 0..255."""
        last, maps = run_network(
            self.network, subtract_mean(frames, self.mean, self.preprocessing).to(self.dtype), self._convolve, torch.add
        )
        return last.to(torch.promote_types(self.dtype, torch.float32)).mean((2, 3)), maps

    def _convolve(self, name: str, maps: Tensor) -> Tensor:
        weights, bias, conv = self.weights[name].to(maps.device), self.biases[name].to(maps.device), self.convs[name]
        weights = weights.contiguous(memory_format=torch.channels_last)
        sums = functional.conv2d(maps, weights, bias, stride=conv.stride, padding=conv.padding)
        return sums.relu_() if conv.relu else sums


def _saturating_add(main: Tensor, skip: Tensor) -> Tensor:
    return (main + skip).clamp(max=ACTIVATION_MAX)


def _position_ratio(network: Network, last: Tensor) -> float:
    """Positions before the global average at the network's own input size, over those of these maps.

    The integer model sums over the positions of its own input size; frames in training may be smaller.
    """
    shape = network.shapes()[-2]
    return shape.height * shape.width / float(last.shape[2] * last.shape[3])


def _module_name(name: str) -> str:
    """The name of a layer's module, which checkpoints have."""
    return name.replace("/", "_")
