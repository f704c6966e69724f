# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Receives an image or a video into a folder, within limits, and checks it before it is shown."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from PIL import UnidentifiedImageError

from ..data.images import open_image
from ..errors import FirebrickError
from ..stream.image_sources import ImageFiles
from ..stream.source import FrameSource
from ..stream.video_source import VideoFile

UPLOAD_SECONDS = 300.0
"""Time limit for an upload."""
MAX_NAME = 100


class Uploads:
    """Receives one file at a time, and keeps only the newest.

    Args:
        folder: a folder for uploads alone.
        limit: the maximum number of bytes.
        min_side: pixels that each side of a large JPEG keeps when it is decoded at a reduced size, see ``open_image``.
    """

    def __init__(self, folder: Path, limit: int, min_side: int) -> None:
        self.limit = limit
        self._folder, self._min_side = folder, min_side
        self._number = 0
        self._lock = asyncio.Lock()

    async def receive(self, name: str, chunks: AsyncIterator[bytes]) -> FrameSource:
        """Store an upload and open it as a source. Raises TooLargeError, or FirebrickError if it is neither an image nor a video."""
        if self._lock.locked():
            raise FirebrickError("another upload is in progress; try again when it has ended")
        async with self._lock:
            self._number += 1
            path = self._folder / f"upload-{self._number}"
            name = "".join(letter for letter in name if letter.isprintable())[:MAX_NAME] or "upload"
            try:
                async with asyncio.timeout(UPLOAD_SECONDS):
                    await self._store(path, chunks)
                source = await asyncio.to_thread(self._recognise, path)
            except BaseException as problem:
                path.unlink(missing_ok=True)
                if isinstance(problem, TimeoutError):
                    raise FirebrickError(f"the upload took more than {UPLOAD_SECONDS:g} s; send a smaller file") from problem
                if isinstance(problem, FirebrickError) and not isinstance(problem, TooLargeError):
                    raise FirebrickError(str(problem).replace(str(path), name)) from problem
                raise
            source.name = name
            for other in self._folder.iterdir():
                if other != path:
                    other.unlink()
            return source

    async def _store(self, path: Path, chunks: AsyncIterator[bytes]) -> None:
        with path.open("wb") as file:
            async for chunk in chunks:
                if file.tell() + len(chunk) > self.limit:
                    raise TooLargeError(f"the upload has more than {self.limit / 10**6:g} million bytes; send a smaller file")
                file.write(chunk)

    def _recognise(self, path: Path) -> FrameSource:
        """An image or a video, recognised by its contents; the start of a video is decoded."""
        try:
            open_image(path, self._min_side)
        except FirebrickError as problem:
            if not isinstance(problem.__cause__, UnidentifiedImageError):
                raise
        else:
            return ImageFiles(str(path), [path], self._min_side)
        video = VideoFile(path)
        if next(video.frames(), None) is None:
            raise FirebrickError(video.problem or f"{path} holds no image; send an image or a video")
        return video


class TooLargeError(FirebrickError):
    """An upload has more bytes than the limit."""
