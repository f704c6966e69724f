# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The calibration set: the user's images, or else photographs that come with scikit-image; and its separation from held-out images."""

import hashlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import FirebrickError
from ..model.frames import image_part, mirrored
from ..model.quantized import Preprocessing
from ..network.graph import Shape
from ..utils.distribution import install_extra
from .images import read_images
from .labels import read_label_csv

PHOTOGRAPHS = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "motorcycle_right.png", "rocket.jpg")
RECOMMENDED_IMAGES = 32
"""With fewer images, users are warned: the statistics of a layer's inputs are then those of these few images."""
_NOISE_LEVELS = 3
"""Levels out of 255 by which JPEG compression may change the pixels of a single colour."""


def photographs() -> list[Path]:
    """The colour photographs of scikit-image; raises FirebrickError where it is not installed."""
    try:
        folder = files("skimage.data")
    except ModuleNotFoundError as problem:
        raise FirebrickError(f"scikit-image, whose photographs are the default, is missing; {install_extra('demo')}") from problem
    return [Path(str(folder.joinpath(name))) for name in PHOTOGRAPHS]


def calibration_frames(paths: Sequence[Path], preprocessing: Preprocessing, shape: Shape) -> tuple[NDArray[np.uint8], dict[str, str]]:
    """Calibration frames of shape (n, channels, rows, columns), and the metadata that a model has about them.

    Without paths these are the photographs of scikit-image and their mirror images. Raises FirebrickError for images that cannot be
    read, that show a single colour, or that are all grey where the network sees colour: activations measured on them would be wrong.
    """
    paths, user_images = paths or photographs(), bool(paths)
    frames = read_images(paths, preprocessing, shape)
    _check(image_part(frames, preprocessing), paths)
    description = f"{len(frames)} pictures"  # the wording of the metadata is part of models already made
    if not user_images:
        frames = np.concatenate([frames, mirrored(frames, preprocessing)])
        description = f"{len(frames)} views of photographs in scikit-image"
    return frames, {"calibration": description, "calibration sha256": hashlib.sha256(frames.tobytes()).hexdigest()}


def split_images(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Calibration images and held-out images: every second one. Raises FirebrickError for fewer than two."""
    if len(paths) < 2:
        raise FirebrickError(f"{len(paths)} image cannot both calibrate and evaluate; give at least 2, better some hundreds")
    return list(paths[::2]), list(paths[1::2])


def check_disjoint(calibration: Sequence[Path], held_out: Sequence[Path]) -> None:
    """Raise FirebrickError if an image is in both sets, under whatever name: a model fitted to it would look too good on it."""
    known = {hashlib.sha256(path.read_bytes()).digest(): path for path in calibration}
    for path in held_out:
        same = known.get(hashlib.sha256(path.read_bytes()).digest())
        if same is not None:
            raise FirebrickError(f"{path} is held out for evaluation, but {same}, the same image, is for calibration; take one of them out")


def labels_for(paths: Sequence[Path], table: Path, classes: int) -> list[int]:
    """Class index of each image, by file name, or -1 where the CSV file has none; see `read_label_csv`.

    Raises FirebrickError if it has none for any.
    """
    labels_by_name = dict(read_label_csv(table, classes))
    labels = [labels_by_name.get(path.name, -1) for path in paths]
    if max(labels, default=-1) < 0:
        folder = f" in {paths[0].parent}" if paths else ""
        raise FirebrickError(f"{table} names none of the {len(paths)} images{folder}; its column file must have their names")
    return labels


def _check(frames: NDArray[np.uint8], paths: Sequence[Path]) -> None:
    """Raise FirebrickError where images, (n, channels, rows, columns), say nothing about natural images."""
    spread = (frames.max(axis=(2, 3)) - frames.min(axis=(2, 3))).max(axis=1)
    for path in (path for path, levels in zip(paths, spread, strict=True) if levels <= _NOISE_LEVELS):
        raise FirebrickError(f"{path} shows a single colour, which says nothing about the network's activations; take it out")
    if frames.shape[1] > 1 and all((np.ptp(frame, axis=0) <= _NOISE_LEVELS).all() for frame in frames):
        raise FirebrickError(f"every image ({len(paths)}, {paths[0]} first) is greyscale, but the network sees colour; add some with it")
