# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Image files as a network's input: upright RGB or grey bytes, scaled and cropped."""

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
"""Formats that are read, whatever the file's name; some of Pillow's other formats start external programs."""
MAX_PIXELS = 100_000_000
"""An image with more pixels is refused before it is decoded."""
_MAX_ASPECT_RATIO = 50
_DRAFT_OVERSAMPLING = 4
"""A JPEG may be decoded at a reduced size of at least this multiple of the target, from where scaling looks as from the full size."""
LabelledImages = list[tuple[Path, int]]
"""Image files and their class indices."""


def read_image(path: Path, preprocessing: Preprocessing, shape: Shape) -> NDArray[np.uint8]:
    """An image file as a network's input: bytes of shape (channels, rows, columns), RGB or grey.

    Opened as by `open_image` and scaled as by `scale_image`; the centre is cropped to ``shape``. Raises FirebrickError where the file is
    missing, damaged, no image, or too large or narrow.
    """
    return _centre_crop(read_scaled(path, preprocessing, shape), shape)


def read_scaled(path: Path, preprocessing: Preprocessing, shape: Shape) -> Image.Image:
    """An image file, scaled but not cropped; see `read_image`."""
    image = open_image(path, _DRAFT_OVERSAMPLING * preprocessing.resize)
    try:
        return scale_image(image, preprocessing, shape)
    except FirebrickError as problem:
        raise FirebrickError(f"{path}: {problem}") from problem


def open_image(path: Path, min_side: int) -> Image.Image:
    """An image file as upright RGB.

    It is rotated by its EXIF orientation, and transparent pixels are shown on white. A large JPEG may come at a half, a quarter or an
    eighth of its size, with sides of at least ``min_side`` pixels. Raises FirebrickError where the file is missing, damaged, no image, or
    has more than MAX_PIXELS pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata, and of images that the limit below admits
            with Image.open(path, formats=FORMATS) as file:
                if file.width * file.height > MAX_PIXELS:
                    raise FirebrickError(f"{path} has {file.width}x{file.height} pixels; the most is {MAX_PIXELS // 10**6} megapixels")
                file.draft("RGB", (min_side, min_side))
                return _to_rgb(ImageOps.exif_transpose(file))
    except FirebrickError:
        raise
    except Image.DecompressionBombError as problem:
        raise FirebrickError(f"{path} is far too large; give an image of at most {MAX_PIXELS // 10**6} megapixels") from problem
    except FileNotFoundError as problem:
        raise FirebrickError(f"{path} does not exist; name an image") from problem
    except Exception as problem:  # a damaged file may raise anything from inside a decoder
        raise FirebrickError(f"{path} cannot be read as an image; give a complete JPEG, PNG or similar file") from problem


def to_input_frame(image: Image.Image, preprocessing: Preprocessing, shape: Shape) -> NDArray[np.uint8]:
    """An RGB image as a network's input, scaled and cropped: bytes of shape (channels, rows, columns).

    Raises FirebrickError as `scale_image` does.
    """
    return _centre_crop(scale_image(image, preprocessing, shape), shape)


def scale_image(image: Image.Image, preprocessing: Preprocessing, shape: Shape) -> Image.Image:
    """An RGB image with the preprocessing's short side (bicubic, antialiased), grey for a network of one channel.

    An image that has that side already is not resampled. Raises FirebrickError where it cannot be cropped to ``shape`` afterwards, or is
    too narrow.
    """
    if shape.channels not in (1, 3):
        raise FirebrickError(f"images need a network with 3 input channels, or 1 for grey, not {shape.channels}")
    if max(shape.height, shape.width) > preprocessing.resize:
        raise FirebrickError(f"images of short side {preprocessing.resize} cannot give {shape.height}x{shape.width}; scale larger")
    width, height = image.size
    short = min(width, height)
    if max(width, height) > _MAX_ASPECT_RATIO * short:
        raise FirebrickError(
            f"an image of {width}x{height} pixels is too narrow; give one whose sides differ by less than a factor of {_MAX_ASPECT_RATIO}"
        )
    if short != preprocessing.resize:
        size = (round(width * preprocessing.resize / short), round(height * preprocessing.resize / short))
        image = image.resize(size, Image.Resampling.BICUBIC)
    return image.convert("L") if shape.channels == 1 else image


def read_images(paths: Sequence[Path], preprocessing: Preprocessing, shape: Shape) -> NDArray[np.uint8]:
    """Image files as one batch of shape (frames, channels, rows, columns); raises FirebrickError for no files, and as `read_image`."""
    if not paths:
        raise FirebrickError("no images were given; name at least one")
    return np.stack([read_image(path, preprocessing, shape) for path in paths])


def images_in(folder: Path) -> list[Path]:
    """The image files in a folder and its subfolders, sorted by path; raises FirebrickError where it is no folder or has none."""
    if not folder.is_dir():
        raise FirebrickError(f"{folder} is not a folder; name one that holds images")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not paths:
        raise FirebrickError(f"{folder} holds no images; put some there ({', '.join(SUFFIXES)})")
    return paths


def images_by_class(folder: Path, names: Iterable[str]) -> LabelledImages:
    """The images in a folder's subfolders, each named after a class; the position of the name in ``names`` is the class index.

    Raises FirebrickError for a subfolder of another name, and where there are no images.
    """
    indices = {name: index for index, name in enumerate(names)}
    images: LabelledImages = []
    for name in class_names(folder):
        if name not in indices:
            some = ", ".join([*list(indices)[:5], *["..."][: len(indices) > 5]])
            raise FirebrickError(f"{folder / name} must be named after a class; the classes are {some}")
        images += [(path, indices[name]) for path in images_in(folder / name)]
    return images


def class_names(folder: Path) -> list[str]:
    """The sorted names of a folder's subfolders except hidden ones; raises FirebrickError where there are none."""
    names = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not names:
        raise FirebrickError(f"{folder} has no subfolders; give each class a subfolder with its name, or a CSV file: --labels CSV")
    for name in names:
        if not name.isprintable():
            raise FirebrickError(f"{folder}: the subfolder {name!r} must have a printable name")
    return names


def _centre_crop(image: Image.Image, shape: Shape) -> NDArray[np.uint8]:
    """The centre of a scaled image, as bytes of shape (channels, rows, columns)."""
    left, top = (image.width - shape.width) // 2, (image.height - shape.height) // 2
    cropped = image.crop((left, top, left + shape.width, top + shape.height))
    frame = np.asarray(cropped, dtype=np.uint8).reshape(shape.height, shape.width, shape.channels)
    return np.ascontiguousarray(frame.transpose(2, 0, 1))


def _to_rgb(image: Image.Image) -> Image.Image:
    """An image of any mode as RGB, transparent pixels on white."""
    if image.mode.startswith(("I", "F")):  # 16 bits and more: Pillow's own conversion would clip
        grey = np.asarray(image, dtype=np.float64)
        scale = 255 / 65535 if image.mode.startswith("I") else 255 / max(float(grey.max()), 1e-9)
        return Image.fromarray(np.clip(np.nan_to_num(grey * scale), 0, 255).astype(np.uint8)).convert("RGB")
    if "transparency" in image.info or image.mode in ("LA", "PA", "RGBA", "La", "RGBa"):
        image = image.convert("RGBA")
        backdrop = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(backdrop, image).convert("RGB")
    return image.convert("RGB")
