# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Quantisation-aware training (QAT) of one layer: the forward pass computes what the hardware computes, the backward pass ignores rounding.

The straight-through estimator (STE, arXiv:1308.3432) has the value of round(x) and the gradient of x, written with detach() as

    x + (round(x) - x).detach()
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ...model.quantized import ACTIVATION_MAX, CENTROID_MAX, QuantizedLayer
from ...network.graph import Conv


class Requantise(torch.autograd.Function):
    """floor(sum + 1/2), clamped to a byte; the gradient is straight-through where the byte is neither 0 nor 255."""

    @staticmethod
    def forward(ctx: Any, sums: Tensor, bias: Tensor, dtype: torch.dtype) -> Tensor:
        """Bytes, in ``dtype``, of sums (frames, filters, rows, columns) and bias (filters, 1, 1), both in output steps."""
        bytes_ = sums.add(bias + 0.5).floor_().clamp_(0, ACTIVATION_MAX).to(dtype)
        ctx.save_for_backward(bytes_)
        return bytes_

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        """The gradients of the sums and of the bias."""
        (bytes_,) = ctx.saved_tensors
        through = torch.ops.aten.hardtanh_backward(gradients[0], bytes_, 0, ACTIVATION_MAX)
        return through, through.sum((0, 2, 3), dtype=torch.promote_types(through.dtype, torch.float32))[:, None, None], None


class QatLayer(nn.Module):
    """A quantised convolution whose weights, centroids and biases are trained.

    Each kept weight has a latent value, in centroid units, and is the centroid nearest to it. With I_ij the index of weight W_ij, the
    gradient of a centroid is the sum over its weights (arXiv:1510.00149, equation 3):

        dL/dC_k = sum over i, j of dL/dW_ij [I_ij = k]

    Latent values get the same dL/dW_ij straight through, so that weights can move to another centroid. Centroids and biases are rounded
    to the integers of the hardware: centroids to at most ``centroid_max``, biases to multiples of ``bias_step``, so that compact layers
    stay compact. The names of parameters and buffers are those of checkpoints.
    """

    kept: Tensor

    def __init__(self, conv: Conv, layer: QuantizedLayer, dtype: torch.dtype, centroid_max: int = CENTROID_MAX, bias_step: int = 1) -> None:
        super().__init__()
        self.conv, self.dtype, self.shift, self.entries = conv, dtype, layer.shift, len(layer.codebook)
        self.centroid_max, self.bias_step = centroid_max, bias_step
        self.latent = nn.Parameter(torch.from_numpy(layer.weights.astype(np.float32)))
        used = np.unique(layer.codebook[1 : int(layer.codes.max(initial=0)) + 1])
        self.centroids = nn.Parameter(torch.from_numpy(used[used != 0].astype(np.float32)))
        self.bias = nn.Parameter(torch.from_numpy(np.ldexp(layer.bias.astype(np.float64), -layer.shift)))
        self.register_buffer("kept", self.latent.detach() != 0)

    def weights(self) -> Tensor:
        """The integer weights, as float32 of shape (filters, channels, kernel, kernel)."""
        if not len(self.centroids):
            return torch.zeros_like(self.latent)
        through = self.latent - self.latent.detach()  # zero, with the gradient of the latent values
        return torch.where(self.kept, self.integers()[self.codes()] + through, 0.0)

    def integers(self) -> Tensor:
        """The centroids as the integers of the hardware, with the gradient of the centroids."""
        return self.centroids + (self.centroids.round().clamp(-self.centroid_max, self.centroid_max) - self.centroids).detach()

    def codes(self) -> Tensor:
        """The index of each weight's centroid, the nearest to its latent value."""
        ascending, order = torch.sort(self.centroids.detach())
        return order[torch.bucketize(self.latent.detach(), (ascending[1:] + ascending[:-1]) / 2)]

    def forward(self, maps: Tensor) -> Tensor:
        """Bytes (frames, filters, rows, columns) of bytes (frames, channels, rows, columns)."""
        weights = (self.weights().to(maps.dtype) * 0.5**self.shift).contiguous(memory_format=torch.channels_last)
        sums = functional.conv2d(maps, weights, stride=self.conv.stride, padding=self.conv.padding)
        unit = self.bias_step * 0.5**self.shift
        bias = self.bias + ((self.bias / unit).round() * unit - self.bias).detach()
        bias = bias.to(torch.promote_types(maps.dtype, torch.float32))  # the sum with bfloat16 is then float32
        result: Tensor = Requantise.apply(sums, bias[:, None, None], self.dtype)
        return result

    def prune(self, count: int) -> None:
        """Keep only the ``count`` weights of largest magnitude."""
        magnitudes = self.latent.detach().abs().reshape(-1)
        self.kept.zero_()
        self.kept.view(-1)[torch.topk(magnitudes, count).indices] = True

    def to_layer(self) -> QuantizedLayer:
        """The present integers."""
        with torch.no_grad():
            weights: NDArray[np.int32] = self.weights().round().to(torch.int32).numpy(force=True)
            steps = (self.bias.double() * (2.0**self.shift / self.bias_step)).round() * self.bias_step
            bias = steps.to(torch.int64).numpy(force=True)
        used = np.unique(weights[weights != 0])
        table = np.zeros(self.entries, np.int32)
        table[1 : len(used) + 1] = used
        codes = np.where(weights == 0, 0, np.searchsorted(used, weights) + 1).astype(np.uint8)
        return QuantizedLayer(codes, table, bias, self.shift)
