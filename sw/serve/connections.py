# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Uvicorn's connections with time limits, and with room for new ones however many idle or slow ones there are."""

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from .source_limits import source_of

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent

MAX_CONNECTIONS = 256
"""HTTP connections at a time; WebSockets have a limit of their own."""
MAX_PER_SOURCE = 64
"""HTTP connections of one source."""
IDLE_SECONDS = 10.0
"""Time for a request's headers, counted from the connection's start or from the previous response."""
STALL_SECONDS = 20.0
"""Time for the other side to take what was sent."""
CHECK_SECONDS = 0.5
"""How often the time limits are checked."""


class _TimeLimited(asyncio.Protocol):
    """Mix-in: ends the connection of a client that does not take what it is sent, which would otherwise stay open for ever."""

    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop
    _stalled_since: float | None = None
    _ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._check()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        self._stalled_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._stalled_since = None
        super().resume_writing()

    def _check(self) -> None:
        """Check the time limits, now and again until the connection ends."""
        if self._ended:
            return
        if self._stalled_since is None and self.transport.is_closing():
            self._stalled_since = self.loop.time()  # data may still be waiting to be sent
        if self._is_overdue():
            self.transport.abort()
        else:
            self.loop.call_later(CHECK_SECONDS, self._check)

    def _is_overdue(self) -> bool:
        return self._stalled_since is not None and self.loop.time() > self._stalled_since + STALL_SECONDS


class HttpConnection(_TimeLimited, H11Protocol):
    """An HTTP connection. Without a request in progress it is idle, whatever arrives: nothing, or headers byte by byte.

    An idle connection ends after IDLE_SECONDS. Where there are too many connections, the one that has been idle longest makes room for the
    newest, first among those of the newest one's source, then among those of the source that has the most.
    """

    _idle_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See ``asyncio.Protocol``."""
        self._idle_since = self.loop.time()
        super().connection_made(transport)
        self._make_room()

    def on_response_complete(self) -> None:
        """See ``H11Protocol``."""
        self._idle_since = self.loop.time()
        super().on_response_complete()

    def handle_websocket_upgrade(self, event: Any) -> None:
        """See ``H11Protocol``: from now on a WebSocketConnection has the transport."""
        self._ended = True
        super().handle_websocket_upgrade(event)

    @property
    def is_idle(self) -> bool:
        """Whether no request is in progress."""
        return self.cycle is None or self.cycle.response_complete

    def _is_overdue(self) -> bool:
        return super()._is_overdue() or (self.is_idle and self.loop.time() > self._idle_since + IDLE_SECONDS)

    def _make_room(self) -> None:
        present = [one for one in self.connections if isinstance(one, HttpConnection) and not one.transport.is_closing()]
        sources = Counter(source_of(one.client) for one in present)
        if sources[source_of(self.client)] > MAX_PER_SOURCE:
            crowded = {source_of(self.client)}
        elif len(present) > MAX_CONNECTIONS:
            most = max(sources.values())
            crowded = {source for source, count in sources.items() if count == most}
        else:
            return
        idle = (one for one in present if one.is_idle and source_of(one.client) in crowded)
        min(idle, key=lambda one: one._idle_since, default=self).transport.abort()


class WebSocketConnection(_TimeLimited, WebSocketsSansIOProtocol):
    """A WebSocket; one that does not answer pings is closed by uvicorn."""

    async def send(self, message: "ASGISendEvent") -> None:
        """See ``WebSocketsSansIOProtocol``, which takes it for a fault of the application if a ping has failed just before."""
        try:
            await super().send(message)
        except RuntimeError as problem:
            if self.transport.is_closing():
                raise ClientDisconnected from problem
            raise
