# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Pictures to train on: read once to be sure of them, and kept as far as memory goes."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...data.images import open_image, scale_image
from ...errors import FirebrickError
from ...model.quantized import Preprocessing
from ...network.graph import Shape
from ...utils.progress import Progress

MEMORY_LIMIT = 1 << 30
"""Bytes of scaled pictures that are kept; those beyond are read again each time."""

Bytes = NDArray[np.uint8]
Indices = Sequence[int] | NDArray[np.int64]


class ImageCache:
    """Labelled pictures, scaled for a network.

    Args:
        rows: pictures and their class indices, in order; all are read once, so that one that cannot be is known before training.
        preprocessing: how they are scaled.
        shape: of the frames that are cut out of them.
        progress: the progress callback.
    """

    def __init__(self, rows: Sequence[tuple[Path, int]], preprocessing: Preprocessing, shape: Shape, progress: Progress) -> None:
        self.paths = [path for path, _ in rows]
        self.labels = np.array([index for _, index in rows], np.int64)
        self.preprocessing, self.shape = preprocessing, shape
        self._kept: dict[int, Bytes] = {}
        sums, pixels, room, digest = np.zeros(shape.channels), 0, MEMORY_LIMIT, hashlib.sha256()
        for index, path in enumerate(self.paths):
            progress("reading pictures", index, len(self.paths))
            picture = self._read(index)
            sums += picture.sum(axis=(0, 1))
            pixels += picture.shape[0] * picture.shape[1]
            digest.update(b"%d " % self.labels[index] + hashlib.sha256(path.read_bytes()).digest())
            room -= picture.nbytes
            if room >= 0:
                self._kept[index] = picture
        progress("reading pictures", len(self.paths), len(self.paths))
        self.mean = sums / max(1, pixels)
        """Of each channel."""
        self.sha256 = digest.hexdigest()
        """Of the files and their classes."""
        self._threads = ThreadPoolExecutor()

    def __len__(self) -> int:
        return len(self.paths)

    def centre_crops(self, indices: Indices) -> Bytes:
        """The middles of pictures, as the network will see them, (n, channels, rows, columns)."""
        return self._cut(indices, np.full((len(indices), 2), 0.5), np.zeros(len(indices), bool))

    def random_crops(self, indices: Indices, rng: np.random.Generator, mirror: bool) -> "Future[Bytes]":
        """Random crops of pictures, half of them mirrored if asked, (n, channels, rows, columns), once they are ready."""
        places, mirrored = rng.random((len(indices), 2)), (rng.random(len(indices)) < 0.5) & mirror
        return self._threads.submit(self._cut, indices, places, mirrored)

    def _cut(self, indices: Indices, places: NDArray[np.float64], mirrored: NDArray[np.bool_]) -> Bytes:
        rows, columns = self.shape.height, self.shape.width
        out = np.empty((len(indices), self.shape.channels, rows, columns), np.uint8)
        for frame, index, (down, right), mirror in zip(out, indices, places, mirrored, strict=True):
            picture = self._kept.get(int(index))
            if picture is None:
                picture = self._read(int(index))
            top, left = int(down * (picture.shape[0] - rows + 1)), int(right * (picture.shape[1] - columns + 1))
            view = picture[top : top + rows, left : left + columns]
            frame[:] = (view[:, ::-1] if mirror else view).transpose(2, 0, 1)
        return out

    def _read(self, index: int) -> Bytes:
        """A picture as bytes of shape (rows, columns, channels)."""
        picture = open_image(self.paths[index], 4 * self.preprocessing.resize)
        try:
            picture = scale_image(picture, self.preprocessing, self.shape)
        except FirebrickError as problem:
            raise FirebrickError(f"{self.paths[index]}: {problem}") from problem
        return np.asarray(picture, np.uint8).reshape(picture.height, picture.width, self.shape.channels)
