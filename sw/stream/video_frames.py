# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""From decoded frames to images as a player shows them: transparency on white, square pixels, rotated and mirrored."""

import struct
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from PIL import Image

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

MAX_PIXEL_ASPECT = 16
"""Pixels that are more times as wide as high, or as high as wide, are taken for a mistake."""
_MATRIX = struct.Struct("=9i")
_ORIENTATIONS = {
    (1, 0, 0, 1): None,
    (-1, 0, 0, 1): Image.Transpose.FLIP_LEFT_RIGHT,
    (1, 0, 0, -1): Image.Transpose.FLIP_TOP_BOTTOM,
    (-1, 0, 0, -1): Image.Transpose.ROTATE_180,
    (0, 1, -1, 0): Image.Transpose.ROTATE_270,  # Pillow turns anticlockwise
    (0, -1, 1, 0): Image.Transpose.ROTATE_90,
    (0, 1, 1, 0): Image.Transpose.TRANSPOSE,
    (0, -1, -1, 0): Image.Transpose.TRANSVERSE,
}
"""By the signs of a, b, c and d of the display matrix: a pixel (p, q) is shown at x = a p + c q, y = b p + d q (ISO/IEC 14496-12)."""


def main_stream(container: "InputContainer") -> "VideoStream | None":
    """The first video stream that is no cover art; None without any."""
    from av.stream import Disposition

    return next((stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic), None)


def alpha_codec(stream: "VideoStream") -> str | None:
    """The decoder that a WebM's transparency needs, as FFmpeg's own decoders of VP8 and VP9 leave it out; None for other streams."""
    has_alpha = any(key.lower() == "alpha_mode" and value == "1" for key, value in stream.metadata.items())
    return {"vp8": "libvpx", "vp9": "libvpx-vp9"}.get(stream.codec_context.name) if has_alpha else None


def pixel_aspect(stream: "VideoStream") -> Fraction:
    """Width of a pixel in its heights; 1 where the file does not say, or nothing sensible."""
    aspect = stream.sample_aspect_ratio
    return aspect if aspect and Fraction(1, MAX_PIXEL_ASPECT) <= aspect <= MAX_PIXEL_ASPECT else Fraction(1)


def shown_size(width: int, height: int, aspect: Fraction) -> tuple[int, int]:
    """Width and height in square pixels; the shorter side of a pixel grows, so that nothing is lost."""
    return (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))


def to_image(frame: "VideoFrame", aspect: Fraction) -> Image.Image:
    """A decoded frame in RGB, as it is shown."""
    image: Image.Image
    if any(component.is_alpha for component in frame.format.components):
        image = Image.fromarray(frame.to_ndarray(format="rgba"))
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    else:
        image = frame.to_image()
    size = shown_size(*image.size, aspect)
    if size != image.size:
        image = image.resize(size, Image.Resampling.BICUBIC)
    orientation = _orientation(frame)
    return image if orientation is None else image.transpose(orientation)


def _orientation(frame: "VideoFrame") -> Image.Transpose | None:
    """The rotation or reflection of the frame's display matrix, whose angle is rounded to a right one."""
    from av.sidedata.sidedata import Type

    side_data: list[Any] = list(frame.side_data)  # typed as a mapping, but a sequence
    matrix = next((bytes(data) for data in side_data if data.type == Type.DISPLAYMATRIX), b"")
    if len(matrix) != _MATRIX.size:
        return None
    a, b, _, c, d, *_ = _MATRIX.unpack(matrix)
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return _ORIENTATIONS[_sign(a), 0, 0, _sign(d)]
    return _ORIENTATIONS[0, _sign(b), _sign(c), 0]


def _sign(number: int) -> int:
    return -1 if number < 0 else 1
