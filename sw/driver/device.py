# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The interface of every device: it takes frames and returns the scores of each."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..model.quantized import Model

CLOSED = "the device is closed; open it again"
"""The message of a closed device that is given frames or asked for counters."""


@dataclass(frozen=True, eq=False)
class FrameResult:
    """The result of one frame."""

    frame: int
    """Index of the frame in the stream, from 0."""
    scores: NDArray[np.int64] | None
    """Scores in the order of the classes; None where the frame was damaged on the way and retransmission did not help."""
    seconds: float
    """Time from handing the frame to the device until its scores were complete."""


class Device(ABC):
    """A device that runs one model; a context manager that closes it at the end."""

    model: Model
    """The model that the device runs."""

    @abstractmethod
    def stream(self, frames: Iterable[NDArray[np.uint8]]) -> Iterator[FrameResult]:
        """The result of each frame, in the order of the frames, as soon as it is complete.

        A frame is an array of bytes of shape (channels, rows, columns). The next frames are fetched while the device computes, so a
        result may come some frames after its own. Raises FirebrickError for a frame of another shape and when the device is lost or closed.
        """

    @abstractmethod
    def counters(self) -> dict[str, int]:
        """Counters by name since the device was opened: at least ``frames``. Raises FirebrickError when the device is lost or closed."""

    @abstractmethod
    def close(self) -> None:
        """Release the device; a second call does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
