# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Endless views of a few pictures: with crops, flips and mixtures strong enough, a few teach much (arXiv:2112.00725)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...data.images import open_image
from ...model.quantized import Preprocessing
from ...network.graph import Network

AREA_MIN = 0.2
"""Least share of a picture that a view shows."""
MIXED = 0.5
"""Share of the batches whose frames are mixed in pairs (mixup, arXiv:1710.09412)."""
_SCALES = (4 / 7, 5 / 7)
_SMALL = 128


@dataclass(frozen=True, eq=False)
class AugmentedBatch:
    """Views, and which pictures they are of."""

    frames: NDArray[np.uint8]
    """Shape (frames, channels, rows, columns)."""
    images: NDArray[np.int64]
    """Index of the picture that a view shows most of, (frames)."""
    mixed_in: NDArray[np.int64]
    """Index of the picture that is mixed in, (frames)."""
    mix_ratio: float
    """Share of the former picture, 0 to 1."""


class Augmenter:
    """Random views of pictures, the same for the same seed and step.

    Networks with an input of at least 128 rows and columns are shown smaller views, of four or five sevenths of their input's size,
    which takes about half the time.
    """

    def __init__(self, paths: Sequence[Path], preprocessing: Preprocessing, network: Network, seed: int) -> None:
        shape = network.input
        self.seed = seed
        self.images = [_shrunk(open_image(path, preprocessing.resize), preprocessing.resize) for path in paths]
        if shape.channels == 1:
            self.images = [picture.convert("L") for picture in self.images]
        scales = _SCALES if min(shape.height, shape.width) >= _SMALL else (1.0,)
        self.sizes = [(round(shape.height * scale), round(shape.width * scale)) for scale in scales]

    def batch(self, step: int, count: int) -> AugmentedBatch:
        """The views of one step."""
        rng = np.random.default_rng([self.seed, step])
        rows, columns = self.sizes[rng.integers(len(self.sizes))]
        chosen = rng.integers(len(self.images), size=count)
        frames = np.stack([_view(self.images[index], rows, columns, rng) for index in chosen])
        mixture = float(rng.uniform(0.5, 1)) if rng.random() < MIXED else 1.0
        mixed = np.rint(mixture * frames + (1 - mixture) * frames[::-1]).astype(np.uint8) if mixture < 1 else frames
        return AugmentedBatch(mixed, chosen, chosen[::-1].copy(), mixture)


def _shrunk(picture: Image.Image, resize: int) -> Image.Image:
    """The picture with a short side of at most 8/7 of the preprocessing's, which keeps memory small."""
    factor = resize * 8 / 7 / min(picture.size)
    if factor >= 1:
        return picture
    return picture.resize((max(1, round(picture.width * factor)), max(1, round(picture.height * factor))), Image.Resampling.BICUBIC)


def _view(picture: Image.Image, rows: int, columns: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A random part of the picture, of random size and shape, mirrored half the time."""
    width, height = picture.size
    area, ratio = rng.uniform(AREA_MIN, 1), np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3))) * columns / rows
    wide = min(width, np.sqrt(width * height * area * ratio))
    high = min(height, np.sqrt(width * height * area / ratio))
    left, top = rng.uniform(0, width - wide), rng.uniform(0, height - high)
    view = picture.resize((columns, rows), Image.Resampling.BILINEAR, box=(left, top, left + wide, top + high))
    frame = np.asarray(view, dtype=np.uint8).reshape(rows, columns, -1).transpose(2, 0, 1)
    return frame[:, :, ::-1] if rng.random() < 0.5 else frame
