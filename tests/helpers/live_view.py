# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Devices that misbehave, and sources and videos that are known to the pixel, for the tests of streams and of the live view."""

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
    """The golden model's scores, with the flaws that are asked for.

    Args:
        ahead: frames that it takes before the first result, as a device does whose link is a pipeline.
        delay: seconds that each takes.
        invalid: frames that are damaged on their way.
        lost_at: frame in whose place the device is unplugged.
        ends_at: frame at which it stops answering without a word.
        counters: what it counts.
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
    """Given pictures, one for each tenth of a second.

    Args:
        live: whether frames may be dropped.
        pause: seconds before each.
        then: called when all were given.
    """

    name = "list"

    def __init__(
        self, pictures: Sequence[Image.Image], *, live: bool = False, pause: float = 0.0, then: Callable[[], None] = lambda: None
    ) -> None:
        self.live = live
        self._pictures, self._pause, self._then = pictures, pause, then

    def frames(self) -> Iterator[Frame]:
        for number, picture in enumerate(self._pictures):
            time.sleep(self._pause)
            yield Frame(picture, number / 10)
        self._then()


def noise(count: int, width: int = 40, height: int = 36, seed: int = 0) -> list[Image.Image]:
    """Pictures of noise, all different."""
    rng = np.random.default_rng(seed)
    return [Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)) for _ in range(count)]


def write_video(path: Path, pictures: Sequence[Image.Image], rate: int = 10, codec: str = "png", pixels: str = "rgb24") -> None:
    """A video; PNG keeps every pixel as it is, with checksums."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = *pictures[0].size, pixels
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode(None))
