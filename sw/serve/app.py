# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The web application: the page, its two WebSockets, uploads, and the selection of the source."""

import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from ..errors import FirebrickError
from ..stream.image_sources import TestPattern
from ..stream.source import FrameSource
from .browser_camera import BrowserCamera
from .live_streamer import LiveStreamer
from .request_guard import RequestGuard
from .uploads import TooLargeError, Uploads

STATIC = Path(__file__).with_name("static")
UNSUPPORTED_DATA, POLICY = 1003, 1008
"""Status codes with which a WebSocket is closed (RFC 6455)."""

logger = logging.getLogger(__name__)


def create_app(streamer: LiveStreamer, uploads: Uploads, initial_source: Callable[[], FrameSource], host: str) -> Starlette:
    """The application. ``initial_source`` opens the source named on the command line; ``host`` is what the server is bound to."""

    async def view(socket: WebSocket) -> None:
        """Send the image (JPEG), if it has changed, and the state (JSON) as often as the browser takes them."""
        await socket.accept()

        async def send() -> None:
            jpeg = None
            with contextlib.suppress(WebSocketDisconnect):
                async for newest in streamer.broadcaster.snapshots():
                    if newest.jpeg is not None and newest.jpeg is not jpeg:
                        jpeg = newest.jpeg
                        await socket.send_bytes(jpeg)
                    await socket.send_json(newest.state)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send)
            logger.info("browser %s connected", socket.client)
            while (await socket.receive())["type"] != "websocket.disconnect":
                pass  # messages of the page are ignored; only its disconnection matters
            logger.info("browser %s disconnected", socket.client)
            tasks.cancel_scope.cancel()

    async def camera(socket: WebSocket) -> None:
        """Receive a camera's frames as JPEGs, and request each next frame with an empty message."""
        await socket.accept()
        source = BrowserCamera()
        streamer.show(source)
        try:
            while streamer.source is source:
                await anyio.to_thread.run_sync(source.push, await socket.receive_bytes())
                await socket.send_bytes(b"")
            await socket.close(POLICY, "another source was chosen")
        except FirebrickError as problem:
            await socket.close(UNSUPPORTED_DATA, str(problem))
        except (WebSocketDisconnect, KeyError):  # KeyError: text instead of bytes
            pass
        finally:
            source.end()

    async def upload(request: Request) -> Response:
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > uploads.limit:
            return _error_response(TooLargeError(f"the file is larger than {uploads.limit / 10**6:g} million bytes; send a smaller one"))
        try:
            streamer.show(await uploads.receive(request.query_params.get("name", ""), request.stream()))
        except FirebrickError as problem:
            return _error_response(problem)
        except OSError as problem:
            return JSONResponse({"error": f"the server cannot keep the file: {problem.strerror}"}, 507)
        return Response(status_code=204)

    async def select_source(request: Request) -> Response:
        try:
            streamer.show(TestPattern() if request.path_params["name"] == "pattern" else initial_source())
        except FirebrickError as problem:
            return _error_response(problem)
        return Response(status_code=204)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await anyio.to_thread.run_sync(streamer.close)

    routes = [
        WebSocketRoute("/live", view),
        WebSocketRoute("/camera", camera),
        Route("/upload", upload, methods=["POST"]),
        Route("/source/{name}", select_source, methods=["POST"]),
        Mount("/", StaticFiles(directory=STATIC, html=True)),
    ]
    return Starlette(routes=routes, middleware=[Middleware(RequestGuard, host=host)], lifespan=lifespan)


def _error_response(problem: FirebrickError) -> Response:
    return JSONResponse({"error": str(problem)}, 413 if isinstance(problem, TooLargeError) else 415)
