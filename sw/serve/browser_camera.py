# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The browser's camera as a source: its frames are pushed by the WebSocket."""

import io
import threading
import time
import warnings
from collections.abc import Iterator

from PIL import Image

from ..errors import FirebrickError
from ..stream.source import Frame, FrameSource

MAX_JPEG_BYTES = 2 << 20
"""Limit on the JPEG of one frame."""
MAX_PIXELS = 4_000_000


class BrowserCamera(FrameSource):
    """A live source; ``push`` gives it its frames, and ``end`` ends it."""

    name = "browser camera"
    live = True

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._newest: Frame | None = None
        self._start = time.monotonic()
        self._ended = False

    def push(self, jpeg: bytes) -> None:
        """Accept a frame. Raises FirebrickError unless it is a JPEG within the limits."""
        image = _decoded(jpeg)
        with self._changed:
            self._newest = Frame(image, time.monotonic() - self._start)
            self._changed.notify_all()

    def end(self) -> None:
        """End the source: there are no more frames."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def frames(self) -> Iterator[Frame]:
        """See ``FrameSource``."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._newest is not None or self._ended)
                frame, self._newest = self._newest, None
            if frame is None:
                return
            yield frame


def _decoded(jpeg: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about unusual metadata
            with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as file:
                if file.width * file.height > MAX_PIXELS:
                    raise FirebrickError(f"a frame of {file.width}x{file.height} pixels is too large; send one of at most 4 megapixels")
                return file.convert("RGB")
    except FirebrickError:
        raise
    except Exception as problem:  # a damaged file may raise anything from inside a decoder
        raise FirebrickError("a frame is no complete JPEG") from problem
