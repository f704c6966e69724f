# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Random views of pictures, mixed in pairs; what teacher and student see alike teaches what no label says (arXiv:2106.05237).

Made by threads ahead of need: a batch depends on the seed and its step alone.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...data.images import read_image
from .picture_set import PictureSet

MIN_AREA = 0.25
"""Minimum fraction of a picture that a view shows: random resized crops (arXiv:1409.4842, Section 6)."""
JITTER = 0.3
"""Maximum relative change of brightness, contrast and saturation (arXiv:1312.5402)."""
MIX_PROBABILITY = 0.5
"""Fraction of the batches whose views are mixed in pairs: half of these blended (mixup, arXiv:1710.09412), half with a rectangle of the
other (CutMix, arXiv:1905.04899). Both teacher and student see the mixture, so that its score needs no rule."""
SMALL_SCALES = (4 / 7, 5 / 7)
"""Sides of small views, relative to the network's input."""
_MIN_SMALL_SIDE = 128
"""Inputs smaller than this are not made smaller: too little would remain before the global average."""
_AHEAD = 6
"""Batches that are made ahead."""


@dataclass(frozen=True, eq=False)
class ViewBatch:
    """The views of one step."""

    frames: NDArray[np.uint8]
    """Shape (views, channels, rows, columns)."""
    pictures: NDArray[np.int64]
    """Index of the picture that a view shows most of, (views)."""
    mixed_in: NDArray[np.int64]
    """Index of the picture that is mixed in, (views)."""
    mix_ratio: float
    """Fraction of the former picture, 0.5 to 1."""


class Views:
    """The batches of a training, the same for the same seed and step.

    Args:
        pictures: what to show.
        probabilities: of each picture to be drawn.
        seed: of all random numbers.
        batch: views a step.
        small_steps: steps, from the first, whose views are small, if the network's input is large enough.
        threads: that make views.
    """

    def __init__(
        self, pictures: PictureSet, probabilities: NDArray[np.float64], seed: int, batch: int, small_steps: int, threads: int = 2
    ) -> None:
        self.pictures, self.seed, self.batch, self.small_steps = pictures, seed, batch, small_steps
        self._cumulative = np.cumsum(probabilities)
        self._threads = ThreadPoolExecutor(threads, "views")
        self._made: dict[int, Future[ViewBatch]] = {}

    def __call__(self, step: int, steps: int) -> ViewBatch:
        """The batch of a step; those of the next of all ``steps`` are begun."""
        for ahead in range(step, min(step + _AHEAD, steps)):
            if ahead not in self._made:
                self._made[ahead] = self._threads.submit(self.make, ahead)
        return self._made.pop(step).result()

    def close(self) -> None:
        """Make no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._made.clear()

    def size(self, step: int) -> tuple[int, int]:
        """Rows and columns of the views of a step."""
        shape = self.pictures.shape
        small = step < self.small_steps and min(shape.height, shape.width) >= _MIN_SMALL_SIDE
        scale = SMALL_SCALES[step % len(SMALL_SCALES)] if small else 1.0
        return round(shape.height * scale), round(shape.width * scale)

    def make(self, step: int) -> ViewBatch:
        """The batch of a step."""
        rng = np.random.default_rng([self.seed, step])
        rows, columns = self.size(step)
        drawn = np.searchsorted(self._cumulative, rng.random(self.batch) * self._cumulative[-1], side="right")
        chosen = np.minimum(drawn, len(self.pictures) - 1)
        frames = np.stack([_view(self.pictures.image(int(index)), rows, columns, rng) for index in chosen])
        if rng.random() >= MIX_PROBABILITY:
            return ViewBatch(frames, chosen, chosen, 1.0)
        mixed, ratio = _cut_mix(frames, rng) if rng.random() < 0.5 else _mixup(frames, rng)
        return ViewBatch(mixed, chosen, chosen[::-1].copy(), ratio)


def centre_frames(pictures: PictureSet, start: int = 0, stop: int | None = None) -> NDArray[np.uint8]:
    """Some of the pictures as the network sees them in use, (n, channels, rows, columns), from their files."""
    with ThreadPoolExecutor() as threads:
        return np.stack(
            list(threads.map(lambda path: read_image(path, pictures.preprocessing, pictures.shape), pictures.paths[start:stop]))
        )


def _view(image: Image.Image, rows: int, columns: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A random part of a picture, of random size, aspect ratio and colours, mirrored half the time."""
    width, height = image.size
    area, ratio = rng.uniform(MIN_AREA, 1), np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3))) * columns / rows
    crop_width = min(width, np.sqrt(width * height * area * ratio))
    crop_height = min(height, np.sqrt(width * height * area / ratio))
    left, top = rng.uniform(0, width - crop_width), rng.uniform(0, height - crop_height)
    view = image.resize((columns, rows), Image.Resampling.BILINEAR, box=(left, top, left + crop_width, top + crop_height))
    brightness, contrast, saturation = rng.uniform(1 - JITTER, 1 + JITTER, 3)
    if view.mode == "RGB":
        view = Image.blend(view.convert("L").convert("RGB"), view, saturation)
    middle = float(np.asarray(view.resize((1, 1), Image.Resampling.BOX)).mean())
    levels = np.clip(np.rint(brightness * (contrast * (np.arange(256) - middle) + middle)), 0, 255).astype(int).tolist()
    view = view.point(levels * len(view.getbands()))
    frame = np.asarray(view).reshape(rows, columns, -1).transpose(2, 0, 1)
    return frame[:, :, ::-1] if rng.random() < 0.5 else frame


def _mixup(frames: NDArray[np.uint8], rng: np.random.Generator) -> tuple[NDArray[np.uint8], float]:
    ratio = float(rng.uniform(0.5, 1))
    mixed = np.rint(np.float32(ratio) * frames + np.float32(1 - ratio) * frames[::-1])
    return mixed.astype(np.uint8), ratio


def _cut_mix(frames: NDArray[np.uint8], rng: np.random.Generator) -> tuple[NDArray[np.uint8], float]:
    """Each view with the same rectangle of its partner, at most half of it."""
    rows, columns = frames.shape[2:]
    side = np.sqrt(rng.uniform(0, 0.5))
    cut_rows, cut_columns = int(rows * side), int(columns * side)
    top, left = rng.integers(rows - cut_rows + 1), rng.integers(columns - cut_columns + 1)
    mixed = frames.copy()
    mixed[:, :, top : top + cut_rows, left : left + cut_columns] = frames[::-1, :, top : top + cut_rows, left : left + cut_columns]
    return mixed, 1 - cut_rows * cut_columns / (rows * columns)
