# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A video file of annotated frames."""

import os
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from ..errors import FirebrickError
from ..reports.annotated_image import PANEL_WIDTH, annotate
from .inference import Prediction
from .rate_meter import RateMeter
from .sinks import PredictionSink
from .video_source import check_av

if TYPE_CHECKING:
    from PIL import Image

FRAME_SIZE = (960 + PANEL_WIDTH, 540)
"""Columns and rows of a frame."""
TICKS_PER_SECOND = 90_000
"""Ticks a second of the frames' times."""


class VideoSink(PredictionSink):
    """An MP4 (H.264) of each frame with its likeliest classes, at the source's pace.

    The file is there when the sink is closed, with every frame up to then, whatever ended the stream; where it could not be written, or
    there was no frame, an older file stays as it was.

    Args:
        path: must end in .mp4.
        meter: whose figures are shown.
    """

    def __init__(self, path: Path, meter: RateMeter) -> None:
        check_av()
        if path.suffix.lower() != ".mp4":
            raise FirebrickError(f"the video {path} must end in .mp4")
        self._path, self._meter = path, meter
        self._partial = path.with_name(f".{path.name}.{os.getpid()}")
        self._writer: _Writer | None = None
        self._failed = False

    def show(self, sighting: Prediction) -> None:
        """See ``PredictionSink``; the first one makes the file."""
        meter = self._meter
        footer = f"{meter.rate:.1f} frames a second, {1000 * sighting.latency:.1f} ms"
        title = "damaged on its way" if sighting.top5 is None else sighting.frame.name or f"frame {sighting.number}"
        picture = annotate(sighting.frame.image, FRAME_SIZE, title, sighting.top5 or (), footer)
        try:
            if self._writer is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._writer = _Writer(self._partial)
            self._writer.add(picture, sighting.frame.timestamp)
        except OSError as problem:
            raise self._failure(problem) from problem

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if self._writer is not None and not self._failed:
                self._writer.finish()
                self._partial.replace(self._path)
        except OSError as problem:
            raise self._failure(problem) from problem
        finally:
            if self._writer is not None:
                self._writer.abandon()
            with suppress(OSError):  # there is none, or no folder for it
                self._partial.unlink()

    def _failure(self, problem: OSError) -> FirebrickError:
        self._failed = True
        reason = os.strerror(problem.errno) if problem.errno else "unknown error"
        return FirebrickError(f"cannot write {self._path}: {reason}; name a file in a folder that you can write to, with room")


class _Writer:
    """The encoder and its file."""

    def __init__(self, path: Path) -> None:
        import av

        self._file = path.open("wb")
        self._container = av.open(self._file, "w", format="mp4")
        self._stream = self._container.add_stream("libx264", rate=30, options={"preset": "veryfast", "crf": "21"})
        self._stream.width, self._stream.height = FRAME_SIZE
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = self._clock = Fraction(1, TICKS_PER_SECOND)
        self._last = -1

    def add(self, picture: "Image.Image", at: float) -> None:
        import av

        frame = av.VideoFrame.from_image(picture)
        self._last = max(round(at * TICKS_PER_SECOND), self._last + 1)
        frame.pts, frame.time_base = self._last, self._clock
        self._container.mux(self._stream.encode(frame))

    def abandon(self) -> None:
        """Close the file as it is."""
        with suppress(OSError):
            self._container.close()
        with suppress(OSError):
            self._file.close()

    def finish(self) -> None:
        self._container.mux(self._stream.encode(None))
        self._container.close()
        self._file.close()
