# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Pictures as a network sees them: upright RGB or grey bytes, scaled and cropped."""

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ..errors import FirebrickError
from ..model.quantized import Preprocessing
from ..network.graph import Shape

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm")
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
"""What a file may be, whatever its name; others of Pillow's run programs."""
MAX_PIXELS = 100_000_000
"""A picture with more pixels is refused before it is decoded."""
LabelledImages = list[tuple[Path, int]]
"""Pictures and their class indices."""


def read_image(path: Path, preprocessing: Preprocessing, shape: Shape) -> NDArray[np.uint8]:
    """A picture file as a network's input: RGB bytes of shape (3, rows, columns), or grey ones of shape (1, rows, columns).

    Opened as by ``open_image``; scaled (bicubic, antialiased) so that its short side is ``preprocessing.resize``, unless it is
    already; cropped in the middle to ``shape``. Raises FirebrickError when the file is missing, broken, no picture or too large.
    """
    picture = open_image(path, 4 * preprocessing.resize)
    try:
        return to_input_frame(picture, preprocessing, shape)
    except FirebrickError as problem:
        raise FirebrickError(f"{path}: {problem}") from problem


def open_image(path: Path, least: int) -> Image.Image:
    """A picture file as upright RGB.

    Turned as its EXIF orientation says; transparent pixels are shown on white. A large JPEG may come in a half, a quarter or an eighth
    of its size, with sides of at least ``least`` pixels. Raises FirebrickError when the file is missing, broken, no picture or has more
    than MAX_PIXELS pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata and of pictures that the limit below admits
            with Image.open(path, formats=FORMATS) as file:
                if file.width * file.height > MAX_PIXELS:
                    raise FirebrickError(f"{path} has {file.width}x{file.height} pixels; the most is {MAX_PIXELS // 10**6} megapixels")
                file.draft("RGB", (least, least))
                return _rgb(ImageOps.exif_transpose(file))
    except FirebrickError:
        raise
    except Image.DecompressionBombError as problem:
        raise FirebrickError(f"{path} is far too large; give a picture of at most {MAX_PIXELS // 10**6} megapixels") from problem
    except FileNotFoundError as problem:
        raise FirebrickError(f"{path} does not exist; name a picture") from problem
    except Exception as problem:  # a damaged file may raise anything from inside a decoder
        raise FirebrickError(f"{path} cannot be read as a picture; give a complete JPEG, PNG or similar file") from problem


def to_input_frame(picture: Image.Image, preprocessing: Preprocessing, shape: Shape) -> NDArray[np.uint8]:
    """An RGB picture scaled and cropped to a network's input: bytes of shape (channels, rows, columns)."""
    picture = scale_image(picture, preprocessing, shape)
    left, top = (picture.width - shape.width) // 2, (picture.height - shape.height) // 2
    cropped = picture.crop((left, top, left + shape.width, top + shape.height))
    frame = np.asarray(cropped, dtype=np.uint8).reshape(shape.height, shape.width, shape.channels)
    return np.ascontiguousarray(frame.transpose(2, 0, 1))


def scale_image(picture: Image.Image, preprocessing: Preprocessing, shape: Shape) -> Image.Image:
    """An RGB picture with the short side that the preprocessing says, grey for a network of one channel; to be cropped to ``shape``."""
    if shape.channels not in (1, 3):
        raise FirebrickError(f"pictures need a network with 3 input channels, or 1 for grey, not {shape.channels}")
    if max(shape.height, shape.width) > preprocessing.resize:
        raise FirebrickError(f"pictures of short side {preprocessing.resize} cannot give {shape.height}x{shape.width}; scale larger")
    width, height = picture.size
    short = min(width, height)
    if max(width, height) > 50 * short:
        raise FirebrickError(f"a picture of {width}x{height} pixels is too narrow; give one whose sides differ by less than a factor of 50")
    if short != preprocessing.resize:
        size = (round(width * preprocessing.resize / short), round(height * preprocessing.resize / short))
        picture = picture.resize(size, Image.Resampling.BICUBIC)
    return picture.convert("L") if shape.channels == 1 else picture


def read_images(paths: Sequence[Path], preprocessing: Preprocessing, shape: Shape) -> NDArray[np.uint8]:
    """Several pictures as one batch of shape (frames, channels, rows, columns)."""
    if not paths:
        raise FirebrickError("no pictures were given; name at least one")
    return np.stack([read_image(path, preprocessing, shape) for path in paths])


def images_in(folder: Path) -> list[Path]:
    """The picture files in a folder and in the folders inside it, by path; raises FirebrickError when it is no folder or has none."""
    if not folder.is_dir():
        raise FirebrickError(f"{folder} is not a folder; name one that holds pictures")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not paths:
        raise FirebrickError(f"{folder} holds no pictures; put some there ({', '.join(SUFFIXES)})")
    return paths


def images_by_class(folder: Path, names: Iterable[str]) -> LabelledImages:
    """The pictures of a folder's subfolders; each must have the name of a class, whose place in ``names`` is the index."""
    indices = {name: index for index, name in enumerate(names)}
    found: LabelledImages = []
    for name in class_names(folder):
        if name not in indices:
            some = ", ".join([*list(indices)[:5], *["..."][: len(indices) > 5]])
            raise FirebrickError(f"{folder / name} must be named after a class; the classes are {some}")
        found += [(path, indices[name]) for path in images_in(folder / name)]
    return found


def class_names(folder: Path) -> list[str]:
    """Names of the subfolders of a folder of classes, in order, but for hidden ones; raises FirebrickError where there are none."""
    names = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not names:
        raise FirebrickError(f"{folder} has no subfolders; give the pictures of each class one with its name, or a CSV file: --labels CSV")
    for name in names:
        if not name.isprintable():
            raise FirebrickError(f"{folder}: the subfolder {name!r} must have a printable name")
    return names


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith(("I", "F")):  # 16 bits and more: Pillow's own conversion would clip
        grey = np.asarray(picture, dtype=np.float64)
        scale = 255 / 65535 if picture.mode.startswith("I") else 255 / max(float(grey.max()), 1e-9)
        return Image.fromarray(np.clip(np.nan_to_num(grey * scale), 0, 255).astype(np.uint8)).convert("RGB")
    if "transparency" in picture.info or picture.mode in ("LA", "PA", "RGBA", "La", "RGBa"):
        picture = picture.convert("RGBA")
        backdrop = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(backdrop, picture).convert("RGB")
    return picture.convert("RGB")
