# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Broadcasts the newest state and its image to all browsers that are connected."""

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from .frame_image import FrameImage


@dataclass(frozen=True, eq=False)
class Snapshot:
    """All that the page shows at one moment."""

    state: dict[str, Any]
    """JSON-serialisable."""
    image: FrameImage | None
    """The frame to which the state belongs; None before the first."""


class Broadcaster:
    """Gives each viewer the newest snapshot as fast as the viewer takes it; a slow viewer misses some.

    There is no queue: ``publish`` replaces the snapshot and wakes the viewers, so that a slow one neither delays others nor uses memory.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.newest = snapshot
        self._lock = threading.Lock()
        self._waiting: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    @property
    def count(self) -> int:
        """Number of viewers that are connected."""
        return len(self._waiting)

    def publish(self, snapshot: Snapshot) -> None:
        """Send a snapshot to all viewers; may be called from any thread."""
        with self._lock:
            self.newest = snapshot
            for event, loop in self._waiting.items():
                loop.call_soon_threadsafe(event.set)

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        """The current snapshot, then the newest one after each ``publish``, without end."""
        event = asyncio.Event()
        event.set()
        with self._lock:
            self._waiting[event] = asyncio.get_running_loop()
        try:
            while True:
                await event.wait()
                event.clear()
                yield self.newest
        finally:
            with self._lock:
                del self._waiting[event]
