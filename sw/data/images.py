# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Image files as a network's input: upright RGB or grey bytes, scaled, cropped, and with a border if the model has one."""

import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from ..errors import FirebrickError
from ..model.frames import with_border
from ..model.quantized import Preprocessing
from ..network.graph import Shape
from ..utils.free_memory import return_free_memory
from .image_formats import FORMATS, MAX_PIXELS, check_file_size, format_of, prepare_decoding
from .png_chunks import png_significant_bits
from .upright_image import UprightImage

T = TypeVar("T")
_MAX_ASPECT_RATIO = 50
_DRAFT_OVERSAMPLING = 4
"""A JPEG may be decoded at a reduced size of at least this multiple of the target, from where scaling looks as from the full size."""
_LARGE_BYTES = 32_000_000
_one_large_image = threading.Lock()
"""Images that take more memory than _LARGE_BYTES are decoded one at a time, whatever the number of threads."""


def read_image(path: Path, preprocessing: Preprocessing, shape: Shape) -> NDArray[np.uint8]:
    """An image file as a network's input of this shape: bytes (channels, rows, columns), RGB or grey.

    Opened as by `use_image` and scaled as by `scale_image`; its centre fills ``shape`` but for the border. Raises FirebrickError where the
    file is missing, damaged, no image, or too large or narrow.
    """
    return _centre_crop(read_scaled(path, preprocessing, shape), preprocessing, shape)


def read_scaled(path: Path, preprocessing: Preprocessing, shape: Shape) -> Image.Image:
    """An image file, scaled but not cropped; see `read_image`."""
    _check_shape(preprocessing, shape)
    resize = preprocessing.resize
    scaled = use_image(path, draft_side(resize), lambda image: image.resized(scaled_size(image.size, resize)))
    return scaled.convert("L") if shape.channels == 1 else scaled


def prepare_image(image: Image.Image, preprocessing: Preprocessing, shape: Shape) -> NDArray[np.uint8]:
    """A Pillow image of any mode as a network's input, prepared as `read_image` prepares a file.

    Raises FirebrickError where it cannot be decoded, its pixels have no meaning as an image, or it is too large or narrow.
    """
    _check_shape(preprocessing, shape)
    if image.width * image.height > MAX_PIXELS:
        raise FirebrickError(f"the image is far too large; give one of at most {MAX_PIXELS // 10**6} megapixels")
    try:
        upright = UprightImage(image)
        scaled = upright.resized(scaled_size(upright.size, preprocessing.resize))
    except FirebrickError:
        raise
    except Exception as problem:  # a damaged file that is decoded only now may raise anything
        raise FirebrickError("the Pillow image cannot be decoded; give a complete one") from problem
    return _centre_crop(scaled.convert("L") if shape.channels == 1 else scaled, preprocessing, shape)


def draft_side(resize: int) -> int:
    """The ``min_side`` of `use_image` for images that are scaled to a short side of ``resize`` pixels."""
    return _DRAFT_OVERSAMPLING * resize


def use_image(path: Path, min_side: int, use: Callable[[UprightImage], T]) -> T:
    """What ``use`` makes of an image file, or of the first image of an animation, decoded: upright RGB, see `UprightImage`.

    A large JPEG may come at a half, a quarter or an eighth of its size, with sides of at least ``min_side`` pixels. The decoded image is
    gone afterwards, and its memory returned to the system. Raises FirebrickError, with the file's name, where the file is missing, damaged
    or no image, where it has more than MAX_PIXELS pixels or would take more than MAX_BYTES of memory (`prepare_decoding`), where its pixels
    have no meaning as an image (`rgb_converter`), and for what goes wrong in ``use``.
    """
    made, needed = _use(path, min_side, use)
    if needed > _LARGE_BYTES:
        return_free_memory()
    return made


def read_frames(path: Path, min_side: int, use: Callable[[UprightImage], T]) -> Iterator[tuple[T, float | None]]:
    """What ``use`` makes of each image in a file: of all frames of an animation or pages of a TIFF in order, usually of the only image.

    Each comes with the seconds that it is shown, None where the file does not say. Raises FirebrickError as `use_image` does.
    """
    if frame_count(path) == 1:
        yield use_image(path, min_side, use), None
        return
    with _opened(path) as file:
        for number in _frame_numbers(file):
            file.seek(number)
            with _memory_for(prepare_decoding(file, min_side, animated=True)):
                made = use(UprightImage(file, png_significant_bits(file)))
            yield made, _seconds(file)


def frame_count(path: Path) -> int:
    """The number of frames of an animation or pages of a TIFF, otherwise 1; raises FirebrickError as `use_image` does."""
    with _opened(path) as file:
        return len(_frame_numbers(file))


def is_image(path: Path) -> bool:
    """Whether the contents of a file begin as those of an image."""
    try:
        with _opened(path):
            return True
    except FirebrickError as problem:
        return not isinstance(problem.__cause__, UnidentifiedImageError)


def to_input_frame(image: Image.Image, preprocessing: Preprocessing, shape: Shape) -> NDArray[np.uint8]:
    """An RGB image as a network's input of this shape, scaled, cropped and with its border: bytes (channels, rows, columns).

    Raises FirebrickError as `scale_image` does.
    """
    return _centre_crop(scale_image(image, preprocessing, shape), preprocessing, shape)


def scale_image(image: Image.Image, preprocessing: Preprocessing, shape: Shape) -> Image.Image:
    """An RGB image with the preprocessing's short side (bicubic, antialiased), grey for a network of one channel.

    An image that has that side already is not resampled. Raises FirebrickError where it cannot be cropped to ``shape``, less its border,
    afterwards, or is too narrow.
    """
    _check_shape(preprocessing, shape)
    size = scaled_size(image.size, preprocessing.resize)
    if size != image.size:
        image = image.resize(size, Image.Resampling.BICUBIC)
    return image.convert("L") if shape.channels == 1 else image


def scaled_size(size: tuple[int, int], resize: int) -> tuple[int, int]:
    """Width and height with a short side of ``resize`` pixels; raises FirebrickError for an image that is too narrow."""
    (width, height), short = size, min(size)
    if max(size) > _MAX_ASPECT_RATIO * short:
        raise FirebrickError(
            f"an image of {width}x{height} pixels is too narrow; give one whose sides differ by less than a factor of {_MAX_ASPECT_RATIO}"
        )
    return round(width * resize / short), round(height * resize / short)


def read_images(paths: Sequence[Path], preprocessing: Preprocessing, shape: Shape) -> NDArray[np.uint8]:
    """Image files as one batch of shape (frames, channels, rows, columns); raises FirebrickError for no files, and as `read_image`."""
    if not paths:
        raise FirebrickError("no images were given; name at least one")
    return np.stack([read_image(path, preprocessing, shape) for path in paths])


def _check_shape(preprocessing: Preprocessing, shape: Shape) -> None:
    """Raise FirebrickError unless scaled images can be cropped so that they fill ``shape`` with the border."""
    shape = preprocessing.image_shape(shape)
    if shape.channels not in (1, 3):
        raise FirebrickError(f"images need a network with 3 input channels, or 1 for grey, not {shape.channels}")
    if max(shape.height, shape.width) > preprocessing.resize:
        raise FirebrickError(f"images of short side {preprocessing.resize} cannot give {shape.height}x{shape.width}; scale larger")


def _centre_crop(image: Image.Image, preprocessing: Preprocessing, shape: Shape) -> NDArray[np.uint8]:
    """The frame of this shape that shows the centre of a scaled image."""
    shape = preprocessing.image_shape(shape)
    left, top = (image.width - shape.width) // 2, (image.height - shape.height) // 2
    cropped = image.crop((left, top, left + shape.width, top + shape.height))
    frame = np.asarray(cropped, dtype=np.uint8).reshape(shape.height, shape.width, shape.channels)
    return np.ascontiguousarray(with_border(frame.transpose(2, 0, 1), preprocessing))


@contextmanager
def _opened(path: Path) -> Iterator[ImageFile.ImageFile]:
    """An image file whose header is read; what goes wrong within the context is raised as a FirebrickError with the file's name."""
    try:
        check_file_size(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd metadata, and of images that prepare_decoding admits
            with Image.open(path, formats=tuple(FORMATS)) as file:
                yield file
    except FirebrickError as problem:
        named = str(path) in str(problem)
        raise FirebrickError(str(problem) if named else f"{path}: {problem}") from problem
    except Image.DecompressionBombError as problem:
        raise FirebrickError(f"{path} is far too large; give an image of at most {MAX_PIXELS // 10**6} megapixels") from problem
    except FileNotFoundError as problem:
        raise FirebrickError(f"{path} does not exist; name an image") from problem
    except Exception as problem:  # a damaged file may raise anything from inside a decoder
        raise FirebrickError(f"{path} cannot be read as an image; give a complete JPEG, PNG or similar file") from problem


def _use(path: Path, min_side: int, use: Callable[[UprightImage], T]) -> tuple[T, int]:
    """What ``use`` makes of an image, and the memory that decoding it took."""
    with _opened(path) as file:
        needed = prepare_decoding(file, min_side)
        with _memory_for(needed):
            return use(UprightImage(file, png_significant_bits(file))), needed


def _frame_numbers(file: ImageFile.ImageFile) -> range:
    """The numbers of an animation's frames: a PNG may have an image before them, for viewers that show no animations."""
    count = getattr(file, "n_frames", 1) if format_of(file).animated else 1
    return range(int(count > 1 and bool(file.info.get("default_image"))), count)


def _seconds(file: ImageFile.ImageFile) -> float | None:
    """How long the current frame is shown. As in browsers, 10 ms and less, with which some writers mean no time, are 100 ms."""
    duration = file.info.get("duration")
    return None if duration is None else 0.1 if duration <= 10 else duration / 1000


def _memory_for(needed: int) -> AbstractContextManager[object]:
    """Waits until as much memory as a decoder needs may be used."""
    return _one_large_image if needed > _LARGE_BYTES else nullcontext()
