# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Writes annotated frames to a video file."""

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
"""Width and height of a frame."""
TICKS_PER_SECOND = 90_000
"""Resolution of the timestamps in the file."""


class VideoSink(PredictionSink):
    """An MP4 (H.264) of each frame with its top-5 classes, with the timestamps of the source.

    Closing the sink puts the file in place with every frame so far, whatever ended the stream. If it could not be written, or there was no
    frame, an older file stays as it was.

    Args:
        path: must end in .mp4.
        meter: gives the frame rate that the video shows.
    """

    def __init__(self, path: Path, meter: RateMeter) -> None:
        check_av()
        if path.suffix.lower() != ".mp4":
            raise FirebrickError(f"the video {path} must end in .mp4")
        self._path, self._meter = path, meter
        self._partial = path.with_name(f".{path.name}.{os.getpid()}")
        self._writer: _Writer | None = None
        self._failed = False

    def show(self, prediction: Prediction) -> None:
        """See ``PredictionSink``; the first prediction creates the file."""
        meter = self._meter
        footer = f"{meter.rate:.1f} frames/s, {1000 * prediction.latency:.1f} ms"
        title = "damaged on the link" if prediction.top5 is None else prediction.frame.name or f"frame {prediction.number}"
        image = annotate(prediction.frame.image, FRAME_SIZE, title, prediction.top5 or (), footer)
        try:
            if self._writer is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._writer = _Writer(self._partial)
            self._writer.add(image, prediction.frame.timestamp)
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
            with suppress(OSError):  # there may be neither file nor folder
                self._partial.unlink()

    def _failure(self, problem: OSError) -> FirebrickError:
        self._failed = True
        reason = os.strerror(problem.errno) if problem.errno else "unknown error"
        return FirebrickError(f"cannot write {self._path}: {reason}; name a file in a folder with write permission and free space")


class _Writer:
    """The encoder and the file that it writes to."""

    def __init__(self, path: Path) -> None:
        import av

        self._file = path.open("wb")
        self._container = av.open(self._file, "w", format="mp4")
        self._stream = self._container.add_stream("libx264", rate=30, options={"preset": "veryfast", "crf": "21"})
        self._stream.width, self._stream.height = FRAME_SIZE
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = self._clock = Fraction(1, TICKS_PER_SECOND)
        self._last = -1

    def add(self, image: "Image.Image", timestamp: float) -> None:
        import av

        frame = av.VideoFrame.from_image(image)
        # timestamps must increase; two frames of a source may have the same one
        self._last = max(round(timestamp * TICKS_PER_SECOND), self._last + 1)
        frame.pts, frame.time_base = self._last, self._clock
        self._container.mux(self._stream.encode(frame))

    def abandon(self) -> None:
        """Close the file without finishing the video."""
        with suppress(OSError):
            self._container.close()
        with suppress(OSError):
            self._file.close()

    def finish(self) -> None:
        self._container.mux(self._stream.encode(None))
        self._container.close()
        self._file.close()
