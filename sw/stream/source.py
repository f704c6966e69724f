# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Frames, and the interface of what gives them."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a source."""

    image: Image.Image
    """Upright RGB."""
    timestamp: float
    """Seconds from the source's beginning."""
    name: str = ""
    """Of the picture's file, where it is one of several; printable."""


class FrameSource(ABC):
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

    def skip(self, problem: object) -> None:
        """Count a frame that cannot be read."""
        self.damaged += 1
        self.problem = str(problem)
