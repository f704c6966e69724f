# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Pixels of any mode to RGB bytes: deep greys are scaled by their range, transparent pixels shown on white."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, TiffImagePlugin
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION

from ..errors import FirebrickError

_NO_VALUE = 1e30
"""Floats beyond this are no brightness: infinity, or how geographic data marks missing values."""
_NEARLY_BLACK = 1 << 12
"""Of 16-bit samples that stay below this, eight bits have 16 shades at most."""
_MAX_NEGATIVE = 0.05
"""Fraction of the largest value that values below zero may reach, as those at sharp edges do after scaling."""
_PART_PIXELS = 1 << 19

logger = logging.getLogger(__name__)


def rgb_converter(image: Image.Image, significant_bits: int | None = None) -> Callable[[Image.Image], Image.Image]:
    """A function that makes any part of a decoded image RGB.

    Samples of more than 8 bits become bytes by these rules; samples that are not finite are black (infinity: white).

    - 16-bit samples have the range of their format, 0 to 65535, or 0 to 2^n - 1 where it states n bits per sample: the bits of a TIFF, or
      the ``significant_bits`` (sBIT) of a PNG if its samples were not scaled to 16 bits as the standard demands.
    - 32-bit integers have the range of the fewest bits, at least 8, that hold the largest one.
    - Floats have the range from 0 to the largest finite one below 1e30.

    A bitmap (BMP) that is transparent everywhere is opaque: its writer left the alpha channel empty. Raises FirebrickError where no sample
    is finite, where samples are negative, and for colour PNGs whose samples were not scaled to 16 bits.
    """
    if image.mode.startswith(("I", "F")):
        return _deep_converter(image, significant_bits)
    if significant_bits is not None and not any(_reaches(part, significant_bits - 8) for part in _parts(image)):
        raise FirebrickError(f"its {significant_bits}-bit samples are not scaled to 16 bits; save it with 8 bits per sample")
    if "transparency" in image.info or image.mode in ("LA", "PA", "RGBA", "La", "RGBa"):
        if image.format == "BMP" and not any(part.getchannel("A").getbbox() for part in _parts(image)):
            return _opaque
        return _on_white
    return _opaque


def _reaches(part: Image.Image, bits: int) -> bool:
    """Whether a sample of any colour needs more than this number of bits."""
    return int(np.asarray(part.convert("RGB")).max()) >> max(0, bits) > 0


def _opaque(part: Image.Image) -> Image.Image:
    return part.convert("RGB")


def _on_white(part: Image.Image) -> Image.Image:
    part = part.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", part.size, "white"), part).convert("RGB")


def _deep_converter(image: Image.Image, significant_bits: int | None) -> Callable[[Image.Image], Image.Image]:
    """The function of `rgb_converter` for samples of more than 8 bits."""
    statistics = _measure(image)
    if statistics.lowest < -_MAX_NEGATIVE * abs(statistics.highest):
        low, high = statistics.lowest, statistics.highest
        raise FirebrickError(f"its values, {low:g} to {high:g}, are below zero, where an image has none; scale them to bytes, 0 to 255")
    white = max(statistics.highest, 1e-9) if image.mode == "F" else _white(image, statistics, significant_bits)
    scale = 255 / white
    inverted = image.mode != "F" and isinstance(image, TiffImagePlugin.TiffImageFile) and image.tag_v2.get(PHOTOMETRIC_INTERPRETATION) == 0

    def convert(part: Image.Image) -> Image.Image:
        with np.errstate(all="ignore"):
            levels = np.clip(np.nan_to_num(np.asarray(part, np.float64) * scale), 0, 255).astype(np.uint8)
        return Image.fromarray(255 - levels if inverted else levels).convert("RGB")

    return convert


def _white(image: Image.Image, statistics: "_Statistics", significant_bits: int | None) -> int:
    """The integer sample that is white."""
    if image.mode == "I" and image.format != "PPM":  # of a PPM, Pillow scales the samples to 16 bits
        return (1 << max(8, int(statistics.highest).bit_length())) - 1
    bits = 16
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        bits = image.tag_v2.get(BITSPERSAMPLE, (16,))[0]
    elif significant_bits is not None and statistics.highest < 1 << significant_bits:
        padding = statistics.bits & ((1 << 16 - significant_bits) - 1)
        bits = significant_bits if padding else 16  # samples that are scaled to 16 bits, and yet this small, have zeros there
    if bits == 16 and 0 < statistics.highest < _NEARLY_BLACK:
        logger.warning(
            "%s is nearly black: its 16-bit samples are at most %d of 65535; if they have fewer bits, scale them to 16",
            getattr(image, "filename", "the image"),
            statistics.highest,
        )
    return int((1 << bits) - 1)


@dataclass(frozen=True)
class _Statistics:
    """Of all finite samples of an image of one channel."""

    lowest: float
    highest: float
    bits: int
    """All integer samples joined by OR."""


def _measure(image: Image.Image) -> _Statistics:
    """The statistics; raises FirebrickError where no sample is finite."""
    lowest, highest, bits = np.inf, -np.inf, 0
    for part in _parts(image):
        samples = np.asarray(part)
        if image.mode == "F":
            samples = samples[np.abs(samples) < _NO_VALUE]  # neither NaN
        else:
            bits |= int(np.bitwise_or.reduce(samples, axis=None))
        if samples.size:
            lowest, highest = min(lowest, float(samples.min())), max(highest, float(samples.max()))
    if highest < lowest:
        raise FirebrickError("none of its values is a finite number; save it again, with bytes from 0 to 255")
    return _Statistics(lowest, highest, bits)


def _parts(image: Image.Image) -> Iterator[Image.Image]:
    """Bands of rows."""
    rows = max(1, _PART_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(image.height, top + rows)))
