# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A source's frames, read ahead by a thread of its own: old ones of a live source are dropped, one that stalls is given up."""

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
"""A frame, and the network's input made of it: bytes of shape (3, rows, columns)."""


class FrameReader:
    """An iterator over the frames of a source, scaled and cropped as for `firebrick evaluate`; what cannot be is passed over.

    It ends with the source, at the limit, when stopped, or when the source fails: it cannot be opened, is lost, or gives nothing for too
    long; then ``error`` says so.

    Args:
        source: read by a thread, which begins with the first frame that is asked for.
        model: that the frames are for.
        limit: frames, at most.
        loop: begin again at the source's end.
        rate: frames a second, at most; a live source gives its newest each time.
        own_pace: none before its time in the source.
        timeout: seconds to wait for a frame; None waits for ever.
    """

    def __init__(
        self,
        source: FrameSource,
        model: Model,
        *,
        limit: int | None = None,
        loop: bool = False,
        rate: float | None = None,
        own_pace: bool = False,
        timeout: float | None = TIMEOUT,
    ) -> None:
        self.source = source
        self.dropped = 0
        """Frames of a live source that came too fast."""
        self.stopped = False
        """By ``stop``."""
        self.error: Exception | None = None
        """Why the source failed."""
        self._model, self._limit, self._loop, self._rate = model, limit, loop, rate
        self._own_pace, self._timeout = own_pace and not source.live, timeout
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._waiting: deque[PreparedFrame] = deque()
        self._ended = False
        self._closed = False

    def stop(self) -> None:
        """End the iterator, even while it waits; from any thread, and from a signal's handler."""
        with self._changed:
            self.stopped = True
            self.close()

    def close(self) -> None:
        """End the thread as soon as it has a frame; a second call does nothing."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def join(self, seconds: float) -> None:
        """Wait for the thread's end, after which the source may be opened by another feed."""
        if self._thread is not None:
            self._thread.join(seconds)

    def __iter__(self) -> Iterator[PreparedFrame]:
        self._thread = threading.Thread(target=self._read, name="source", daemon=True)
        self._thread.start()
        start = time.monotonic()
        given = 0
        while self._limit is None or given < self._limit:
            if self._rate is not None:
                self._sleep_until(start + given / self._rate)
            ready = self._next()
            if ready is not None and self._own_pace:
                self._sleep_until(start + ready[0].timestamp)
            if ready is None or self._closed:
                break
            given += 1
            yield ready
        self.close()

    def _next(self) -> PreparedFrame | None:
        """The next frame, as soon as it is there; None at the end."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting or self._ended or self._closed, self._timeout):
                clue = "see whether it still runs, or allow more with --timeout"
                self.error = FirebrickError(f"{self.source.name} gave no picture for {self._timeout:g} s; {clue}")
                return None
            if self._closed or not self._waiting:
                return None
            self._changed.notify_all()
            return self._waiting.popleft()

    def _sleep_until(self, moment: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed, max(0.0, moment - time.monotonic()))

    def _read(self) -> None:
        """What the thread does."""
        try:
            for ready in self._passes():
                if not self._put(ready):
                    return
        except Exception as problem:  # whatever it is, it is for whoever asks for the frames
            self.error = problem
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _passes(self) -> Iterator[PreparedFrame]:
        """The frames of one pass through the source, or of pass after pass, with times that go on."""
        begin = 0.0
        while True:
            last, step = None, 1.0
            for frame in self.source.frames():
                try:
                    pixels = to_input_frame(frame.image, self._model.preprocessing, self._model.network.input)
                except FirebrickError as problem:
                    self.source.skip(f"{frame.name or self.source.name}: {problem}")
                    continue
                step = step if last is None else frame.timestamp - last
                last = frame.timestamp
                yield Frame(frame.image, begin + frame.timestamp, frame.name), pixels
            if not self._loop or last is None:
                return
            begin += last + step

    def _put(self, ready: PreparedFrame) -> bool:
        """Hand a frame over; False where none is wanted any more."""
        with self._changed:
            if self.source.live:
                self.dropped += len(self._waiting)
                self._waiting.clear()
            else:
                self._changed.wait_for(lambda: len(self._waiting) < READ_AHEAD or self._closed)
            self._waiting.append(ready)
            self._changed.notify_all()
            return not self._closed
