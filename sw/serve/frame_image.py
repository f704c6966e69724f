# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A frame's image as browsers receive it."""

import io
import threading

from PIL import Image, ImageOps

MAX_SIZE = (960, 720)
"""Maximum width and height of the image that is sent to browsers."""


class FrameImage:
    """Encodes an image as a JPEG once somebody wants it: while nobody watches, no frame is encoded.

    Args:
        image: RGB; it is kept until it has been encoded.
    """

    def __init__(self, image: Image.Image) -> None:
        self._image: Image.Image | None = image
        self._jpeg = b""
        self._lock = threading.Lock()

    def jpeg(self) -> bytes:
        """The JPEG, of at most MAX_SIZE; may be called from any thread."""
        with self._lock:
            if self._image is not None:
                self._jpeg, self._image = _encode(self._image), None
            return self._jpeg


def _encode(image: Image.Image) -> bytes:
    if image.width > MAX_SIZE[0] or image.height > MAX_SIZE[1]:
        image = ImageOps.contain(image, MAX_SIZE, Image.Resampling.BILINEAR)
    data = io.BytesIO()
    image.save(data, "JPEG", quality=85)
    return data.getvalue()
