# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The golden model as a device."""

import time
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from .. import golden
from ..errors import FirebrickError
from ..model.frames import check_frame
from ..model.quantized import Model
from .device import CLOSED, Device, FrameResult


class GoldenDevice(Device):
    """Computes the scores of a frame with the golden model when its result is requested."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._frames = 0
        self._closed = False

    def stream(self, frames: Iterable[NDArray[np.uint8]]) -> Iterator[FrameResult]:
        """See ``Device``; one frame at a time."""
        self._require_open()
        for index, frame in enumerate(frames):
            self._require_open()
            check_frame(frame, self.model.network.input, self.model.preprocessing)
            start = time.perf_counter()
            scores = golden.run(self.model, frame[np.newaxis])[0]
            self._frames += 1
            yield FrameResult(index, scores, time.perf_counter() - start)

    def counters(self) -> dict[str, int]:
        """See ``Device``."""
        self._require_open()
        return {"frames": self._frames}

    def close(self) -> None:
        """See ``Device``; there is nothing to release, but a closed device takes no frames, whatever its kind."""
        self._closed = True

    def _require_open(self) -> None:
        if self._closed:
            raise FirebrickError(CLOSED)
