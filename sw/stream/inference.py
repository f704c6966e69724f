# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Frames through a device: each with what the network sees in it."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..driver.device import Device, FrameResult
from ..errors import FirebrickError
from ..golden.top_k import ClassScore, top_k
from ..model.quantized import Model
from .frame_reader import FrameReader
from .source import Frame


@dataclass(frozen=True, eq=False)
class Prediction:
    """One frame and the device's answer."""

    number: int
    """From 0."""
    frame: Frame
    top5: list[ClassScore] | None
    """The five likeliest classes, or all where there are fewer, best first; None where the frame was damaged on its way."""
    latency: float
    """Seconds from when the frame was handed to the device until its scores were there."""


def run_inference(device: Device, feed: FrameReader) -> Iterator[Prediction]:
    """What the device says of each frame, in their order, as soon as it is there.

    When the source fails, or no frame of it can be read, what was sent before is answered first; then ``feed.error`` is raised. Raises
    FirebrickError when the device fails.
    """
    sent: deque[Frame] = deque()
    number = -1
    try:
        for number, result in enumerate(device.stream(_inputs(feed, sent))):
            if not sent or result.frame != number:
                raise FirebrickError(f"the device answers frame {result.frame} where {number} is due; that is a fault of the device")
            yield Prediction(number, sent.popleft(), _guesses(device.model, result), result.seconds)
    finally:
        feed.close()
    if number < 0 and feed.error is None and not feed.stopped:
        feed.error = FirebrickError(feed.source.problem or f"{feed.source.name} holds no picture; name another source")
    if feed.error is not None:
        raise feed.error
    if sent:
        raise FirebrickError(f"the device left {len(sent)} frames unanswered; see whether it is still connected")


def _inputs(feed: FrameReader, sent: deque[Frame]) -> Iterator[NDArray[np.uint8]]:
    """The network's inputs; their frames are noted."""
    for frame, pixels in feed:
        sent.append(frame)
        yield pixels


def _guesses(model: Model, result: FrameResult) -> list[ClassScore] | None:
    return None if result.scores is None else top_k(model, result.scores, min(5, model.network.classes))
