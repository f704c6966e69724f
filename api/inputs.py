# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What users give as images, as frames of a network."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checks import PathLike, as_path
from .sw.data.image_folders import images_in
from .sw.data.images import prepare_image, read_image
from .sw.errors import FirebrickError
from .sw.model.frames import check_frame, with_border
from .sw.model.quantized import Preprocessing
from .sw.network.graph import Shape

if TYPE_CHECKING:
    from PIL import Image

OneImage: TypeAlias = "PathLike | Image.Image | ArrayLike"
"""An image file, a Pillow image, or a frame: bytes of shape (channels, rows, columns) as the network's input."""
Images: TypeAlias = "OneImage | Iterable[OneImage]"
"""One image or several: also a folder of image files, or frames of shape (n, channels, rows, columns)."""


def image_paths(images: "PathLike | Iterable[PathLike] | None") -> list[Path]:
    """The image files that a user named: those of a folder, one file or several; none for None."""
    if images is None:
        return []
    if isinstance(images, str | os.PathLike):
        path = as_path(images)
        return images_in(path) if path.is_dir() else [path]
    return [as_path(path) for path in _each(images)]


def frames_of(images: Images, preprocessing: Preprocessing, shape: Shape) -> Iterator[tuple[NDArray[np.uint8], str | None]]:
    """The frame of each image, of shape (channels, rows, columns), with the file's name where it is from one.

    Files and Pillow images are scaled and cropped; arrays are frames already, or without the border of a model that has one. Raises
    FirebrickError, when it comes to the image, for one that cannot be read or is no image, and for arrays that are no bytes or of another
    shape.
    """
    for image in _single_images(images):
        if isinstance(image, str | os.PathLike):
            path = as_path(image)
            yield read_image(path, preprocessing, shape), str(path)
        elif hasattr(image, "convert") and hasattr(image, "size"):  # a Pillow image
            yield prepare_image(image, preprocessing, shape), None
        else:
            yield as_frame(image, preprocessing, shape), None


def as_frame(image: object, preprocessing: Preprocessing, shape: Shape) -> NDArray[np.uint8]:
    """An array as one frame; a cropped image gets its border. Raises FirebrickError unless it is bytes of the network's input shape."""
    if not hasattr(image, "__array__"):
        raise FirebrickError(f"an image must be a path, a Pillow image or an array of bytes, not {type(image).__name__}")
    frame = np.asarray(image)
    cropped = preprocessing.image_shape(shape)
    if frame.dtype == np.uint8 and frame.shape == (cropped.channels, cropped.height, cropped.width):
        frame = with_border(frame, preprocessing)
    check_frame(frame, shape, preprocessing)
    return np.ascontiguousarray(frame)


def _single_images(images: Any) -> Iterator[Any]:
    """One image after the other: those of a folder, a batch or another iterable."""
    if isinstance(images, str | os.PathLike):
        yield from image_paths(images)
    elif hasattr(images, "convert") and hasattr(images, "size"):
        yield images
    elif hasattr(images, "__array__"):
        array = np.asarray(images)
        yield from array if array.ndim == 4 else [array]
    else:
        yield from _each(images)


def _each(images: Any) -> Iterator[Any]:
    if not isinstance(images, Iterable):
        raise FirebrickError(f"images must be paths, Pillow images or arrays of bytes, not {type(images).__name__}")
    return iter(images)
