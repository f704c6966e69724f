# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What every device does: it takes frames and gives the scores of each."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..model.quantized import Model


@dataclass(frozen=True, eq=False)
class FrameResult:
    """What a device says of one frame."""

    frame: int
    """The frame's place in the stream, from 0."""
    scores: NDArray[np.int64] | None
    """In the order of the classes; None where the frame was damaged on its way and could not be repaired."""
    seconds: float
    """From when the frame was handed to the device until its scores were there."""


class Device(ABC):
    """A device that runs one model; a context manager, closed at its end."""

    model: Model
    """What the device runs."""

    @abstractmethod
    def stream(self, frames: Iterable[NDArray[np.uint8]]) -> Iterator[FrameResult]:
        """The result of each frame in its order, as soon as it is there.

        A frame has bytes of shape (channels, rows, columns). The next frames are asked for while the device still computes, so a result
        may come some frames after its own. Raises FirebrickError for a frame of another shape, and when the device is lost.
        """

    @abstractmethod
    def counters(self) -> dict[str, int]:
        """What the device has counted since it was opened, by name: ``frames`` at least."""

    @abstractmethod
    def close(self) -> None:
        """Free the device; a second call does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
