# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The numbers of a convolution, and scales and shifts of channels, which fold into them.

What a foreign file computes before or after a convolution with one scale and one shift a channel (BatchNormalization, a bias as an Add,
a Mul) is part of the convolution's weights and biases. Folding is in float64; `build_float_model` rounds once, at the end.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from firebrick.sw.model.float_model import CodebookWeights

Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Affine:
    """``scale * x + shift``, with one scale and one shift for each channel."""

    scale: Doubles
    shift: Doubles

    def then(self, later: "Affine") -> "Affine":
        """This one first, and then ``later``."""
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused in the float model
            return Affine(self.scale * later.scale, self.shift * later.scale + later.shift)

    def part(self, start: int, stop: int) -> "Affine":
        """That of some of the channels."""
        return Affine(self.scale[start:stop], self.shift[start:stop])

    @property
    def keeps_sign(self) -> bool:
        """Whether no value of what is not negative becomes negative."""
        return bool((self.scale >= 0).all() and (self.shift >= 0).all())


def identity(channels: int) -> Affine:
    """The affine function that changes nothing."""
    return Affine(np.ones(channels), np.zeros(channels))


@dataclass(frozen=True, eq=False)
class Filters:
    """Weights and biases of a convolution."""

    weights: NDArray[np.floating]
    """Shape (filters, input channels, kernel, kernel)."""
    bias: NDArray[np.floating]
    codebook_weights: CodebookWeights | None = None
    """The same weights as codes, where the file has a codebook."""

    def permuted(self, filters: NDArray[np.intp] | None = None, channels: NDArray[np.intp] | None = None) -> "Filters":
        """Filters and input channels in another order: entry k is the index of the one that comes k-th; None keeps the order."""
        rows = np.arange(len(self.bias)) if filters is None else filters
        columns = np.arange(self.weights.shape[1]) if channels is None else channels
        selection = np.ix_(rows, columns)
        coded = self.codebook_weights
        if coded is not None:
            coded = replace(coded, codes=np.ascontiguousarray(coded.codes[selection]))
        return Filters(np.ascontiguousarray(self.weights[selection]), self.bias[rows], coded)

    def followed_by(self, affine: Affine) -> "Filters":
        """Those that compute ``affine`` of the sums; the codebook stays only if no weight changes."""
        with np.errstate(over="ignore", invalid="ignore"):
            weights = self.weights.astype(np.float64) * affine.scale[:, None, None, None]
            bias = self.bias.astype(np.float64) * affine.scale + affine.shift
        return Filters(weights, bias, self.codebook_weights if (affine.scale == 1).all() else None)

    def preceded_by(self, affine: Affine) -> "Filters":
        """Those that read x in place of ``affine`` of x. Exact where no padding is read, or nothing is shifted."""
        with np.errstate(over="ignore", invalid="ignore"):
            weights = self.weights.astype(np.float64)
            bias = self.bias + np.einsum("fckl,c->f", weights, affine.shift)
            weights = weights * affine.scale[:, None, None]
        return Filters(weights, bias, self.codebook_weights if (affine.scale == 1).all() else None)
