# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A thread that streams one source after the other through the device, and shows what comes of it."""

import io
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from PIL import Image, ImageOps

from ..driver.device import Device
from ..errors import FirebrickError
from ..model.quantized import Model
from ..stream.frame_reader import FrameReader
from ..stream.inference import Prediction, run_inference
from ..stream.rate_meter import RateMeter
from ..stream.source import FrameSource
from .broadcast import Broadcaster, Snapshot

CLOSE_SECONDS = 1.0
"""Seconds that a source gets to be closed before the next is opened."""
RETRY_SECONDS = 2.0
"""Seconds after which a device that was lost is looked for again."""
SAMPLE_SECONDS = 0.5
"""Seconds between two points of the history."""
HISTORY_POINTS = 240
"""Points kept."""
MAX_IMAGE_SIZE = (960, 720)
"""Columns and rows, at most, of the picture that viewers get."""

log = logging.getLogger(__name__)


class LiveStreamer:
    """Streams what it is told to until it is told otherwise; a source that ends begins again.

    Args:
        device: an open one, closed by ``close``.
        reopen: opens it again after it was lost.
        about: what does not change, for the viewers.
    """

    def __init__(self, device: Device, reopen: Callable[[], Device], about: dict[str, Any]) -> None:
        self.model: Model = device.model
        self._device: Device | None = device
        self._reopen = reopen
        self.source: FrameSource | None = None
        """What is to be shown now."""
        self._wanted: FrameSource | None = None
        self._feed: FrameReader | None = None
        self._closed = False
        self._changed = threading.Condition()
        self._history: deque[tuple[float, float, float]] = deque(maxlen=HISTORY_POINTS)
        self._start = time.monotonic()
        self._counters: dict[str, int] = {}
        self._busy: float | None = None
        self._about = about
        self._picture: bytes | None = None
        self._seen: dict[str, Any] = {}
        self._said = {"status": "waiting", "message": "choose a source"}
        self.broadcaster = Broadcaster(self._view())
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)
        self._thread.start()

    def show(self, source: FrameSource) -> None:
        """Stream this from now on."""
        with self._changed:
            self.source = self._wanted = source
            self._leave()

    def close(self) -> None:
        """End the thread and close the device."""
        with self._changed:
            self._closed = True
            self._leave()
        self._thread.join(5)

    def _leave(self) -> None:
        if self._feed is not None:
            self._feed.stop()
        self._changed.notify_all()

    def _run(self) -> None:
        """What the thread does."""
        source: FrameSource | None = None
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._wanted is not None, None if source is None else RETRY_SECONDS)
                if self._closed:
                    break
                source, self._wanted = self._wanted or source, None
            if source is not None and self._stream(source):
                source = None
        self._lose()

    def _stream(self, source: FrameSource) -> bool:
        """Stream a source to its end; False where the device was lost, so that it should be tried again."""
        feed = FrameReader(source, self.model, loop=True, own_pace=True, timeout=None)
        with self._changed:
            if self._closed or self._wanted is not None:
                return True
            self._feed = feed
        try:
            if self._device is None:
                self._device = self._reopen()
            meter = RateMeter()
            for sighting in run_inference(self._device, feed):
                meter.count(sighting.latency, sighting.top5 is not None)
                self._note(self._device, source, feed, meter, sighting)
        except FirebrickError as problem:
            if problem is feed.error:
                self._say("failed", str(problem))
                return True
            self._lose()
            self._say("lost", f"{problem}; trying again every {RETRY_SECONDS:g} s")
            return False
        except Exception:  # a fault of the program: the page says so and the next source gets its chance
            log.exception("streaming %s", source.name)
            self._say("failed", "a fault of the program; its terminal says more")
            return True
        finally:
            feed.join(CLOSE_SECONDS)
        if not feed.stopped:
            self._say("ended", f"{source.name} has ended")
        return True

    def _lose(self) -> None:
        """Close the device, which may no longer answer."""
        if self._device is not None:
            with suppress(FirebrickError, OSError):
                self._device.close()
        self._device = None

    def _note(self, device: Device, source: FrameSource, feed: FrameReader, meter: RateMeter, sighting: Prediction) -> None:
        moment = time.monotonic() - self._start
        if meter.frames > 1 and (not self._history or moment - self._history[-1][0] >= SAMPLE_SECONDS):
            self._history.append((round(moment, 2), round(meter.rate, 2), round(meter.latency, 6)))
            self._count(device.counters())
        frame = sighting.frame
        self._seen = {
            "source": source.name,
            "frame": sighting.number,
            "name": frame.name,
            "size": frame.image.size,
            "top5": sighting.top5,
            "rate": meter.rate,
            "latency": meter.latency,
            "frames": meter.frames,
            "invalid": meter.invalid,
            "dropped": feed.dropped,
            "damaged": source.damaged,
        }
        if self.broadcaster.count or self._picture is None:
            self._picture = _jpeg(frame.image)
        self._say("running", "")

    def _count(self, counters: dict[str, int]) -> None:
        """Note what the device counts, and the share of cycles in which its engines were busy since the last time."""
        cycles, busy = (counters.get(name, 0) - self._counters.get(name, 0) for name in ("cycles", "busy"))
        self._busy = busy / cycles if cycles > 0 and busy >= 0 else None
        self._counters = counters

    def _say(self, status: str, message: str) -> None:
        self._said = {"status": status, "message": message}
        self.broadcaster.publish(self._view())

    def _view(self) -> Snapshot:
        figures = {"counters": self._counters, "busy": self._busy, "history": list(self._history)}
        return Snapshot({**self._about, **self._said, **self._seen, **figures}, self._picture)


def _jpeg(picture: Image.Image) -> bytes:
    if picture.width > MAX_IMAGE_SIZE[0] or picture.height > MAX_IMAGE_SIZE[1]:
        picture = ImageOps.contain(picture, MAX_IMAGE_SIZE, Image.Resampling.BILINEAR)
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=85)
    return data.getvalue()
