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
    """Image files, one after the other; files that cannot be read are skipped.

    Args:
        name: shown to the user.
        paths: the files.
        min_side: pixels that each side of a large JPEG keeps when it is decoded at a reduced size, see ``open_image``.
        rate: images per second, which the timestamps follow.
    """

    def __init__(self, name: str, paths: Sequence[Path], min_side: int, rate: float = 1.0) -> None:
        self.name = name
        self._paths = paths
        self._min_side = min_side
        self._rate = rate

    def frames(self) -> Iterator[Frame]:
        """See ``FrameSource``."""
        for number, path in enumerate(self._paths):
            try:
                image = open_image(path, self._min_side)
            except FirebrickError as problem:
                self.skip(problem)
            else:
                name = "".join(letter if letter.isprintable() else "?" for letter in path.name)
                yield Frame(image, number / self._rate, name if len(self._paths) > 1 else "")


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
