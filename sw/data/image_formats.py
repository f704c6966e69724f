# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The image formats that are read, and the memory that decoding an image takes: more than MAX_BYTES is refused beforehand."""

from dataclasses import dataclass
from pathlib import Path

from PIL import ExifTags, ImageFile, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from ..errors import FirebrickError
from .png_chunks import png_metadata_bytes

MAX_PIXELS = 100_000_000
"""An image with more pixels is refused before it is decoded."""
MAX_BYTES = 256_000_000
"""An image file that is larger, or takes more memory to decode, is refused before that."""


@dataclass(frozen=True)
class ImageFormat:
    """A format of Pillow's."""

    suffixes: tuple[str, ...]
    """Of file names, in lower case."""
    decoder_bytes: int = 0
    """Memory that the decoder takes for each pixel, beside the decoded image and the file."""
    animated: bool = False
    """Whether a file may hold several images to be shown one after the other."""


FORMATS = {
    "JPEG": ImageFormat((".jpg", ".jpeg", ".jpe", ".jfif", ".mpo")),  # MPO has previews or depths behind the JPEG
    "JPEG2000": ImageFormat((".jp2", ".j2k", ".jpc", ".jpf", ".jpx", ".j2c"), 21),  # 32-bit components, twice
    "PNG": ImageFormat((".png", ".apng"), animated=True),
    "BMP": ImageFormat((".bmp", ".dib")),
    "GIF": ImageFormat((".gif",), animated=True),
    "TIFF": ImageFormat((".tif", ".tiff"), animated=True),
    "WEBP": ImageFormat((".webp",), 12, animated=True),  # two canvases of the animation and a copy of the pixels
    "PPM": ImageFormat((".ppm", ".pgm", ".pbm", ".pnm", ".pfm")),
    "AVIF": ImageFormat((".avif", ".avifs"), 14, animated=True),  # YUV planes of up to 16 bits, and a copy of the pixels
}
"""Formats that are read, whatever the file's name: those with a signature, whose decoders start no external program."""
SUFFIXES = tuple(suffix for image_format in FORMATS.values() for suffix in image_format.suffixes)
"""Suffixes of the files that are taken for images in folders."""

_PIXEL_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}
"""Bytes of a pixel in Pillow's memory; in any other mode it is 4."""
_ANIMATION_BYTES = 14
"""Further memory for each pixel where frames after the first are read: the canvases before and after a frame, in colour."""
_PPM_TEXT_BYTES = 10
"""Memory for each pixel where Pillow converts a PPM in Python."""
_ALLOCATIONS = 2_000_000


def format_of(file: ImageFile.ImageFile) -> ImageFormat:
    """The format of an opened image."""
    return FORMATS["JPEG" if isinstance(file, JpegImagePlugin.JpegImageFile) else str(file.format)]


def check_file_size(path: Path) -> None:
    """Raise FirebrickError where a file is larger than MAX_BYTES, since opening it as an image may already read all of it."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise FirebrickError(f"{path} has {size:,} bytes; an image may have at most {MAX_BYTES // 10**6} million")


def prepare_decoding(file: ImageFile.ImageFile, min_side: int, animated: bool = False) -> int:
    """Choose the size at which an opened image is decoded. Returns the memory in bytes that this takes at most.

    A JPEG is decoded at a half, a quarter or an eighth of its size, as long as each side keeps ``min_side`` pixels, or as far as it must be
    to fit in memory. Any other image is decoded at its own size. Raises FirebrickError where it has more than MAX_PIXELS pixels, or would
    take more than MAX_BYTES. With ``animated`` all its frames will be decoded, one after the other.
    """
    width, height = file.size
    if width * height > MAX_PIXELS:
        raise FirebrickError(f"{file.filename!s} has {width}x{height} pixels; the most is {MAX_PIXELS // 10**6} megapixels")
    extra = _file_bytes(file) + _coefficient_bytes(file) + _strip_bytes(file) + _ALLOCATIONS
    if isinstance(file, JpegImagePlugin.JpegImageFile):
        scale = next((scale for scale in (8, 4, 2) if min(width, height) >= scale * min_side), 1)
        while scale < 8 and extra + 4 * width * height // scale**2 > MAX_BYTES:
            scale *= 2
        file.draft("RGB", (width // scale, height // scale))
    pixel = _PIXEL_BYTES.get(file.mode, 4) + format_of(file).decoder_bytes
    if isinstance(file, TiffImagePlugin.TiffImageFile):
        pixel *= 1 if file.tag_v2.get(ExifTags.Base.Orientation, 1) == 1 else 2  # Pillow turns a copy
    elif animated:
        pixel += _ANIMATION_BYTES
    if file.format == "PPM" and file.tile and file.tile[0].codec_name != "raw":
        pixel += _PPM_TEXT_BYTES
    if (needed := extra + pixel * file.width * file.height) > MAX_BYTES:
        allowed = MAX_BYTES / needed * width * height / 1e6
        raise FirebrickError(
            f"decoding this {file.format} of {width}x{height} pixels takes {needed / 1e6:,.0f} MB of memory, and at most"
            f" {MAX_BYTES // 10**6} MB are allowed; scale it down to {allowed:.1f} megapixels, or save it as a baseline JPEG"
        )
    return needed


def _file_bytes(file: ImageFile.ImageFile) -> int:
    """Memory for what a decoder keeps of the file itself; most read all of it."""
    if file.tile and file.tile[0].codec_name == "raw":
        return 0
    if isinstance(file, PngImagePlugin.PngImageFile):
        return png_metadata_bytes(file)
    return Path(str(file.filename)).stat().st_size


def _coefficient_bytes(file: ImageFile.ImageFile) -> int:
    """Memory for the coefficients of a JPEG: all of them where there are several scans."""
    if not isinstance(file, JpegImagePlugin.JpegImageFile) or not file.layer or (not file.info.get("progressive") and _has_one_scan(file)):
        return 0
    widest, highest = (max(component[index] for component in file.layer) for index in (1, 2))
    samples = sum(across * down for _, across, down, _ in file.layer) / (widest * highest)
    return round(2 * samples * file.width * file.height)


def _has_one_scan(file: JpegImagePlugin.JpegImageFile) -> bool:
    """Whether the first scan, whose header has just been read, holds all components."""
    if file.fp is None:
        return False
    position, components = file.fp.tell(), len(file.layer)
    file.fp.seek(position - 6 - 2 * components)
    header = file.fp.read(3)
    file.fp.seek(position)
    return header == bytes([0, 6 + 2 * components, components])


def _strip_bytes(file: ImageFile.ImageFile) -> int:
    """Memory for the strip or tile of a TIFF that libtiff decompresses at a time."""
    if not isinstance(file, TiffImagePlugin.TiffImageFile) or not file.tile or file.tile[0].codec_name == "raw":
        return 0
    tags = file.tag_v2
    rows = min(tags.get(TiffImagePlugin.ROWSPERSTRIP, file.height), file.height)
    pixels = tags[TiffImagePlugin.TILEWIDTH] * tags[TiffImagePlugin.TILELENGTH] if TiffImagePlugin.TILEWIDTH in tags else file.width * rows
    bits = tags.get(TiffImagePlugin.BITSPERSAMPLE, (1,))
    return int(pixels * max(4, max(bits) * tags.get(TiffImagePlugin.SAMPLESPERPIXEL, 1) / 8))
