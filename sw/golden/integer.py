# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The golden model: the integer network in NumPy, the authority that hardware is compared with.

Sums are computed by float64 matrix products, which is exact: every partial sum is an integer below 2^53 (products are below 2^20
and there are fewer than 2^33 of them), whatever the order of summation.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..errors import FirebrickError
from ..model.quantized import ACTIVATION_MAX, Model, QuantizedLayer
from ..network.graph import Bypass, Conv, Fire, GlobalAverage, MaxPool, pooled_length
from .im2col import Number, im2col

FeatureMaps = NDArray[np.uint8]
"""A batch of feature maps: (frames, channels, rows, columns), 0..255."""


def convolve(maps: FeatureMaps, layer: QuantizedLayer, *, stride: int = 1, padding: int = 0) -> FeatureMaps:
    """One convolution with bias, requantisation and ReLU: clamp((sum + bias + round) >> shift, 0, 255)."""
    filters, _, kernel, _ = layer.codes.shape
    rows, cols = ((length + 2 * padding - kernel) // stride + 1 for length in maps.shape[2:])
    weights = layer.weights.reshape(filters, -1).astype(np.float64)
    start = layer.accumulator_init.astype(np.float64)[:, None]
    out = np.empty((len(maps), filters, rows, cols), np.uint8)
    for frame in range(len(maps)):
        sums = weights @ im2col(maps[frame : frame + 1], kernel, stride, padding, np.float64)[0]
        sums += start
        sums *= 0.5**layer.shift  # exact, as only the exponent changes
        np.floor(sums, out=sums)
        out[frame] = np.clip(sums, 0, ACTIVATION_MAX, out=sums).reshape(filters, rows, cols)
    return out


def max_pool(maps: NDArray[Number]) -> NDArray[Number]:
    """3x3/2 max pooling without padding, output size rounded up; windows that overhang see only what is there.

    ``maps`` must not be negative, since the overhang counts as zeros; shape (frames, channels, rows, columns), as has the result.
    """
    frames, channels, height, width = maps.shape
    rows, cols = pooled_length(height), pooled_length(width)
    padded = np.zeros((frames, channels, 2 * rows + 1, 2 * cols + 1), maps.dtype)
    padded[:, :, :height, :width] = maps
    across = np.maximum(np.maximum(padded[..., 0:-2:2], padded[..., 1:-1:2]), padded[..., 2::2])
    return np.maximum(np.maximum(across[:, :, 0:-2:2], across[:, :, 1:-1:2]), across[:, :, 2::2])


def add(maps: FeatureMaps, other: FeatureMaps) -> FeatureMaps:
    """Both operands of a bypass, added with saturation at 255."""
    return np.asarray(np.minimum(maps.astype(np.uint16) + other, ACTIVATION_MAX), dtype=np.uint8)


def global_sum(maps: FeatureMaps) -> NDArray[np.int64]:
    """The sum over all positions of each channel: the scores, shape (frames, channels)."""
    return np.asarray(maps.sum(axis=(2, 3), dtype=np.int64))


def run(model: Model, frames: FeatureMaps, tap: Callable[[str, FeatureMaps], None] | None = None) -> NDArray[np.int64]:
    """The integer scores of each frame, shape (frames, classes).

    ``frames`` are RGB bytes, shape (frames, 3, height, width). ``tap`` is called with each layer's and pool's name and output.
    """
    expected = (model.network.input.channels, model.network.input.height, model.network.input.width)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[1:] != expected:
        shape = ", ".join(map(str, expected))
        raise FirebrickError(f"frames must be bytes of shape (n, {shape}), not {frames.dtype} {frames.shape}")

    def tapped(name: str, maps: FeatureMaps) -> FeatureMaps:
        if tap is not None:
            tap(name, maps)
        return maps

    maps = frames
    for stage in model.network.stages:
        match stage:
            case Conv(name=name, stride=stride, padding=padding):
                maps = tapped(name, convolve(maps, model.layers[name], stride=stride, padding=padding))
            case Fire():
                maps = fire_module(model, stage, maps, tapped)
            case MaxPool(name=name):
                maps = tapped(name, max_pool(maps))
            case GlobalAverage():
                return global_sum(maps)
    raise FirebrickError(f"network {model.network.name}: the last stage must be the global average")


def fire_module(model: Model, fire: Fire, maps: FeatureMaps, tapped: Callable[[str, FeatureMaps], FeatureMaps]) -> FeatureMaps:
    """One Fire module with its bypass; ``tapped`` sees, and may replace, the input of each of its layers."""

    def layer(part: str, inputs: FeatureMaps, padding: int = 0) -> FeatureMaps:
        name = f"{fire.name}/{part}"
        return tapped(name, convolve(inputs, model.layers[name], padding=padding))

    squeezed = layer("squeeze1x1", maps)
    halves = []
    if fire.expand1x1:
        halves.append(layer("expand1x1", squeezed))
    if fire.expand3x3:
        halves.append(layer("expand3x3", squeezed, padding=1))
    out = np.concatenate(halves, axis=1)
    if fire.bypass is Bypass.NONE:
        return out
    other = maps if fire.bypass is Bypass.SIMPLE else layer("bypass1x1", maps)
    return tapped(fire.name, add(out, other))
