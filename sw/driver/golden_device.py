# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The golden model as a device."""

import time
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from .. import golden
from ..model.frames import check_frame
from ..model.quantized import Model
from .device import Device, FrameResult


class GoldenDevice(Device):
    """Computes the scores of a frame with the golden model when its result is requested."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._frames = 0

    def stream(self, frames: Iterable[NDArray[np.uint8]]) -> Iterator[FrameResult]:
        """See ``Device``; one frame at a time."""
        for index, frame in enumerate(frames):
            check_frame(frame, self.model.network.input)
            start = time.perf_counter()
            scores = golden.run(self.model, frame[np.newaxis])[0]
            self._frames += 1
            yield FrameResult(index, scores, time.perf_counter() - start)

    def counters(self) -> dict[str, int]:
        """See ``Device``."""
        return {"frames": self._frames}

    def close(self) -> None:
        """See ``Device``; there is nothing to release."""
