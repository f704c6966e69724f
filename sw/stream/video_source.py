# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Videos and cameras, decoded by FFmpeg through PyAV."""

import re
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from ..errors import FirebrickError
from ..utils.distribution import install_extra
from .source import Frame, FrameSource
from .timeline import Timeline
from .video_frames import alpha_codec, main_stream, pixel_aspect, shown_size, to_image

if TYPE_CHECKING:
    from av import VideoCodecContext, VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

MAX_PIXELS = 40_000_000
"""Videos with more pixels per frame are rejected; 8K has 33 million."""
_USUAL_RATE = 25  # frames per second, where a file says nothing
CAMERA_FILE = re.compile(r"/dev/(video\d+|v4l/by-(id|path)/[^/]+)")
"""Files of cameras; udev makes the links in /dev/v4l."""
FORMATS = "mov,matroska,avi,mpegts,mpeg,flv,ogg,asf,ivf,h264,hevc,m4v,mjpeg,yuv4mpegpipe"
"""Container formats that are accepted. Playlists are not among them, since they name other files."""


def check_av() -> None:
    """Raise FirebrickError unless PyAV is installed."""
    if find_spec("av") is None:
        raise FirebrickError(f"PyAV, which reads and writes videos, is missing; {install_extra('stream')}")


class VideoFile(FrameSource):
    """A video file; damaged frames are skipped."""

    def __init__(self, path: Path) -> None:
        check_av()
        self.name = str(path)
        self._path = path

    def frames(self) -> Iterator[Frame]:
        """See ``FrameSource``."""
        import av

        if self._path.is_dir() or not self._path.exists():
            raise FirebrickError(f"{self._path} is not a file; name a video")
        try:
            options = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
            container = av.open(f"file:{self._path}", container_options=options)
        except (av.FFmpegError, OSError, ValueError) as problem:
            raise FirebrickError(f"{self._path} cannot be read as a video; give an MP4, WebM, Matroska, AVI or similar file") from problem
        timeline: Timeline | None = None
        for frame, image, stream in _decoded(self, container):
            timeline = timeline or Timeline(1 / float(stream.average_rate or _USUAL_RATE))
            yield Frame(image, timeline.next(frame.time))


class Camera(FrameSource):
    """A camera of this machine, read through Video4Linux.

    Its name is ``camera``, ``camera:1``, ``/dev/video1``, or a lasting one: numbers change when cameras are plugged in, but the links in
    ``/dev/v4l/by-id`` and ``/dev/v4l/by-path`` do not.
    """

    live = True

    def __init__(self, name: str) -> None:
        check_av()
        number = name.removeprefix("camera").removeprefix(":") or "0"
        self.name = name
        self._file = name if name.startswith("/dev/") else f"/dev/video{number}"
        if not CAMERA_FILE.fullmatch(self._file):
            raise FirebrickError(f"camera {name} must be `camera`, `camera:N` for the file /dev/videoN, or a file in /dev/v4l/by-id")
        if not sys.platform.startswith("linux"):
            raise FirebrickError("cameras can be read on Linux only; elsewhere use the browser's with `firebrick serve`")

    def frames(self) -> Iterator[Frame]:
        """See ``FrameSource``."""
        import av

        try:
            container = self.open()
        except (av.FFmpegError, OSError, ValueError) as problem:
            reason = getattr(problem, "strerror", None) or "it gives no video"
            raise FirebrickError(
                f"{self.name} cannot be opened as a camera, {self._file}: {reason}; see `ls /dev/video* /dev/v4l/by-id/*`"
            ) from problem
        start = time.monotonic()
        for _, image, _ in _decoded(self, container):
            yield Frame(image, time.monotonic() - start)
        raise FirebrickError(f"{self.name} gives no more frames; was it unplugged?")

    def open(self) -> "InputContainer":
        """Open the camera."""
        import av

        return av.open(self._file, format="v4l2")


def _decoded(source: FrameSource, container: "InputContainer") -> Iterator[tuple["VideoFrame", Image.Image, "VideoStream"]]:
    """The undamaged frames of the first video stream that is no cover art, each with its image and the stream; damaged ones are skipped.

    Closes the container at the end.
    """
    import av

    with container:
        stream = main_stream(container)
        if stream is None:
            raise FirebrickError(f"{source.name} holds no video stream; name a video file")
        if getattr(stream, "codec_context", None) is None:
            raise FirebrickError(f"{source.name} uses an unknown codec; convert it to H.264, for example")
        aspect = pixel_aspect(stream)
        width, height = shown_size(stream.width, stream.height, aspect)
        if width * height > MAX_PIXELS:
            raise FirebrickError(f"{source.name} has frames of {width}x{height} pixels; the maximum is {MAX_PIXELS // 10**6} megapixels")
        strict = {} if source.live else {"err_detect": "crccheck+explode"}  # streams of cameras often break the standard in harmless ways
        stream.codec_context.options = {"max_pixels": str(MAX_PIXELS), **strict}
        stream.thread_type = "AUTO"
        decoder = _alpha_decoder(stream)
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError) as problem:
                source.skip(f"{source.name} cannot be read further ({problem.strerror})")
                packet = None
            except IndexError:  # PyAV flushes streams that came up after it had opened the file; ours, an earlier one, has been flushed
                source.skip(f"{source.name} has packets of a stream that its beginning does not name")
                packet = None
            if packet is None:
                return
            try:
                frames: list[Any] = list(packet.decode() if decoder is None else decoder.decode(packet))
            except (av.FFmpegError, OSError) as problem:
                source.skip(f"{source.name} has a damaged frame ({problem.strerror})")
                continue
            for frame in frames:
                try:
                    image = None if frame.is_corrupt else to_image(frame, aspect)
                except (av.FFmpegError, OSError, ValueError):  # a pixel format that cannot be converted
                    image = None
                if image is None:
                    source.skip(f"{source.name} has a damaged frame")
                else:
                    yield frame, image, stream


def _alpha_decoder(stream: "VideoStream") -> "VideoCodecContext | None":
    """A decoder that keeps a WebM's transparency; None where the stream's own decoder will do, or FFmpeg was built without another."""
    import av

    name = alpha_codec(stream)
    if name is None or name not in av.codecs_available:
        return None
    decoder: VideoCodecContext = av.CodecContext.create(name, "r")  # type: ignore[assignment]
    decoder.extradata = stream.codec_context.extradata
    decoder.options = {"max_pixels": str(MAX_PIXELS)}
    return decoder
