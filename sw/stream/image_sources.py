# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Image files and the test pattern as sources of frames."""

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from ..data.images import open_image
from ..errors import FirebrickError
from . import test_pattern as pattern
from .source import Frame, FrameSource


class ImageFiles(FrameSource):
    """Picture files, one after the other; a broken one is passed over.

    Args:
        name: for people.
        paths: of the files.
        least: length of a side, in pixels, that a large JPEG is read with at least, see ``open_image``.
        rate: pictures a second.
    """

    def __init__(self, name: str, paths: Sequence[Path], least: int, rate: float = 1.0) -> None:
        self.name = name
        self._paths = paths
        self._least = least
        self._rate = rate

    def frames(self) -> Iterator[Frame]:
        """See ``FrameSource``."""
        for number, path in enumerate(self._paths):
            try:
                picture = open_image(path, self._least)
            except FirebrickError as problem:
                self.skip(problem)
            else:
                name = "".join(letter if letter.isprintable() else "?" for letter in path.name)
                yield Frame(picture, number / self._rate, name if len(self._paths) > 1 else "")


class TestPattern(FrameSource):
    """The test pattern, without end.

    Args:
        rate: frames a second.
    """

    name = "test pattern"

    def __init__(self, rate: float = 25.0) -> None:
        self._rate = rate

    def frames(self) -> Iterator[Frame]:
        """See ``FrameSource``."""
        for number in count():
            yield Frame(pattern.draw(number), number / self._rate)
