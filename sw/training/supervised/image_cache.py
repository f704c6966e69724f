# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Training images: all are read once before training, and kept in memory up to a limit."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...data.images import read_scaled
from ...model.frames import with_border
from ...model.quantized import Preprocessing
from ...network.graph import Shape
from ...utils.progress import Progress

MEMORY_LIMIT = 1 << 30
"""Bytes of scaled images to keep; images beyond that are read again each time."""

Bytes = NDArray[np.uint8]
Indices = Sequence[int] | NDArray[np.int64]


class ImageCache:
    """Labelled images, scaled for a network.

    Args:
        rows: images and their class indices, in order. All are read once, so that an unreadable one is reported before training.
        preprocessing: how they are scaled.
        shape: of the frames that are cropped from them, with the preprocessing's border.
        progress: the progress callback.

    Raises FirebrickError for an image that cannot be read.
    """

    def __init__(self, rows: Sequence[tuple[Path, int]], preprocessing: Preprocessing, shape: Shape, progress: Progress) -> None:
        self.paths = [path for path, _ in rows]
        self.labels = np.array([index for _, index in rows], np.int64)
        self.preprocessing, self.shape = preprocessing, shape
        self._cached: dict[int, Bytes] = {}
        sums, pixels, free, digest = np.zeros(shape.channels), 0, MEMORY_LIMIT, hashlib.sha256()
        for index, path in enumerate(self.paths):
            progress("reading images", index, len(self.paths))
            image = self._read(index)
            sums += image.sum(axis=(0, 1))
            pixels += image.shape[0] * image.shape[1]
            digest.update(b"%d " % self.labels[index] + hashlib.sha256(path.read_bytes()).digest())
            free -= image.nbytes
            if free >= 0:
                self._cached[index] = image
        progress("reading images", len(self.paths), len(self.paths))
        self.mean = sums / max(1, pixels)
        """Mean of each channel over all pixels."""
        self.sha256 = digest.hexdigest()
        """Digest of the files and their classes."""
        self._threads = ThreadPoolExecutor()

    def __len__(self) -> int:
        return len(self.paths)

    def centre_crops(self, indices: Indices) -> Bytes:
        """The centre crops of images, as the network sees them in use, (n, channels, rows, columns)."""
        return self._crop(indices, np.full((len(indices), 2), 0.5), np.zeros(len(indices), bool))

    def random_crops(self, indices: Indices, rng: np.random.Generator, mirror: bool) -> "Future[Bytes]":
        """A future of random crops of images, (n, channels, rows, columns); half of them are mirrored if ``mirror``."""
        positions, mirrored = rng.random((len(indices), 2)), (rng.random(len(indices)) < 0.5) & mirror
        return self._threads.submit(self._crop, indices, positions, mirrored)

    def _crop(self, indices: Indices, positions: NDArray[np.float64], mirrored: NDArray[np.bool_]) -> Bytes:
        """Frames of crops at vertical and horizontal positions from 0 (first row or column) to 1 (last)."""
        shape = self.preprocessing.image_shape(self.shape)
        rows, columns = shape.height, shape.width
        out = np.empty((len(indices), self.shape.channels, rows, columns), np.uint8)
        for frame, index, (vertical, horizontal), mirror in zip(out, indices, positions, mirrored, strict=True):
            image = self._cached.get(int(index))
            if image is None:
                image = self._read(int(index))
            top, left = int(vertical * (image.shape[0] - rows + 1)), int(horizontal * (image.shape[1] - columns + 1))
            crop = image[top : top + rows, left : left + columns]
            frame[:] = (crop[:, ::-1] if mirror else crop).transpose(2, 0, 1)
        return with_border(out, self.preprocessing)

    def _read(self, index: int) -> Bytes:
        """An image as bytes of shape (rows, columns, channels)."""
        image = read_scaled(self.paths[index], self.preprocessing, self.shape)
        return np.asarray(image, np.uint8).reshape(image.height, image.width, self.shape.channels)
