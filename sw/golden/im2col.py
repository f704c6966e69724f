# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Convolution as a matrix product (im2col), for the golden model, the float network and the compressor."""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.generic)
Float = TypeVar("Float", bound=np.floating[Any])


def im2col(maps: NDArray[np.generic], kernel: int, stride: int, padding: int, dtype: type[Float]) -> NDArray[Float]:
    """The inputs of each output position, shape (frames, channels * kernel^2, rows * columns), of type ``dtype``.

    ``maps`` has shape (frames, channels, rows, columns). The order along the second axis is that of weights flattened as
    (in, kernel rows, kernel columns), so that ``weights.reshape(filters, -1) @ columns(...)`` is the convolution.
    """
    frames, channels, height, width = maps.shape
    if kernel == 1 and stride == 1 and padding == 0:
        return maps.reshape(frames, channels, -1).astype(dtype)
    padded = np.zeros((frames, channels, height + 2 * padding, width + 2 * padding), dtype)
    padded[:, :, padding : padding + height, padding : padding + width] = maps
    rows, cols = ((length + 2 * padding - kernel) // stride + 1 for length in (height, width))
    out = np.empty((frames, channels, kernel, kernel, rows, cols), dtype)
    for y in range(kernel):
        for x in range(kernel):
            out[:, :, y, x] = padded[:, :, y : y + stride * (rows - 1) + 1 : stride, x : x + stride * (cols - 1) + 1 : stride]
    return out.reshape(frames, channels * kernel**2, rows * cols)
