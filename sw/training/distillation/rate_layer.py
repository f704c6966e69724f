# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A layer in training whose weights are pruned and come back, and whose codes are chosen by their bits, too."""

from itertools import pairwise

import torch
from torch import Tensor

from ...model.quantized import CENTROID_MAX, QuantizedLayer
from ...network.graph import Conv
from .qat_layers import QatLayer

ZERO_RUN_BITS = 2.0
"""Bits that a weight other than zero costs beyond its code: a typical cost of the run length of zeros before it."""
_LOYALTY = 1.25


class RateLayer(QatLayer):
    """A `QatLayer` with entropy-constrained assignment, in which zero is an entry like any other and pruned weights are trained as well.

    Weight w gets the entry of minimum cost (Chou, Lookabaugh and Gray 1989)

        (w - c_k)^2 + lambda bits_k,    bits_k = ZERO_RUN_BITS - log2 (fraction of the kept weights that have centroid k),   0 for zero

    which is the nearest one at ``price`` lambda = 0. Pruned weights get the gradient of kept ones, and may return once they are nearer to a
    centroid than to zero (arXiv:1608.04493).
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
        entries = torch.cat([self.integers(), self.centroids.new_zeros(1)])
        return torch.where(self.kept, _gather(entries, self.codes()), 0.0) + through

    def codes(self) -> Tensor:
        """The index of each weight's centroid, or the number of centroids where it is zero."""
        prices = [*(self.price * self.bits).tolist(), 0.0]
        order, thresholds = cheapest_cells([*self.centroids.tolist(), 0.0], prices)
        device = self.latent.device
        cells = torch.bucketize(self.latent.detach(), torch.tensor(thresholds, device=device))
        return torch.tensor(order, device=device)[cells]

    def count_bits(self) -> None:
        """Take the bits of each centroid from the present codes; half a count more each, so that unused ones have a finite price."""
        counts = torch.bincount(self.codes()[self.kept], minlength=len(self.centroids) + 1)[:-1].float() + 0.5
        self.bits.copy_(ZERO_RUN_BITS + torch.log2(counts.sum() / counts))

    def select(self, count: int) -> None:
        """Keep the ``count`` weights whose removal changes the output most: by magnitude times their input's norm (arXiv:2306.11695).

        Those that are kept already get a bonus, so that weights at the border do not come and go.
        """
        self._keep(self._saliency() * torch.where(self.kept, _LOYALTY, 1.0), count)

    def prune(self, count: int) -> None:
        """Of the kept weights, keep the ``count`` that `select` would."""
        self._keep(self._saliency() * self.kept, count)

    def _saliency(self) -> Tensor:
        """The change of the output's power without each weight; 0 for those whose entry is zero."""
        used = self.codes() < len(self.centroids)
        return used * self.latent.detach().square() * self.input_power[:, None, None]

    def _keep(self, saliency: Tensor, count: int) -> None:
        best = torch.topk(saliency.reshape(-1), min(count, saliency.numel())).indices
        self.kept.zero_()
        self.kept.view(-1)[best] = True
        self.kept.logical_and_(saliency > 0)

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
