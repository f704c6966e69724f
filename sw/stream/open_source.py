# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Where frames come from: pictures, a test pattern, and by their names videos and cameras."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from PIL import Image

from ..errors import FirebrickError
from ..pictures import SUFFIXES, open_picture, pictures_in
from . import pattern


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a source."""

    picture: Image.Image
    """Upright RGB."""
    at: float
    """Seconds from the source's beginning."""
    name: str = ""
    """Of the picture's file, where it is one of several; printable."""


class Source(ABC):
    """Gives frames, as often as it is asked from its beginning."""

    name: str
    """For people."""
    live = False
    """Goes on by itself: frames that are not taken in time are of no use any more."""
    damaged = 0
    """Frames so far that could not be read, and were passed over."""
    problem = ""
    """Of the last of these, in one sentence."""

    @abstractmethod
    def frames(self) -> Iterator[Frame]:
        """All frames from the beginning. Raises FirebrickError when the source cannot be opened, or is lost."""

    def pass_over(self, problem: object) -> None:
        """Count a frame that cannot be read."""
        self.damaged += 1
        self.problem = str(problem)


class Pictures(Source):
    """Picture files, one after the other; a broken one is passed over.

    Args:
        name: for people.
        paths: of the files.
        least: length of a side, in pixels, that a large JPEG is read with at least, see ``open_picture``.
        rate: pictures a second.
    """

    def __init__(self, name: str, paths: Sequence[Path], least: int, rate: float = 1.0) -> None:
        self.name = name
        self._paths = paths
        self._least = least
        self._rate = rate

    def frames(self) -> Iterator[Frame]:
        """See ``Source``."""
        for number, path in enumerate(self._paths):
            try:
                picture = open_picture(path, self._least)
            except FirebrickError as problem:
                self.pass_over(problem)
            else:
                name = "".join(letter if letter.isprintable() else "?" for letter in path.name)
                yield Frame(picture, number / self._rate, name if len(self._paths) > 1 else "")


class Pattern(Source):
    """The test pattern, without end.

    Args:
        rate: frames a second.
    """

    name = "test pattern"

    def __init__(self, rate: float = 25.0) -> None:
        self._rate = rate

    def frames(self) -> Iterator[Frame]:
        """See ``Source``."""
        for number in count():
            yield Frame(pattern.draw(number), number / self._rate)


def open_source(name: str, least: int, rate: float | None = None) -> Source:
    """A source by its name: ``pattern``, ``camera`` or ``camera:N``, or the path of a video, a picture or a folder of pictures.

    ``least`` is the side that pictures are read with at least, ``rate`` the pictures a second of what has no time of its own. Raises
    FirebrickError where there is no such source.
    """
    if name == "pattern":
        return Pattern(rate or 25.0)
    if name == "camera" or name.startswith(("camera:", "/dev/video")):
        from .video import Camera

        return Camera(name)
    path = Path(name)
    if path.is_dir():
        return Pictures(name, pictures_in(path), least, rate or 1.0)
    if not path.exists():
        raise FirebrickError(f"source {name} does not exist; name a video, a picture, a folder of pictures, `camera` or `pattern`")
    if path.suffix.lower() in SUFFIXES:
        return Pictures(name, [path], least, rate or 1.0)
    from .video import Video

    return Video(path)
