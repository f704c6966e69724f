# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A folder of pictures without labels to learn from: decoded once, scaled down, and kept in memory up to a limit."""

import hashlib
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...data.images import use_image
from ...data.upright_image import UprightImage
from ...errors import FirebrickError
from ...model.quantized import Preprocessing
from ...network.graph import Shape
from ...utils.progress import Progress, no_progress

MEMORY = 2 << 30
"""Default limit of the memory for decoded pictures, in bytes; those beyond it are decoded again whenever they are drawn."""
OVERSIZE = 8 / 7
"""The short side of a kept picture, relative to the preprocessing's: crops are enlarged less."""
HELD_OUT_SHARE = 10
"""One of so many pictures is held out where no others are given."""
MAX_HELD_OUT = 1000
_CHUNK = 256
"""Pictures that are decoded at a time, so that few wait beyond the limit."""
_FLAT_LEVELS = 3
"""Levels by which JPEG compression may change a single colour."""

Bytes = NDArray[np.uint8]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class PictureSet:
    """Pictures of use, in the order of their paths; see `read_pictures`."""

    paths: list[Path]
    digests: list[bytes]
    """SHA-256 of each file."""
    preprocessing: Preprocessing
    shape: Shape
    """Of the network's input."""
    left_out: int = 0
    """Files that could not be read, or show a single colour."""
    _kept: dict[Path, Bytes] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def sha256(self) -> str:
        """Digest of all files."""
        return hashlib.sha256(b"".join(self.digests)).hexdigest()

    @property
    def folders(self) -> list[str]:
        """The folder of each picture."""
        return [str(path.parent) for path in self.paths]

    def image(self, index: int) -> Image.Image:
        """A picture, scaled down, in RGB or grey as the network sees it."""
        path = self.paths[index]
        pixels = self._kept.get(path)
        return Image.fromarray(pixels) if pixels is not None else decode(path, self.preprocessing, self.shape)

    def choose(self, indices: Sequence[int]) -> "PictureSet":
        """The pictures with these indices, in this order."""
        chosen = [self.paths[index] for index in indices]
        kept = {path: self._kept[path] for path in chosen if path in self._kept}
        return PictureSet(chosen, [self.digests[index] for index in indices], self.preprocessing, self.shape, self.left_out, kept)

    def without(self, others: "PictureSet") -> "PictureSet":
        """The pictures that are not among the others, under whatever name; a warning says how many were."""
        known = set(others.digests)
        rest = [index for index, digest in enumerate(self.digests) if digest not in known]
        if len(rest) < len(self):
            logger.warning("%d pictures are held out as well, and so are not learned from", len(self) - len(rest))
        return self.choose(rest)

    def split(self) -> tuple["PictureSet", "PictureSet"]:
        """The pictures to learn from, and those held out: a tenth of them, 1000 at most, always the same ones, whatever their names.

        Copies of one picture are on the same side. Raises FirebrickError for fewer than ten pictures.
        """
        by_digest = sorted(set(self.digests))
        count = min(MAX_HELD_OUT, len(by_digest) // HELD_OUT_SHARE)
        if not count:
            raise FirebrickError(
                f"{len(by_digest)} pictures are too few to hold some out; give at least {HELD_OUT_SHARE}, or --held-out DIR"
            )
        chosen = set(by_digest[:count])
        sides: tuple[list[int], list[int]] = ([], [])
        for index, digest in enumerate(self.digests):
            sides[digest in chosen].append(index)
        return self.choose(sides[0]), self.choose(sides[1])


def read_pictures(
    paths: Sequence[Path], preprocessing: Preprocessing, shape: Shape, memory: int = MEMORY, progress: Progress = no_progress
) -> PictureSet:
    """The pictures that can be read, each decoded once, and kept until they take ``memory`` bytes.

    Those that cannot be read or show a single colour are left out; a warning says how many, and names the first. Raises FirebrickError
    where none is left.
    """
    pictures = PictureSet([], [], preprocessing, shape)
    problems: list[str] = []

    def load(path: Path) -> tuple[bytes, Bytes] | str:
        try:
            pixels = np.asarray(decode(path, preprocessing, shape))
        except FirebrickError as problem:
            return str(problem)
        if (np.ptp(pixels.reshape(-1, shape.channels), axis=0) <= _FLAT_LEVELS).all():
            return f"{path} shows a single colour"
        return hashlib.sha256(path.read_bytes()).digest(), pixels

    free = memory
    with ThreadPoolExecutor() as threads:
        for start in range(0, len(paths), _CHUNK):
            progress("reading pictures", start, len(paths))
            for path, loaded in zip(paths[start:], threads.map(load, paths[start : start + _CHUNK]), strict=False):
                if isinstance(loaded, str):
                    problems.append(loaded)
                    continue
                digest, pixels = loaded
                pictures.paths.append(path)
                pictures.digests.append(digest)
                if pixels.nbytes <= free:
                    free -= pixels.nbytes
                    pictures._kept[path] = pixels
    progress("reading pictures", len(paths), len(paths))
    if not pictures.paths:
        raise FirebrickError(f"none of {len(paths)} pictures is of use: {problems[0] if problems else 'there are none'}")
    if problems:
        logger.warning("%d of %d pictures are left out; the first: %s", len(problems), len(paths), problems[0])
    return PictureSet(pictures.paths, pictures.digests, preprocessing, shape, len(problems), pictures._kept)


def decode(path: Path, preprocessing: Preprocessing, shape: Shape) -> Image.Image:
    """A picture with a short side of at most OVERSIZE times the preprocessing's; grey for a network of one channel.

    Raises FirebrickError as `use_image` does.
    """
    side = round(preprocessing.resize * OVERSIZE)

    def scale_down(image: UprightImage) -> Image.Image:
        (width, height), factor = image.size, side / min(image.size)
        return image.resized(image.size if factor >= 1 else (max(1, round(width * factor)), max(1, round(height * factor))))

    image = use_image(path, side, scale_down)
    return image.convert("L") if shape.channels == 1 else image


def drawing_probabilities(kinds: Sequence[object]) -> NDArray[np.float64]:
    """The probability of each picture to be drawn: in proportion to 1 / sqrt(pictures of its kind).

    Between each picture counting alike and each kind counting alike; the square root is that of word2vec's and of instance-balanced
    sampling (arXiv:1805.00932, Section 2.2).
    """
    _, kind, counts = np.unique(np.array([str(kind) for kind in kinds]), return_inverse=True, return_counts=True)
    weights = 1 / np.sqrt(counts[kind])
    return np.asarray(weights / weights.sum(), np.float64)
