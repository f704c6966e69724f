# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The float network in NumPy: the reference for the accuracy of a compressed model."""

import numpy as np
from numpy.typing import NDArray

from ..model.float_model import FloatModel
from ..model.frames import check_frames, image_part
from ..network.graph import MaxPool
from ..network.run_stages import Tap, no_tap, run_stages
from .im2col import Float, im2col
from .integer import max_pool

Floats = NDArray[np.float32]


def subtract_mean(model: FloatModel, frames: NDArray[np.uint8], dtype: type[Float]) -> NDArray[Float]:
    """Frames in bytes, shape (frames, channels, rows, columns), minus the model's mean; the border becomes 0."""
    images = image_part(frames, model.preprocessing).astype(dtype)
    images -= np.asarray(model.preprocessing.means(frames.shape[1]), dtype)[:, None, None]
    top, left, bottom, right = model.preprocessing.border
    return np.pad(images, ((0, 0), (0, 0), (top, bottom), (left, right)))


def convolve(model: FloatModel, name: str, maps: NDArray[Float], *, stride: int = 1, padding: int = 0, relu: bool = True) -> NDArray[Float]:
    """One convolution with bias and, if asked, ReLU; input and output have shape (frames, channels, rows, columns)."""
    weights = model.weights[name].astype(maps.dtype.type)
    filters, _, kernel, _ = weights.shape
    rows, cols = ((length + 2 * padding - kernel) // stride + 1 for length in maps.shape[2:])
    out: NDArray[Float] = weights.reshape(filters, -1) @ im2col(maps, kernel, stride, padding, maps.dtype.type)
    out += model.biases[name].astype(maps.dtype.type)[:, None]
    if relu:
        np.maximum(out, 0, out=out)
    return out.reshape(len(maps), filters, rows, cols)


def run(model: FloatModel, frames: NDArray[np.uint8], tap: Tap[Floats] = no_tap) -> Floats:
    """The float scores before softmax, shape (frames, classes).

    ``frames`` are RGB bytes, shape (frames, 3, rows, columns) as the network's input. ``tap`` is called with the name and the output
    of each convolution, pool and Fire module. Raises FirebrickError when the frames are not as the network's input.
    """
    check_frames(frames, model.network.input, model.preprocessing)
    return run_stages(model.network, subtract_mean(model, frames, np.float32), _FloatOperations(model), tap)


class _FloatOperations:
    """The float network's arithmetic, as `run_stages` calls it."""

    def __init__(self, model: FloatModel) -> None:
        self.model = model

    def convolve(self, name: str, maps: Floats, *, stride: int = 1, padding: int = 0, relu: bool = True) -> Floats:
        return convolve(self.model, name, maps, stride=stride, padding=padding, relu=relu)

    def max_pool(self, pool: MaxPool, maps: Floats) -> Floats:
        return max_pool(maps, pool)

    def concatenate(self, _name: str, halves: list[Floats]) -> Floats:
        return np.concatenate(halves, axis=1)

    def add(self, _name: str, main: Floats, skip: Floats) -> Floats:
        return np.asarray(main + skip)

    def global_average(self, _name: str, maps: Floats) -> Floats:
        return np.asarray(maps.mean(axis=(2, 3)))
