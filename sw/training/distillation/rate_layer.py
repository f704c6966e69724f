# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A layer in training whose weights are pruned and come back, and whose codes are chosen by their bits, too."""

from itertools import pairwise

import torch
from torch import Tensor

from ...model.quantized import CENTROID_MAX, QuantizedLayer
from ...network.graph import Conv
from .qat_layers import QatLayer


class RateLayer(QatLayer):
    """A `QatLayer` with entropy-constrained assignment, in which pruned weights are trained as well.

    Weight w gets the centroid of minimum cost (Chou, Lookabaugh and Gray 1989)

        (w - c_k)^2 + lambda bits_k,    bits_k = -log2 (fraction of the kept weights that have centroid k)

    which is the nearest one at ``price`` lambda = 0. Pruned weights get the gradient of kept ones, so that they return when they have grown
    (arXiv:1608.04493).
    """

    bits: Tensor
    input_power: Tensor

    def __init__(self, conv: Conv, layer: QuantizedLayer, dtype: torch.dtype, centroid_max: int = CENTROID_MAX, bias_step: int = 1) -> None:
        super().__init__(conv, layer, dtype, centroid_max, bias_step)
        self.price = 0.0
        self.measuring = False
        """Whether the next forward pass measures the inputs' power."""
        self.register_buffer("bits", torch.zeros(len(self.centroids)))
        self.register_buffer("input_power", torch.ones(layer.codes.shape[1]))
        self.count_bits()

    def weights(self) -> Tensor:
        """The integer weights, as float32 of shape (filters, channels, kernel, kernel)."""
        if not len(self.centroids):
            return torch.zeros_like(self.latent)
        through = self.latent - self.latent.detach()  # zero, with the gradient of the latent values
        return torch.where(self.kept, _gather(self.integers(), self.codes()), 0.0) + through

    def codes(self) -> Tensor:
        """The index of each weight's centroid."""
        order, thresholds = cheapest_cells(self.centroids.tolist(), (self.price * self.bits).tolist())
        device = self.latent.device
        cells = torch.bucketize(self.latent.detach(), torch.tensor(thresholds, device=device))
        return torch.tensor(order, device=device)[cells]

    def count_bits(self) -> None:
        """Take the bits of each centroid from the present codes; half a count more each, so that unused ones have a finite price."""
        if len(self.centroids):
            counts = torch.bincount(self.codes()[self.kept], minlength=len(self.centroids)).float() + 0.5
            self.bits.copy_(torch.log2(counts.sum() / counts))

    def select(self, count: int) -> None:
        """Keep the ``count`` weights whose removal changes the output most: by magnitude times their input's norm (arXiv:2306.11695)."""
        saliency = (self.latent.detach().square() * self.input_power[:, None, None]).reshape(-1)
        self.kept.zero_()
        self.kept.view(-1)[torch.topk(saliency, min(count, len(saliency))).indices] = True

    def prune(self, count: int) -> None:
        """Of the kept weights, keep the ``count`` that `select` would."""
        saliency = (self.kept * self.latent.detach().square() * self.input_power[:, None, None]).reshape(-1)
        before = self.kept.clone().view(-1)
        self.kept.zero_()
        self.kept.view(-1)[torch.topk(saliency, min(count, int(before.sum()))).indices] = True
        self.kept.view(-1).logical_and_(before)

    def forward(self, maps: Tensor) -> Tensor:
        """Bytes (frames, filters, rows, columns) of bytes (frames, channels, rows, columns)."""
        if self.measuring:
            self.input_power.copy_(maps.detach().float().square().mean((0, 2, 3)) + 1e-6)
            self.measuring = False
        return super().forward(maps)


def cheapest_cells(centroids: list[float], prices: list[float]) -> tuple[list[int], list[float]]:
    """Which centroids are the cheapest somewhere, ascending, and the values between their cells.

    The costs (w - c)^2 + price differ from w^2 by lines -2 c w + (c^2 + price), whose lower envelope is found as a convex hull.
    """
    hull: list[int] = []

    def border(left: int, right: int) -> float:
        """The value at which two centroids, the left one smaller, cost the same."""
        a, b = centroids[left], centroids[right]
        return (a + b) / 2 + (prices[right] - prices[left]) / (2 * (b - a))

    for index in sorted(range(len(centroids)), key=lambda one: (centroids[one], prices[one])):
        if hull and centroids[hull[-1]] == centroids[index]:
            continue  # the same value for no smaller price
        while len(hull) > 1 and border(hull[-1], index) <= border(hull[-2], hull[-1]):
            hull.pop()
        hull.append(index)
    return hull, [border(left, right) for left, right in pairwise(hull)]


class _Gather(torch.autograd.Function):
    """``values[codes]``, whose gradient is summed in one pass by `bincount`; in index order, hence the same each time."""

    @staticmethod
    def forward(ctx: "torch.autograd.function.FunctionCtx", values: Tensor, codes: Tensor) -> Tensor:
        ctx.save_for_backward(codes)
        ctx.entries = len(values)
        return values[codes]

    @staticmethod
    def backward(ctx: "torch.autograd.function.FunctionCtx", *gradients: Tensor) -> tuple[Tensor, None]:
        (codes,) = ctx.saved_tensors
        summed = torch.bincount(codes.reshape(-1), gradients[0].reshape(-1), minlength=ctx.entries)
        return summed.to(gradients[0].dtype), None


def _gather(values: Tensor, codes: Tensor) -> Tensor:
    gathered: Tensor = _Gather.apply(values, codes)
    return gathered
