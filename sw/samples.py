# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Pictures to calibrate with: the user's, or else photographs that come with scikit-image."""

import hashlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .errors import FirebrickError
from .model import Preprocessing
from .network import Shape
from .pictures import read_pictures

PHOTOGRAPHS = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "motorcycle_right.png", "rocket.jpg")


def photographs() -> list[Path]:
    """The colour photographs of scikit-image."""
    try:
        folder = files("skimage.data")
    except ModuleNotFoundError as problem:
        raise FirebrickError("scikit-image, whose photographs are wanted here, is missing; install firebrick[demo]") from problem
    return [Path(str(folder.joinpath(name))) for name in PHOTOGRAPHS]


def calibration_frames(paths: Sequence[Path], preprocessing: Preprocessing, shape: Shape) -> tuple[NDArray[np.uint8], dict[str, str]]:
    """Frames of shape (n, 3, rows, columns) to calibrate with, and what the model's metadata says of them.

    Without paths these are the photographs of scikit-image and their mirror images.
    """
    frames = read_pictures(paths or photographs(), preprocessing, shape)
    what = f"{len(frames)} pictures"
    if not paths:
        frames = np.concatenate([frames, frames[..., ::-1]])
        what = f"{len(frames)} views of photographs in scikit-image"
    return frames, {"calibration": what, "calibration sha256": hashlib.sha256(frames.tobytes()).hexdigest()}
