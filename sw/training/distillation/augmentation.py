# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Augmentation: with crops, flips and mixup that are strong enough, a few images suffice for distillation (arXiv:2112.00725)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...data.images import use_image
from ...data.upright_image import UprightImage
from ...model.frames import with_border
from ...model.quantized import Preprocessing
from ...network.graph import Network

MIN_AREA = 0.2
"""Minimum fraction of an image that a crop shows."""
MIXUP_PROBABILITY = 0.5
"""Fraction of the batches whose frames are mixed in pairs (mixup, arXiv:1710.09412)."""
_CROP_SCALES = (4 / 7, 5 / 7)
_MIN_SCALED_SIDE = 128
"""Inputs smaller than this are not scaled down: too little would remain before the global average."""


@dataclass(frozen=True, eq=False)
class AugmentedBatch:
    """Augmented frames, and which images they show."""

    frames: NDArray[np.uint8]
    """Shape (frames, channels, rows, columns)."""
    images: NDArray[np.int64]
    """Index of the image that a frame shows most of, (frames)."""
    mixed_in: NDArray[np.int64]
    """Index of the image that is mixed in, (frames)."""
    mix_ratio: float
    """Fraction of the former image, 0 to 1."""


class Augmenter:
    """Random augmentations of images, the same for the same seed and step.

    Networks with an input of at least 128 rows and columns get smaller crops, four or five sevenths of their input's size, which takes
    about half the time.
    """

    def __init__(self, paths: Sequence[Path], preprocessing: Preprocessing, network: Network, seed: int) -> None:
        shape = preprocessing.image_shape(network.input)
        self.seed, self.preprocessing = seed, preprocessing
        self.images = [_scaled_down(path, preprocessing.resize) for path in paths]
        if shape.channels == 1:
            self.images = [image.convert("L") for image in self.images]
        scales = _CROP_SCALES if min(shape.height, shape.width) >= _MIN_SCALED_SIDE else (1.0,)
        self.sizes = [(round(shape.height * scale), round(shape.width * scale)) for scale in scales]

    def batch(self, step: int, count: int) -> AugmentedBatch:
        """The frames of one step."""
        rng = np.random.default_rng([self.seed, step])
        rows, columns = self.sizes[rng.integers(len(self.sizes))]
        chosen = rng.integers(len(self.images), size=count)
        frames = np.stack([_random_crop(self.images[index], rows, columns, rng) for index in chosen])
        ratio = float(rng.uniform(0.5, 1)) if rng.random() < MIXUP_PROBABILITY else 1.0
        mixed = np.rint(ratio * frames + (1 - ratio) * frames[::-1]).astype(np.uint8) if ratio < 1 else frames
        return AugmentedBatch(with_border(mixed, self.preprocessing), chosen, chosen[::-1].copy(), ratio)


def _scaled_down(path: Path, resize: int) -> Image.Image:
    """The image with a short side of at most 8/7 of the preprocessing's, to save memory."""

    def scale_down(image: UprightImage) -> Image.Image:
        (width, height), factor = image.size, resize * 8 / 7 / min(image.size)
        return image.resized(image.size if factor >= 1 else (max(1, round(width * factor)), max(1, round(height * factor))))

    return use_image(path, resize, scale_down)


def _random_crop(image: Image.Image, rows: int, columns: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A random part of the image, of random size and aspect ratio, mirrored half the time."""
    width, height = image.size
    area, ratio = rng.uniform(MIN_AREA, 1), np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3))) * columns / rows
    crop_width = min(width, np.sqrt(width * height * area * ratio))
    crop_height = min(height, np.sqrt(width * height * area / ratio))
    left, top = rng.uniform(0, width - crop_width), rng.uniform(0, height - crop_height)
    crop = image.resize((columns, rows), Image.Resampling.BILINEAR, box=(left, top, left + crop_width, top + crop_height))
    frame = np.asarray(crop, dtype=np.uint8).reshape(rows, columns, -1).transpose(2, 0, 1)
    return frame[:, :, ::-1] if rng.random() < 0.5 else frame
