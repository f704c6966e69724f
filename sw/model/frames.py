# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Frames, a network's input: bytes of shape (channels, rows, columns). A frame is a cropped image with the preprocessing's border."""

import numpy as np
from numpy.typing import NDArray

from ..errors import FirebrickError
from ..network.graph import Shape
from .quantized import Preprocessing

Bytes = NDArray[np.uint8]


def with_border(images: Bytes, preprocessing: Preprocessing) -> Bytes:
    """Frames of cropped images, both of shape (..., channels, rows, columns)."""
    if not preprocessing.has_border:
        return images
    *batch, channels, rows, columns = images.shape
    shape = preprocessing.frame_shape(Shape(channels, rows, columns))
    frames = np.empty((*batch, channels, shape.height, shape.width), np.uint8)
    frames[:] = np.array(preprocessing.border_colour(channels), np.uint8)[:, None, None]
    image_part(frames, preprocessing)[:] = images
    return frames


def image_part(frames: Bytes, preprocessing: Preprocessing) -> Bytes:
    """The images in frames, without the border; a view. Both have shape (..., channels, rows, columns)."""
    top, left, bottom, right = preprocessing.border
    return frames[..., top : frames.shape[-2] - bottom, left : frames.shape[-1] - right]


def mirrored(frames: Bytes, preprocessing: Preprocessing) -> Bytes:
    """The frames of the mirrored images."""
    return np.ascontiguousarray(with_border(image_part(frames, preprocessing)[..., ::-1], preprocessing))


def check_frames(frames: NDArray[np.generic], shape: Shape, preprocessing: Preprocessing) -> None:
    """Raise FirebrickError unless ``frames`` is a batch, (n, channels, rows, columns) in bytes, of the given shape and with the border."""
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[1:] != _sides(shape):
        expected = f"(n, {', '.join(map(str, _sides(shape)))})"
        raise FirebrickError(f"frames must be bytes of shape {expected}, not {frames.dtype} {frames.shape}{_hint(preprocessing)}")
    _check_border(frames.view(np.uint8), preprocessing)


def check_frame(frame: NDArray[np.generic], shape: Shape, preprocessing: Preprocessing) -> None:
    """Raise FirebrickError unless ``frame`` is one frame, (channels, rows, columns) in bytes, of the given shape and with the border."""
    if frame.dtype != np.uint8 or frame.shape != _sides(shape):
        raise FirebrickError(f"a frame must be bytes of shape {_sides(shape)}, not {frame.dtype} {frame.shape}{_hint(preprocessing)}")
    _check_border(frame.view(np.uint8), preprocessing)


def _check_border(frames: Bytes, preprocessing: Preprocessing) -> None:
    """Images that are as large as frames would be taken for frames otherwise, and be classified without the border."""
    if preprocessing.has_border and not np.array_equal(frames, with_border(image_part(frames, preprocessing), preprocessing)):
        colour = preprocessing.border_colour(frames.shape[-3])
        raise FirebrickError(f"the outermost pixels of a frame must be its border, of colour {colour}{_hint(preprocessing)}")


def _hint(preprocessing: Preprocessing) -> str:
    if not preprocessing.has_border:
        return ""
    sides = ", ".join(map(str, preprocessing.border))
    return (
        f"; a frame of this model is an image with a border of {sides} pixels at top, left, bottom and right, "
        "which sw.model.frames.with_border puts around it"
    )


def _sides(shape: Shape) -> tuple[int, int, int]:
    return shape.channels, shape.height, shape.width
