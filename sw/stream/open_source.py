# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Where frames come from: pictures, a test pattern, and by their names videos and cameras."""

from pathlib import Path

from ..data.images import SUFFIXES, images_in
from ..errors import FirebrickError
from .image_sources import ImageFiles, TestPattern
from .source import FrameSource


def open_source(name: str, least: int, rate: float | None = None) -> FrameSource:
    """A source by its name: ``pattern``, ``camera`` or ``camera:N``, or the path of a video, a picture or a folder of pictures.

    ``least`` is the side that pictures are read with at least, ``rate`` the pictures a second of what has no time of its own. Raises
    FirebrickError where there is no such source.
    """
    if name == "pattern":
        return TestPattern(rate or 25.0)
    if name == "camera" or name.startswith(("camera:", "/dev/video")):
        from .video_source import Camera

        return Camera(name)
    path = Path(name)
    if path.is_dir():
        return ImageFiles(name, images_in(path), least, rate or 1.0)
    if not path.exists():
        raise FirebrickError(f"source {name} does not exist; name a video, a picture, a folder of pictures, `camera` or `pattern`")
    if path.suffix.lower() in SUFFIXES:
        return ImageFiles(name, [path], least, rate or 1.0)
    from .video_source import Video

    return Video(path)
