# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Opens a frame source by its name on the command line."""

from pathlib import Path

from ..data.image_folders import images_in
from ..data.image_formats import SUFFIXES
from ..data.images import is_image
from ..errors import FirebrickError
from .image_sources import ImageFiles, TestPattern
from .source import FrameSource

_STREAMS_OF_IMAGES = (".mjpeg", ".mjpg")
"""Suffixes of videos that begin as an image does."""


def open_source(name: str, resize: int, rate: float | None = None) -> FrameSource:
    """The source with this name: ``pattern``, ``camera`` or ``camera:N``, or the path of a video, an image or a folder of images.

    ``resize`` is the short side that images will be scaled to. ``rate`` is the number of frames per second of sources without timestamps
    of their own. Raises FirebrickError if there is no such source.
    """
    if name == "pattern":
        return TestPattern(rate or 25.0)
    if name == "camera" or name.startswith(("camera:", "/dev/video", "/dev/v4l/")):
        from .video_source import Camera

        return Camera(name)
    path = Path(name)
    if path.is_dir():
        return ImageFiles(name, images_in(path), resize, rate or 1.0)
    if not path.exists():
        raise FirebrickError(f"source {name} does not exist; name a video, an image, a folder of images, `camera` or `pattern`")
    if path.suffix.lower() in SUFFIXES or (path.suffix.lower() not in _STREAMS_OF_IMAGES and path.is_file() and is_image(path)):
        return ImageFiles(name, [path], resize, rate or 1.0)
    from .video_source import VideoFile

    return VideoFile(path)
