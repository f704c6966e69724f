# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The inference loop: sends frames to a device and pairs each with its prediction."""

import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..driver.device import Device, FrameResult
from ..errors import FirebrickError
from ..golden.top_k import ClassScore, top_k
from ..model.quantized import Model
from .frame_reader import FrameReader
from .source import Frame

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Prediction:
    """One frame and the device's result."""

    number: int
    """Index of the frame, from 0."""
    frame: Frame
    top5: list[ClassScore] | None
    """The five classes with the highest scores, or all classes if there are fewer; None if the frame was damaged on the link."""
    latency: float
    """Seconds from handing the frame to the device to receiving its scores."""
    scores: NDArray[np.int64] | None = field(default=None, repr=False)
    """All scores, in the order of the classes; None if the frame was damaged on the link."""


def run_inference(device: Device, reader: FrameReader) -> Iterator[Prediction]:
    """The device's prediction for each frame, in order, as soon as it is known.

    When the source fails or holds no readable frame, the predictions of all frames sent before come first; then ``reader.error`` is raised.
    Raises FirebrickError when the device fails.
    """
    in_flight: deque[Frame] = deque()
    number = -1
    try:
        for number, result in enumerate(device.stream(_inputs(reader, in_flight))):
            if not in_flight or result.frame != number:
                raise FirebrickError(f"the device answers frame {result.frame} where {number} is due; that is a fault of the device")
            logger.debug("frame %d: %.1f ms, %d in flight", number, 1000 * result.seconds, len(in_flight))
            yield Prediction(number, in_flight.popleft(), _top5(device.model, result), result.seconds, result.scores)
    finally:
        reader.close()
    if number < 0 and reader.error is None and not reader.stopped:
        reader.error = FirebrickError(reader.source.problem or f"{reader.source.name} holds no image; name another source")
    if reader.error is not None:
        raise reader.error
    if in_flight:
        raise FirebrickError(f"the device left {len(in_flight)} frames unanswered; check whether it is still connected")


def _inputs(reader: FrameReader, in_flight: deque[Frame]) -> Iterator[NDArray[np.uint8]]:
    """The network's inputs; the frame of each is appended to ``in_flight``, from where its prediction takes it."""
    for frame, pixels in reader:
        in_flight.append(frame)
        yield pixels


def _top5(model: Model, result: FrameResult) -> list[ClassScore] | None:
    return None if result.scores is None else top_k(model, result.scores, min(5, model.network.classes))
