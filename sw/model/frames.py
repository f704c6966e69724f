# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Checks of a network's input: frames must be bytes of its input shape."""

import numpy as np
from numpy.typing import NDArray

from ..errors import FirebrickError
from ..network.graph import Shape


def check_frames(frames: NDArray[np.generic], shape: Shape) -> None:
    """Raise FirebrickError unless ``frames`` is a batch, (n, channels, rows, columns) in bytes, of the given shape."""
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[1:] != _sides(shape):
        expected = f"(n, {', '.join(map(str, _sides(shape)))})"
        raise FirebrickError(f"frames must be bytes of shape {expected}, not {frames.dtype} {frames.shape}")


def check_frame(frame: NDArray[np.generic], shape: Shape) -> None:
    """Raise FirebrickError unless ``frame`` is one frame, (channels, rows, columns) in bytes, of the given shape."""
    if frame.dtype != np.uint8 or frame.shape != _sides(shape):
        raise FirebrickError(f"a frame must be bytes of shape {_sides(shape)}, not {frame.dtype} {frame.shape}")


def _sides(shape: Shape) -> tuple[int, int, int]:
    return shape.channels, shape.height, shape.width
