# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Opens a frame source by its name on the command line."""

from pathlib import Path

from ..data.images import SUFFIXES, images_in
from ..errors import FirebrickError
from .image_sources import ImageFiles, TestPattern
from .source import FrameSource


def open_source(name: str, min_side: int, rate: float | None = None) -> FrameSource:
    """The source with this name: ``pattern``, ``camera`` or ``camera:N``, or the path of a video, an image or a folder of images.

    ``min_side`` is for ``open_image``. ``rate`` is the number of frames per second of sources
    without timestamps of their own. Raises FirebrickError if there is no such source.
    """
    if name == "pattern":
        return TestPattern(rate or 25.0)
    if name == "camera" or name.startswith(("camera:", "/dev/video", "/dev/v4l/")):
        from .video_source import Camera

        return Camera(name)
    path = Path(name)
    if path.is_dir():
        return ImageFiles(name, images_in(path), min_side, rate or 1.0)
    if not path.exists():
        raise FirebrickError(f"source {name} does not exist; name a video, an image, a folder of images, `camera` or `pattern`")
    if path.suffix.lower() in SUFFIXES:
        return ImageFiles(name, [path], min_side, rate or 1.0)
    from .video_source import VideoFile

    return VideoFile(path)
