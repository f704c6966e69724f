# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Receives images and videos into a folder, within limits, and checks each before it is shown."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

from ..data.images import is_image, to_input_frame
from ..errors import FirebrickError
from ..model.quantized import Model
from ..stream.image_sources import ImageFiles
from ..stream.source import Frame, FrameSource
from ..stream.video_source import VideoFile
from .source_limits import Peer, SourceLimits

MAX_UPLOADS = 4
"""Uploads at a time, each from another source."""
UPLOAD_SECONDS = 300.0
"""Time limit for an upload."""
STALL_SECONDS = 10.0
"""Time for which an upload may be slower than MIN_RATE."""
MIN_RATE = 4096
"""Bytes per second."""
MAX_NAME = 100

logger = logging.getLogger(__name__)


class TooLargeError(FirebrickError):
    """An upload has more bytes than the limit."""


class TooSlowError(FirebrickError):
    """An upload takes too long."""


class Uploads:
    """Receives one file at a time from each source, and keeps only the newest.

    Args:
        folder: a folder for uploads alone.
        limit: the maximum number of bytes.
        model: the model whose input the frames must be able to become.
    """

    def __init__(self, folder: Path, limit: int, model: Model) -> None:
        self.limit = limit
        self._folder, self._model = folder, model
        self._number = 0
        self._limits = SourceLimits(MAX_UPLOADS, 1, "uploads in progress")
        self._unfinished: set[Path] = set()

    async def receive(self, name: str, chunks: AsyncIterator[bytes], peer: Peer = None) -> FrameSource:
        """Store an upload and open it as a source.

        Raises TooLargeError, TooSlowError or BusyError, and FirebrickError if it is neither an image nor a video, or cannot be decoded.
        """
        with self._limits.take(peer):
            self._number += 1
            path = self._folder / f"upload-{self._number}"
            name = "".join(letter for letter in name if letter.isprintable())[:MAX_NAME] or "upload"
            self._unfinished.add(path)
            try:
                await self._store(path, chunks)
                source = await asyncio.to_thread(self._recognise, path)
            except BaseException as problem:
                path.unlink(missing_ok=True)
                if type(problem) is FirebrickError:
                    raise FirebrickError(str(problem).replace(str(path), name)) from problem
                raise
            finally:
                self._unfinished.remove(path)
            source.name = name
            for other in self._folder.iterdir():
                if other != path and other not in self._unfinished:
                    other.unlink()
            return source

    async def _store(self, path: Path, chunks: AsyncIterator[bytes]) -> None:
        """Write the chunks to a file. Each byte buys time for the next ones, so that an upload that trickles is not waited for."""
        now = asyncio.get_running_loop().time
        begin, due = now(), now() + STALL_SECONDS
        try:
            async with asyncio.timeout_at(due) as deadline:
                with path.open("wb") as file:
                    async for chunk in chunks:
                        if file.tell() + len(chunk) > self.limit:
                            raise TooLargeError(f"the upload has more than {self.limit / 10**6:g} million bytes; send a smaller file")
                        file.write(chunk)
                        due = min(due + len(chunk) / MIN_RATE, now() + STALL_SECONDS, begin + UPLOAD_SECONDS)
                        deadline.reschedule(due)
        except TimeoutError as problem:
            if due == begin + UPLOAD_SECONDS:
                raise TooSlowError(f"the upload took more than {UPLOAD_SECONDS:g} s; send a smaller file") from problem
            raise TooSlowError(
                f"almost nothing of the upload came for {STALL_SECONDS:g} s; check the connection, and try again"
            ) from problem

    def _recognise(self, path: Path) -> FrameSource:
        """An image or a video, recognised by its contents. Its first frame is decoded and scaled, so that it certainly can be shown."""
        source: FrameSource = ImageFiles(str(path), [path], self._model.preprocessing.resize) if is_image(path) else VideoFile(path)
        frame = self._first_frame(source, path)
        try:
            to_input_frame(frame.scaled or frame.image, self._model.preprocessing, self._model.network.input)
        except FirebrickError as problem:
            raise FirebrickError(f"{path}: {problem}") from problem
        return source

    def _first_frame(self, source: FrameSource, path: Path) -> Frame:
        try:
            frame = next(source.frames(), None)
        except FirebrickError:
            raise
        except Exception as problem:  # a damaged file may raise anything from inside a decoder
            logger.info("decoding %s", path, exc_info=True)
            raise FirebrickError(f"{path} cannot be decoded as a video; send a complete MP4, WebM, Matroska or AVI file") from problem
        if frame is None:
            raise FirebrickError(source.problem or f"{path} holds no image; send an image or a video")
        return frame
