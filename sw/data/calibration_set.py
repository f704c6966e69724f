# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Pictures to calibrate with and to judge by: the user's, or else photographs that come with scikit-image; useless ones are refused."""

import hashlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import FirebrickError
from ..model.quantized import Preprocessing
from ..network.graph import Shape
from .images import read_images
from .labels import read_label_csv

PHOTOGRAPHS = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "motorcycle_right.png", "rocket.jpg")
RECOMMENDED_IMAGES = 32
"""With fewer pictures the user should be warned: statistics of a layer's inputs are then those of its few pictures."""
_NOISE = 3
"""Levels of 255 by which a JPEG's pixels of one colour may differ."""


def photographs() -> list[Path]:
    """The colour photographs of scikit-image."""
    try:
        folder = files("skimage.data")
    except ModuleNotFoundError as problem:
        raise FirebrickError("scikit-image, whose photographs are wanted here, is missing; install firebrick[demo]") from problem
    return [Path(str(folder.joinpath(name))) for name in PHOTOGRAPHS]


def calibration_frames(paths: Sequence[Path], preprocessing: Preprocessing, shape: Shape) -> tuple[NDArray[np.uint8], dict[str, str]]:
    """Frames of shape (n, channels, rows, columns) to calibrate with, and what the model's metadata says of them.

    Without paths these are the photographs of scikit-image and their mirror images. Raises FirebrickError for pictures that cannot be
    read, that show a single colour, or that are all grey where the network sees colour: activations measured on them would be wrong.
    """
    paths, given = paths or photographs(), bool(paths)
    frames = read_images(paths, preprocessing, shape)
    _check(frames, paths)
    what = f"{len(frames)} pictures"
    if not given:
        frames = np.concatenate([frames, frames[..., ::-1]])
        what = f"{len(frames)} views of photographs in scikit-image"
    return frames, {"calibration": what, "calibration sha256": hashlib.sha256(frames.tobytes()).hexdigest()}


def split_images(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Pictures to calibrate with, and the rest to judge by: every second one."""
    if len(paths) < 2:
        raise FirebrickError(f"{len(paths)} picture cannot both calibrate and judge; give at least 2, better some hundreds")
    return list(paths[::2]), list(paths[1::2])


def check_disjoint(calibration: Sequence[Path], judging: Sequence[Path]) -> None:
    """Raise FirebrickError if a picture serves both purposes, under whatever name: what was fitted to it would look too good."""
    seen = {hashlib.sha256(path.read_bytes()).digest(): path for path in calibration}
    for path in judging:
        same = seen.get(hashlib.sha256(path.read_bytes()).digest())
        if same is not None:
            raise FirebrickError(f"{path} judges what {same}, the same picture, calibrated; take one of them out")


def labels_for(paths: Sequence[Path], table: Path, classes: int) -> list[int]:
    """Class index of each picture, by file name, or -1 where the CSV file has none; see `read_label_csv`.

    Raises FirebrickError if it has none for any.
    """
    known = dict(read_label_csv(table, classes))
    labels = [known.get(path.name, -1) for path in paths]
    if max(labels, default=-1) < 0:
        folder = f" in {paths[0].parent}" if paths else ""
        raise FirebrickError(f"{table} names none of the {len(paths)} pictures{folder}; its column file must have their names")
    return labels


def _check(frames: NDArray[np.uint8], paths: Sequence[Path]) -> None:
    """Raise FirebrickError where frames, (n, channels, rows, columns), tell nothing of how pictures look."""
    spread = (frames.max(axis=(2, 3)) - frames.min(axis=(2, 3))).max(axis=1)
    for path in (path for path, levels in zip(paths, spread, strict=True) if levels <= _NOISE):
        raise FirebrickError(f"{path} shows a single colour, which tells nothing of the network's activations; take it out")
    if frames.shape[1] > 1 and all((np.ptp(frame, axis=0) <= _NOISE).all() for frame in frames):
        raise FirebrickError(f"every picture ({len(paths)}, {paths[0]} first) is greyscale, but the network sees colour; add some with it")
