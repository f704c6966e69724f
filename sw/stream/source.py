# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Frames, and the interface of frame sources."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame of a source."""

    image: Image.Image
    """In RGB, rotated upright. A large image is scaled down to what is shown."""
    timestamp: float
    """Seconds since the start of the source."""
    name: str = ""
    """The file's name if the source has several files, otherwise empty. All characters are printable."""
    scaled: Image.Image | None = None
    """The image with the short side of the network's preprocessing, where the source made it from more pixels than ``image`` has."""


class FrameSource(ABC):
    """A source of frames. Each call of ``frames`` starts at the beginning again."""

    name: str
    """Shown to the user."""
    live = False
    """Whether the source runs in real time, as a camera does: frames that are not taken in time are dropped."""
    damaged = 0
    """Number of frames so far that could not be read and were skipped."""
    problem = ""
    """Why the last of these could not be read, in one sentence."""

    @abstractmethod
    def frames(self) -> Iterator[Frame]:
        """All frames from the beginning. Raises FirebrickError when the source cannot be opened, or is lost."""

    def skip(self, problem: object) -> None:
        """Count a frame that cannot be read, and note why."""
        self.damaged += 1
        self.problem = str(problem)
