# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Uploads: a picture or a video, received into a folder within limits, and looked at before it is shown."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from PIL import UnidentifiedImageError

from ..data.images import open_image
from ..errors import FirebrickError
from ..stream.image_sources import ImageFiles
from ..stream.source import FrameSource
from ..stream.video_source import Video

UPLOAD_SECONDS = 300.0
"""In which an upload must be complete."""
MAX_NAME = 100


class Uploads:
    """Receives one file at a time and keeps the newest alone.

    Args:
        folder: of their own.
        limit: bytes, at most.
        least: side that a large JPEG is read with at least, see ``open_image``.
    """

    def __init__(self, folder: Path, limit: int, least: int) -> None:
        self.limit = limit
        self._folder, self._least = folder, least
        self._number = 0
        self._lock = asyncio.Lock()

    async def receive(self, name: str, chunks: AsyncIterator[bytes]) -> FrameSource:
        """The source that an upload's bytes are. Raises TooLargeError, or FirebrickError where it is neither a picture nor a video."""
        if self._lock.locked():
            raise FirebrickError("another upload is under way; try again when it is done")
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
        """A picture or a video, by its contents, the beginning of which can be read."""
        try:
            open_image(path, self._least)
        except FirebrickError as problem:
            if not isinstance(problem.__cause__, UnidentifiedImageError):
                raise
        else:
            return ImageFiles(str(path), [path], self._least)
        video = Video(path)
        if next(video.frames(), None) is None:
            raise FirebrickError(video.problem or f"{path} holds no picture; send a picture or a video")
        return video


class TooLargeError(FirebrickError):
    """An upload has more bytes than are allowed."""
