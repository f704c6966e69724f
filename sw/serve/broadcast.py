# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""What viewers are shown: the newest state of all, and the picture that belongs to it."""

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False)
class Snapshot:
    """All that a viewer needs to know at a moment."""

    state: dict[str, Any]
    """For JSON."""
    jpeg: bytes | None
    """The frame as a JPEG; None before the first."""


class Broadcaster:
    """Hands the newest view to each viewer as fast as it takes them; whoever is slow misses some."""

    def __init__(self, view: Snapshot) -> None:
        self.newest = view
        self._lock = threading.Lock()
        self._waiting: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    @property
    def count(self) -> int:
        """Viewers at the moment."""
        return len(self._waiting)

    def publish(self, view: Snapshot) -> None:
        """Show a view to all; from any thread."""
        with self._lock:
            self.newest = view
            for event, loop in self._waiting.items():
                loop.call_soon_threadsafe(event.set)

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        """The view of now and, whenever there is another, the newest; without end."""
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
