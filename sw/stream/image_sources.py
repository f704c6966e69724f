# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Image files and the test pattern as sources of frames."""

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from PIL import Image

from ..data.images import draft_side, read_frames, scaled_size
from ..data.upright_image import UprightImage
from ..errors import FirebrickError
from . import test_pattern as pattern
from .source import Frame, FrameSource

MAX_SHOWN = (1280, 960)
"""Width and height to which images with more pixels than this rectangle are scaled down, for the video and the live view."""


class ImageFiles(FrameSource):
    """Image files, one after the other, with all frames of animations; what cannot be read is skipped.

    Args:
        name: shown to the user.
        paths: the files.
        resize: the short side that images will be scaled to.
        rate: images per second, which the timestamps follow where a file has no times of its own.
    """

    def __init__(self, name: str, paths: Sequence[Path], resize: int, rate: float = 1.0) -> None:
        self.name = name
        self._paths = paths
        self._resize = resize
        self._rate = rate

    def frames(self) -> Iterator[Frame]:
        """See ``FrameSource``."""
        timestamp = 0.0
        for path in self._paths:
            name = "".join(letter if letter.isprintable() else "?" for letter in path.name) if len(self._paths) > 1 else ""
            try:
                for (image, scaled), seconds in read_frames(path, draft_side(self._resize), self._images):
                    yield Frame(image, timestamp, name, scaled)
                    timestamp += 1 / self._rate if seconds is None else seconds
            except FirebrickError as problem:
                self.skip(problem)
                timestamp += 1 / self._rate

    def _images(self, image: UprightImage) -> tuple[Image.Image, Image.Image | None]:
        """What is shown of an image; and where it has more pixels than that, the image as the network will see it."""
        if image.size[0] * image.size[1] <= MAX_SHOWN[0] * MAX_SHOWN[1]:
            return image.resized(image.size), None
        factor = min(MAX_SHOWN[0] / image.size[0], MAX_SHOWN[1] / image.size[1])
        shown = max(1, round(factor * image.size[0])), max(1, round(factor * image.size[1]))
        scaled = image.resized(scaled_size(image.size, self._resize))
        return image.resized(shown), scaled


class TestPattern(FrameSource):
    """The test pattern, without an end.

    Args:
        rate: frames per second.
    """

    __test__ = False  # pytest would take a class with this name for tests
    name = "test pattern"

    def __init__(self, rate: float = 25.0) -> None:
        self._rate = rate

    def frames(self) -> Iterator[Frame]:
        """See ``FrameSource``."""
        for number in count():
            yield Frame(pattern.draw(number), number / self._rate)
