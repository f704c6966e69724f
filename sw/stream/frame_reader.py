# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Reads a source's frames ahead in a thread: drops old frames of a live source, and gives up a source that stalls."""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..data.images import to_input_frame
from ..errors import FirebrickError
from ..model.quantized import Model
from .source import Frame, FrameSource

TIMEOUT = 10.0
"""Seconds without a frame after which a source is given up."""
READ_AHEAD = 3
"""Frames that are read ahead where none may be dropped."""

PreparedFrame = tuple[Frame, NDArray[np.uint8]]
"""A frame, and the network input made from it: bytes of shape (3, rows, columns)."""

logger = logging.getLogger(__name__)


class FrameReader:
    """An iterator over the frames of a source, scaled and cropped as for `firebrick evaluate`; frames that cannot be used are skipped.

    The reader's thread fills a queue, from which the iterator takes::

        source -> thread: scale, crop -> queue -> iterator -> device
                                           |
                                           live: the newest frame only; otherwise up to READ_AHEAD frames

    The iterator ends when the source ends, at the limit, after ``stop``, or when the source fails: it cannot be opened, it is lost, or it
    gives no frame within the timeout. After a failure ``error`` holds the reason.

    Args:
        source: read by a thread, which starts with the first frame that is requested.
        model: the model whose input the frames become.
        limit: the maximum number of frames.
        loop: start again at the source's end.
        rate: the maximum number of frames per second; a live source gives its newest frame each time.
        real_time: give no frame before its timestamp; a live source is never delayed.
        timeout: seconds to wait for a frame; None waits without limit.
    """

    def __init__(
        self,
        source: FrameSource,
        model: Model,
        *,
        limit: int | None = None,
        loop: bool = False,
        rate: float | None = None,
        real_time: bool = False,
        timeout: float | None = TIMEOUT,
    ) -> None:
        self.source = source
        self.dropped = 0
        """Frames of a live source that arrived faster than they were taken."""
        self.stopped = False
        """Whether ``stop`` was called."""
        self.error: Exception | None = None
        """Why the source failed."""
        self._model, self._limit, self._loop, self._rate = model, limit, loop, rate
        self._real_time, self._timeout = real_time and not source.live, timeout
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._queue: deque[PreparedFrame] = deque()
        self._ended = False
        self._closed = False

    def stop(self) -> None:
        """End the iterator, even while it waits. May be called from any thread and from a signal handler."""
        with self._changed:
            self.stopped = True
            self.close()

    def close(self) -> None:
        """End the thread as soon as it has a frame; a second call does nothing."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def join(self, seconds: float) -> None:
        """Wait for the thread's end, after which another reader may open the source."""
        if self._thread is not None:
            self._thread.join(seconds)

    def __iter__(self) -> Iterator[PreparedFrame]:
        self._thread = threading.Thread(target=self._read, name="source", daemon=True)
        self._thread.start()
        start = time.monotonic()
        count = 0
        while self._limit is None or count < self._limit:
            if self._rate is not None:
                self._sleep_until(start + count / self._rate)
            prepared = self._next()
            if prepared is not None and self._real_time:
                self._sleep_until(start + prepared[0].timestamp)
            if prepared is None or self._closed:
                break
            count += 1
            yield prepared
        self.close()

    def _next(self) -> PreparedFrame | None:
        """The next frame, as soon as there is one; None at the end."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._queue or self._ended or self._closed, self._timeout):
                hint = "check whether it still runs, or allow more time with --timeout"
                self.error = FirebrickError(f"{self.source.name} gave no frame for {self._timeout:g} s; {hint}")
                return None
            if self._closed or not self._queue:
                return None
            self._changed.notify_all()
            return self._queue.popleft()

    def _sleep_until(self, moment: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed, max(0.0, moment - time.monotonic()))

    def _read(self) -> None:
        """The body of the thread."""
        logger.info("reading %s", self.source.name)
        try:
            for prepared in self._prepared_frames():
                if not self._put(prepared):
                    return
        except Exception as problem:  # any failure is reported to the caller of the iterator, which runs in another thread
            self.error = problem
        finally:
            logger.info("%s has ended or was closed; %d frames dropped", self.source.name, self.dropped)
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _prepared_frames(self) -> Iterator[PreparedFrame]:
        """The frames of one pass through the source, or of one pass after another; timestamps increase over all passes."""
        pass_start = 0.0
        while True:
            last, period = None, 1.0
            for frame in self.source.frames():
                try:
                    pixels = to_input_frame(frame.scaled or frame.image, self._model.preprocessing, self._model.network.input)
                except FirebrickError as problem:
                    self.source.skip(f"{frame.name or self.source.name}: {problem}")
                    continue
                period = period if last is None else frame.timestamp - last
                last = frame.timestamp
                yield Frame(frame.image, pass_start + frame.timestamp, frame.name), pixels
            if not self._loop or last is None:
                return
            pass_start += last + period  # the next pass starts one frame period after the last frame

    def _put(self, prepared: PreparedFrame) -> bool:
        """Append a frame to the queue; False once no more frames are needed."""
        with self._changed:
            if self.source.live:
                self.dropped += len(self._queue)
                self._queue.clear()
            else:
                self._changed.wait_for(lambda: len(self._queue) < READ_AHEAD or self._closed)
            self._queue.append(prepared)
            self._changed.notify_all()
            return not self._closed
