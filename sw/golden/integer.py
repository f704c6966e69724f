# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The golden model: the integer network in NumPy, which hardware must equal bit for bit (see docs/numerics.md).

Sums are computed by floating-point matrix products. They are exact: float64 holds every integer up to 2^53, products are below 2^20 and a
filter has fewer than 2^33 of them, so every partial sum is an integer below 2^53 in any order of summation. Where a layer's weights bound
its sums by 2^24, which is the rule, float32 is as exact and takes half the time.
"""

from collections.abc import Mapping
from functools import reduce
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..model.frames import check_frames
from ..model.quantized import ACTIVATION_MAX, Model, QuantizedLayer
from ..network.graph import MaxPool
from ..network.run_stages import Tap, no_tap, run_stages
from .im2col import Number, im2col

BLOCK_VALUES = 1 << 22
"""Values of the operands and sums of one matrix product, at most 32 MB each: a large map is computed some rows at a time."""
_FLOAT32_BITS = 24
"""Accumulators of at most so many bits fit float32: they, and the sums without their initial value, are within +-2^24."""

FeatureMaps = NDArray[np.uint8]
"""A batch of feature maps: (frames, channels, rows, columns), 0..255."""


def convolve(maps: FeatureMaps, layer: QuantizedLayer, *, stride: int = 1, padding: int = 0) -> FeatureMaps:
    """One convolution with bias, requantisation and ReLU: clamp((sum + bias + round) >> shift, 0, 255).

    One without a ReLU has its zero point in the bias, so that the byte that stands for 0 is not 0.
    """
    filters, _, kernel, _ = layer.codes.shape
    rows, cols = ((length + 2 * padding - kernel) // stride + 1 for length in maps.shape[2:])
    dtype: type[np.floating[Any]] = np.float32 if layer.accumulator_bits <= _FLOAT32_BITS else np.float64
    weights = layer.weights.reshape(filters, -1).astype(dtype)
    accumulator_init = layer.accumulator_init.astype(dtype)[:, None]
    out = np.empty((len(maps), filters, rows, cols), np.uint8)
    padded = np.pad(maps, ((0, 0), (0, 0), (padding, padding), (padding, padding))) if padding else maps
    block = max(1, BLOCK_VALUES // (max(weights.shape) * cols))
    for frame, start in product(range(len(maps)), range(0, rows, block)):
        stop = min(start + block, rows)
        source = padded[frame : frame + 1, :, start * stride : (stop - 1) * stride + kernel]
        sums = weights @ im2col(source, kernel, stride, 0, dtype)[0]
        sums += accumulator_init
        sums *= 0.5**layer.shift  # exact, as only the exponent changes
        np.floor(sums, out=sums)  # with the scaling above, the arithmetic right shift
        out[frame, :, start:stop] = np.clip(sums, 0, ACTIVATION_MAX, out=sums).reshape(filters, stop - start, cols)
    return out


def max_pool(maps: NDArray[Number], pool: MaxPool) -> NDArray[Number]:
    """Max pooling with stride 2; at the edges, a window covers only the pixels that exist.

    Input and output have the shape (frames, channels, rows, columns). ``maps`` must not be negative, since missing pixels count as zeros.
    """
    rows, cols = (2 * pool.output_length(length) for length in maps.shape[2:])
    start, overlap = pool.padding, pool.kernel - 2
    padded = np.zeros((*maps.shape[:2], rows + overlap, cols + overlap), maps.dtype)
    inside = padded[:, :, start:, start:]
    height, width = np.minimum(maps.shape[2:], inside.shape[2:])  # the last row or column may be in no window
    inside[:, :, :height, :width] = maps[:, :, :height, :width]
    across = reduce(np.maximum, [padded[..., offset : offset + cols : 2] for offset in range(pool.kernel)])
    return reduce(np.maximum, [across[:, :, offset : offset + rows : 2] for offset in range(pool.kernel)])


def add(maps: FeatureMaps, other: FeatureMaps) -> FeatureMaps:
    """The sum of both operands of a bypass, saturated at 255."""
    return np.asarray(np.minimum(maps.astype(np.uint16) + other, ACTIVATION_MAX), dtype=np.uint8)


def global_sum(maps: FeatureMaps, zero_point: int = 0) -> NDArray[np.int64]:
    """The sum of ``maps - zero_point`` of each channel over all positions: the scores, shape (frames, channels)."""
    return np.asarray(maps.sum(axis=(2, 3), dtype=np.int64) - zero_point * maps.shape[2] * maps.shape[3])


def run(model: Model, frames: FeatureMaps, tap: Tap[FeatureMaps] = no_tap) -> NDArray[np.int64]:
    """The integer scores of each frame, shape (frames, classes).

    ``frames`` are RGB bytes, shape (frames, 3, height, width). ``tap`` is called with the name and the output of each convolution,
    pool and Fire module. Raises FirebrickError when the frames are not as the network's input.
    """
    check_frames(frames, model.network.input, model.preprocessing)
    return run_stages(model.network, frames, IntegerOperations(model.layers, model.zero_point), tap)


class IntegerOperations:
    """The operations above on the integers of some layers, as `run_stages` calls them."""

    def __init__(self, layers: Mapping[str, QuantizedLayer], zero_point: int = 0) -> None:
        self.layers, self.zero_point = layers, zero_point

    def convolve(self, name: str, maps: FeatureMaps, *, stride: int = 1, padding: int = 0, relu: bool = True) -> FeatureMaps:  # noqa: ARG002
        """See `convolve`; the clamp at 0 is the ReLU, or with a zero point, where there is none, the end of the range."""
        return convolve(maps, self.layers[name], stride=stride, padding=padding)

    def max_pool(self, pool: MaxPool, maps: FeatureMaps) -> FeatureMaps:
        """See `max_pool`."""
        return max_pool(maps, pool)

    def concatenate(self, _name: str, halves: list[FeatureMaps]) -> FeatureMaps:
        """Channels one after the other; the halves share one scale, so nothing is rescaled."""
        return np.concatenate(halves, axis=1)

    def add(self, _name: str, main: FeatureMaps, skip: FeatureMaps) -> FeatureMaps:
        """See `add`."""
        return add(main, skip)

    def global_average(self, _name: str, maps: FeatureMaps) -> NDArray[np.int64]:
        """See `global_sum`; the division by the number of positions is left to ``score_scale``."""
        return global_sum(maps, self.zero_point)
