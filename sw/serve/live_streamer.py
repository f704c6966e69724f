# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Streams one source after another through the device, in a thread, and broadcasts the predictions."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from PIL import Image

from ..driver.device import Device
from ..errors import FirebrickError
from ..model.quantized import Model
from ..stream.frame_reader import FrameReader
from ..stream.inference import Prediction, run_inference
from ..stream.rate_meter import RateMeter
from ..stream.source import FrameSource
from .board_view import BoardFrame, BoardView
from .broadcast import Broadcaster, Snapshot
from .frame_image import FrameImage

CLOSE_SECONDS = 1.0
"""Seconds to wait for a source to close before the next one is opened."""
RETRY_SECONDS = 2.0
"""Seconds between two attempts to reopen a device that was lost."""
SAMPLE_SECONDS = 0.5
"""Seconds between two points of the charts."""
HISTORY_POINTS = 240
"""Points that the charts show."""

logger = logging.getLogger(__name__)


class LiveStreamer:
    """Streams the source that ``show`` was given last; a source that ends starts again.

    Status, as the page shows it::

        waiting --show--> running --end--> ended
                            | |
                            | +--the source cannot be read--> failed
                            +----the device does not answer--> lost --reopened--> running

    Args:
        device: an open device, which ``close`` closes.
        reopen: opens the device again after it was lost.
        about: the constant part of the state that is broadcast.
    """

    def __init__(self, device: Device, reopen: Callable[[], Device], about: dict[str, Any]) -> None:
        self.model: Model = device.model
        self._device: Device | None = device
        self._reopen = reopen
        self.source: FrameSource | BoardView | None = None
        """The source that was selected last."""
        self._next_source: FrameSource | BoardView | None = None
        self._reader: FrameReader | None = None
        self._closed = False
        self._changed = threading.Condition()
        self._history: deque[tuple[float, float, float]] = deque(maxlen=HISTORY_POINTS)
        self._start = time.monotonic()
        self._counters: dict[str, int] = {}
        self._busy: float | None = None
        self._about = about
        self._image: FrameImage | None = None
        self._latest: dict[str, Any] = {}
        self._status = {"status": "waiting", "message": "select a source"}
        self.broadcaster = Broadcaster(self._snapshot())
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)
        self._thread.start()

    def show(self, source: FrameSource | BoardView) -> None:
        """Stream this source from now on."""
        with self._changed:
            self.source = self._next_source = source
            self._stop_reader()

    def close(self) -> None:
        """End the thread, and close the device."""
        with self._changed:
            self._closed = True
            self._stop_reader()
        self._thread.join(5)

    def _stop_reader(self) -> None:
        if self._reader is not None:
            self._reader.stop()
        self._changed.notify_all()

    def _run(self) -> None:
        """The body of the thread."""
        source: FrameSource | BoardView | None = None
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._next_source is not None, None if source is None else RETRY_SECONDS)
                if self._closed:
                    break
                source, self._next_source = self._next_source or source, None
            if source is not None and (self._watch(source) if isinstance(source, BoardView) else self._stream(source)):
                source = None
        self._close_device()

    def _watch(self, view: BoardView) -> bool:
        """Show the board's own camera until another source is selected; False if the board was lost, as of ``_stream``."""
        self._close_device()  # the camera has a session of its own
        self._image, self._latest = None, {}
        self._set_status("waiting", f"taking a picture of the {view.name}")
        try:
            meter = RateMeter()
            for seen in view.frames():
                meter.count(seen.seconds, True)
                self._update_board(view, meter, seen)
                if self._closed or self._next_source is not None:
                    break
        except FirebrickError as problem:
            if view.found:
                self._set_lost(problem)
            else:
                self._set_status("failed", str(problem))
            return not view.found
        except Exception:  # a bug: the page reports it, and another source can be selected
            logger.exception("watching %s", view.name)
            self._set_status("failed", "internal error; see the server's terminal")
        return True

    def _stream(self, source: FrameSource) -> bool:
        """Stream a source to its end; False if the device was lost, so that the source should be tried again."""
        reader = FrameReader(source, self.model, loop=True, real_time=True, timeout=None)
        with self._changed:
            if self._closed or self._next_source is not None:
                return True
            self._reader = reader
        try:
            if self._device is None:
                self._device = self._reopen()
            meter = RateMeter()
            for prediction in run_inference(self._device, reader):
                meter.count(prediction.latency, prediction.top5 is not None)
                self._update(self._device, source, reader, meter, prediction)
        except FirebrickError as problem:
            if problem is reader.error:
                self._set_status("failed", str(problem))
                return True
            self._close_device()
            self._set_lost(problem)
            return False
        except Exception:  # a bug: the page reports it, and another source can be selected
            logger.exception("streaming %s", source.name)
            self._set_status("failed", "internal error; see the server's terminal")
            return True
        finally:
            reader.join(CLOSE_SECONDS)
        if not reader.stopped:
            self._set_status("ended", f"{source.name} has ended")
        return True

    def _close_device(self) -> None:
        """Close the device, even if it no longer answers."""
        if self._device is not None:
            with suppress(FirebrickError, OSError):
                self._device.close()
        self._device = None

    def _update(self, device: Device, source: FrameSource, reader: FrameReader, meter: RateMeter, prediction: Prediction) -> None:
        self._sample(meter, device.counters)
        frame = prediction.frame
        self._latest = {
            "source": source.name,
            "frame": prediction.number,
            "name": frame.name,
            "size": frame.image.size,
            "top5": prediction.top5,
            "rate": meter.rate,
            "latency": meter.latency,
            "frames": meter.frames,
            "invalid": meter.invalid,
            "dropped": reader.dropped,
            "damaged": source.damaged,
        }
        self._show_image(frame.image)

    def _update_board(self, view: BoardView, meter: RateMeter, seen: BoardFrame) -> None:
        self._sample(meter, seen.counters)
        shown = self._latest
        if seen.check:
            shown = {"check": seen.check}
        if seen.picture is not None:
            shown |= {"size": seen.picture.size, "picture": meter.frames - 1}
        shape = self.model.network.input
        self._latest = {
            "source": view.name,
            "frame": meter.frames - 1,
            "name": "",
            "size": shown.get("size", (shape.width, shape.height)),
            "top5": seen.top5,
            "rate": meter.rate,
            "latency": meter.latency,
            "frames": meter.frames,
            "invalid": 0,
            "dropped": 0,
            "damaged": 0,
            "picture": shown.get("picture"),
            "check": shown.get("check", ""),
        }
        self._show_image(seen.picture)

    def _sample(self, meter: RateMeter, counters: Callable[[], dict[str, int]]) -> None:
        """Add a point to the charts, and read the counters, now and then."""
        moment = time.monotonic() - self._start
        if meter.frames > 1 and (not self._history or moment - self._history[-1][0] >= SAMPLE_SECONDS):
            self._history.append((round(moment, 2), round(meter.rate, 2), round(meter.latency, 6)))
            self._update_counters(counters())

    def _show_image(self, image: Image.Image | None) -> None:
        """Publish the newest frame, with its image, or with the image before if it has none."""
        if image is not None:
            self._image = FrameImage(image)
            if self.broadcaster.count:
                self._image.jpeg()  # in this thread, not in that of all connections
        self._set_status("running", "")

    def _update_counters(self, counters: dict[str, int]) -> None:
        """Store the device's counters, and the fraction of cycles since the last call in which its engines were busy."""
        cycles, busy = (counters.get(name, 0) - self._counters.get(name, 0) for name in ("cycles", "busy"))
        self._busy = busy / cycles if cycles > 0 and busy >= 0 else None
        self._counters = counters

    def _set_lost(self, problem: FirebrickError) -> None:
        self._set_status("lost", f"{problem}; trying again every {RETRY_SECONDS:g} s")

    def _set_status(self, status: str, message: str) -> None:
        if status != self._status["status"]:
            logger.info("%s %s", status, message or self._latest.get("source", ""))
        self._status = {"status": status, "message": message}
        self.broadcaster.publish(self._snapshot())

    def _snapshot(self) -> Snapshot:
        figures = {"counters": self._counters, "busy": self._busy, "history": list(self._history)}
        return Snapshot({**self._about, **self._status, **self._latest, **figures}, self._image)
