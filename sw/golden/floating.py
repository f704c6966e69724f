# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The float network in NumPy: the reference that compression is measured against."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..errors import FirebrickError
from ..model.float_model import FloatModel
from ..network.graph import Bypass, Conv, Fire, GlobalAverage, MaxPool
from .im2col import Float, im2col
from .integer import max_pool

Floats = NDArray[np.float32]


def centred(model: FloatModel, frames: NDArray[np.uint8], dtype: type[Float]) -> NDArray[Float]:
    """Bytes, shape (frames, channels, rows, columns), minus the mean."""
    return frames.astype(dtype) - np.asarray(model.preprocessing.means(frames.shape[1]), dtype)[:, None, None]


def convolve(model: FloatModel, name: str, maps: NDArray[Float], *, stride: int = 1, padding: int = 0) -> NDArray[Float]:
    """One layer with bias and ReLU; ``maps`` has shape (frames, channels, rows, columns), as has the result."""
    weights = model.weights[name].astype(maps.dtype.type)
    filters, _, kernel, _ = weights.shape
    rows, cols = ((length + 2 * padding - kernel) // stride + 1 for length in maps.shape[2:])
    out = weights.reshape(filters, -1) @ im2col(maps, kernel, stride, padding, maps.dtype.type)
    out += model.biases[name].astype(maps.dtype.type)[:, None]
    np.maximum(out, 0, out=out)
    return out.reshape(len(maps), filters, rows, cols)


def run(model: FloatModel, frames: NDArray[np.uint8], tap: Callable[[str, Floats], None] | None = None) -> Floats:
    """The float scores before softmax, shape (frames, classes).

    ``frames`` are RGB bytes, shape (frames, 3, rows, columns) as the network's input. ``tap`` is called with the name and the output
    of each layer, each pool and each Fire module.
    """
    expected = (model.network.input.channels, model.network.input.height, model.network.input.width)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[1:] != expected:
        raise FirebrickError(f"frames must be bytes of shape (n, {str(expected)[1:]}, not {frames.dtype} {frames.shape}")

    def tapped(name: str, maps: Floats) -> Floats:
        if tap is not None:
            tap(name, maps)
        return maps

    maps = centred(model, frames, np.float32)
    for stage in model.network.stages:
        match stage:
            case Conv(name=name, stride=stride, padding=padding):
                maps = tapped(name, convolve(model, name, maps, stride=stride, padding=padding))
            case Fire(name=name):
                maps = tapped(name, _fire(model, stage, maps, tapped))
            case MaxPool(name=name):
                maps = tapped(name, max_pool(maps))
            case GlobalAverage():
                return np.asarray(maps.mean(axis=(2, 3)))
    raise FirebrickError(f"network {model.network.name}: the last stage must be the global average")


def _fire(model: FloatModel, fire: Fire, maps: Floats, tapped: Callable[[str, Floats], Floats]) -> Floats:
    def layer(part: str, inputs: Floats, padding: int = 0) -> Floats:
        name = f"{fire.name}/{part}"
        return tapped(name, convolve(model, name, inputs, padding=padding))

    squeezed = layer("squeeze1x1", maps)
    halves = []
    if fire.expand1x1:
        halves.append(layer("expand1x1", squeezed))
    if fire.expand3x3:
        halves.append(layer("expand3x3", squeezed, padding=1))
    out = np.concatenate(halves, axis=1)
    match fire.bypass:
        case Bypass.NONE:
            return out
        case Bypass.SIMPLE:
            return np.asarray(out + maps)
        case Bypass.COMPLEX:
            return np.asarray(out + layer("bypass1x1", maps))
