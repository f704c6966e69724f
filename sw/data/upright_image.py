# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A decoded image as upright RGB; of very large images there is never a second copy at full size."""

from collections.abc import Iterator

from PIL import ExifTags, Image

from .rgb_conversion import rgb_converter

WHOLE_PIXELS = 30_000_000
"""An image with more pixels is converted and scaled in bands of rows."""
_BAND_PIXELS = 1 << 19
_Method = Image.Transpose
_TURNS = {
    2: _Method.FLIP_LEFT_RIGHT,
    3: _Method.ROTATE_180,
    4: _Method.FLIP_TOP_BOTTOM,
    5: _Method.TRANSPOSE,
    6: _Method.ROTATE_270,
    7: _Method.TRANSVERSE,
    8: _Method.ROTATE_90,
}
"""EXIF orientations, and what turns such an image upright."""
_SIDEWAYS = {_Method.TRANSPOSE, _Method.ROTATE_270, _Method.TRANSVERSE, _Method.ROTATE_90}
_FROM_THE_END = {_Method.ROTATE_180, _Method.FLIP_TOP_BOTTOM, _Method.TRANSVERSE, _Method.ROTATE_90}
"""Turns after which the first row is the last row or column of the file."""


class UprightImage:
    """A view of a decoded image: rotated by its EXIF orientation, in RGB, transparent pixels on white.

    Args:
        image: the image, which must not change while the view is used.
        significant_bits: as for `rgb_converter`.

    Raises FirebrickError for pixels that have no meaning as an image, see `rgb_converter`.
    """

    def __init__(self, image: Image.Image, significant_bits: int | None = None) -> None:
        image.load()  # the orientation may stand behind the pixels
        self._image = image
        self._turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
        self.size = image.size[::-1] if self._turn in _SIDEWAYS else image.size
        """Width and height in pixels."""
        self._to_rgb = rgb_converter(image, significant_bits)

    def resized(self, size: tuple[int, int]) -> Image.Image:
        """The image scaled to ``size`` (width, height), bicubic and antialiased.

        Up to WHOLE_PIXELS this is Pillow's scaling of the whole image. Of a larger one the rows are scaled band by band, and then the
        columns: the same but for rounding to bytes where Pillow would scale the columns first.
        """
        whole = self.size[0] * self.size[1] <= WHOLE_PIXELS
        return self._joined(self.size[0] if whole else size[0]).resize(size, Image.Resampling.BICUBIC)

    def _joined(self, width: int) -> Image.Image:
        """The image with its own height, and rows scaled to ``width``."""
        joined = Image.new("RGB", (width, self.size[1]))
        for top, band in self._bands():
            joined.paste(band.resize((width, band.height), Image.Resampling.BICUBIC), (0, top))
        return joined

    def _bands(self) -> Iterator[tuple[int, Image.Image]]:
        """Bands of rows from top to bottom, each with its first row's number."""
        width, height = self.size
        rows = max(1, _BAND_PIXELS // width)
        for top in range(0, height, rows):
            bottom = min(height, top + rows)
            start, stop = (height - bottom, height - top) if self._turn in _FROM_THE_END else (top, bottom)
            box = (start, 0, stop, width) if self._turn in _SIDEWAYS else (0, start, width, stop)
            band = self._image.crop(box)
            yield top, self._to_rgb(band if self._turn is None else band.transpose(self._turn))
