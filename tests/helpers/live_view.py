# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Faulty devices, and sources and videos with known pixels, for the tests of streams and of the live view."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from firebrick.sw import golden
from firebrick.sw.driver.device import Device, FrameResult
from firebrick.sw.errors import FirebrickError
from firebrick.sw.model.quantized import Model
from firebrick.sw.stream.source import Frame, FrameSource


class FakeDevice(Device):
    """A device that gives the golden model's scores, with configurable faults.

    Args:
        ahead: frames that it takes before the first result, as a pipelined device does.
        delay: seconds per frame.
        invalid: indices of frames that are damaged on the link.
        lost_at: index of the frame at which the device is unplugged.
        ends_at: index of the frame at which the device stops answering without an error.
        counters: gives the device's counters after a number of frames.
    """

    def __init__(
        self,
        model: Model,
        *,
        ahead: int = 1,
        delay: float = 0.0,
        invalid: Sequence[int] = (),
        lost_at: int | None = None,
        ends_at: int | None = None,
        counters: Callable[[int], dict[str, int]] = lambda frames: {"frames": frames},
    ) -> None:
        self.model = model
        self.closed = 0
        self.taken = 0
        self.frames = 0
        self._ahead, self._delay, self._invalid, self._lost_at, self._ends_at = ahead, delay, invalid, lost_at, ends_at
        self._counters = counters

    def stream(self, frames: Iterable[NDArray[np.uint8]]) -> Iterator[FrameResult]:
        taken: deque[NDArray[np.uint8]] = deque()
        number = 0
        source = iter(frames)
        more = True
        while True:
            while more and len(taken) < self._ahead:
                frame = next(source, None)
                more = frame is not None
                if frame is not None:
                    self.taken += 1
                    taken.append(frame)
            if not taken or number == self._ends_at:
                return
            if number == self._lost_at:
                raise FirebrickError("the device does not answer; see whether it is still connected")
            time.sleep(self._delay)
            scores = golden.run(self.model, taken.popleft()[np.newaxis])[0]
            self.frames += 1
            yield FrameResult(number, None if number in self._invalid else scores, self._delay)
            number += 1

    def counters(self) -> dict[str, int]:
        return self._counters(self.frames)

    def close(self) -> None:
        self.closed += 1


class ListSource(FrameSource):
    """A list of images, one for each tenth of a second.

    Args:
        live: whether frames may be dropped.
        pause: seconds before each frame.
        then: called after the last frame.
    """

    name = "list"

    def __init__(
        self, images: Sequence[Image.Image], *, live: bool = False, pause: float = 0.0, then: Callable[[], None] = lambda: None
    ) -> None:
        self.live = live
        self._images, self._pause, self._then = images, pause, then

    def frames(self) -> Iterator[Frame]:
        for number, image in enumerate(self._images):
            time.sleep(self._pause)
            yield Frame(image, number / 10)
        self._then()


def noise(count: int, width: int = 40, height: int = 36, seed: int = 0) -> list[Image.Image]:
    """Images of noise, all different."""
    rng = np.random.default_rng(seed)
    return [Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)) for _ in range(count)]


def write_video(path: Path, images: Sequence[Image.Image], rate: int = 10, codec: str = "png", pixels: str = "rgb24") -> None:
    """Write a video. The codec PNG is lossless, and its checksums reveal damage."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = *images[0].size, pixels
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_image(image)))
        container.mux(stream.encode(None))
