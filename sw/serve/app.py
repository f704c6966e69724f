# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The web application: the page, its two WebSockets, uploads, and the selection of the source."""

import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import anyio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from ..errors import FirebrickError
from ..stream.image_sources import TestPattern
from ..stream.source import FrameSource
from .board_view import BoardView
from .browser_camera import BrowserCamera
from .live_streamer import LiveStreamer
from .request_guard import RequestGuard
from .source_limits import BusyError, SourceLimits
from .uploads import TooLargeError, TooSlowError, Uploads

STATIC = Path(__file__).with_name("static")
UNSUPPORTED_DATA, POLICY, TRY_AGAIN_LATER = 1003, 1008, 1013
"""Status codes with which a WebSocket is closed (RFC 6455 and its registry)."""
MAX_SOCKETS, MAX_SOCKETS_PER_SOURCE = 128, 64
"""WebSockets at a time: viewers and cameras. They are not counted among the connections that uploads need."""
CAMERA_SECONDS = 75.0
"""Time for a camera's next frame; browsers run the timers of a hidden page once a minute."""
STATUS = {TooLargeError: 413, TooSlowError: 408, BusyError: 429}
"""HTTP status of an upload that is refused, 415 for any other reason."""
MAX_REASON = 120
"""Longest reason of a closed WebSocket; RFC 6455 allows 123 bytes."""

logger = logging.getLogger(__name__)


def create_app(
    streamer: LiveStreamer,
    uploads: Uploads,
    initial_source: Callable[[], FrameSource | BoardView],
    host: str,
    allowed: Sequence[str] = (),
    board_view: Callable[[], BoardView] | None = None,
) -> Starlette:
    """The application.

    Args:
        streamer: shows the sources, and broadcasts what browsers see.
        uploads: receives files.
        initial_source: opens the source named on the command line.
        host: what the server is bound to.
        allowed: further names under which browsers may open it.
        board_view: the camera of the device itself, where it may have one.
    """
    sockets = SourceLimits(MAX_SOCKETS, MAX_SOCKETS_PER_SOURCE, "live views")

    def limited(handle: Callable[[WebSocket], Awaitable[None]]) -> Callable[[WebSocket], Awaitable[None]]:
        """Accept a WebSocket if there is room for it, and close it with the reason if the handler raises FirebrickError."""

        async def accept_and_handle(socket: WebSocket) -> None:
            with contextlib.suppress(WebSocketDisconnect):
                await socket.accept()
                try:
                    with sockets.take(socket.client):
                        await handle(socket)
                except FirebrickError as problem:
                    code = TRY_AGAIN_LATER if isinstance(problem, BusyError) else UNSUPPORTED_DATA
                    await socket.close(code, str(problem)[:MAX_REASON])

        return accept_and_handle

    async def view(socket: WebSocket) -> None:
        """Send the image (JPEG), if it has changed, and the state (JSON) as often as the browser takes them."""

        async def send() -> None:
            image = None
            with contextlib.suppress(WebSocketDisconnect):
                async for newest in streamer.broadcaster.snapshots():
                    if newest.image is not None and newest.image is not image:
                        image = newest.image
                        await socket.send_bytes(image.jpeg())
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
        source = BrowserCamera()
        streamer.show(source)
        try:
            while streamer.source is source:
                with anyio.fail_after(CAMERA_SECONDS):
                    jpeg = await socket.receive_bytes()
                await anyio.to_thread.run_sync(source.push, jpeg)
                await socket.send_bytes(b"")
            await socket.close(POLICY, "another source was chosen")
        except TimeoutError as problem:
            raise FirebrickError(f"the camera gave no frame for {CAMERA_SECONDS:g} s") from problem
        except KeyError as problem:
            raise FirebrickError("a frame must be bytes, not text") from problem
        finally:
            source.end()

    async def upload(request: Request) -> Response:
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > uploads.limit:
            return _error_response(TooLargeError(f"the file is larger than {uploads.limit / 10**6:g} million bytes; send a smaller one"))
        try:
            streamer.show(await uploads.receive(request.query_params.get("name", ""), request.stream(), request.client))
        except FirebrickError as problem:
            return _error_response(problem)
        except OSError as problem:
            return JSONResponse({"error": f"the server cannot keep the file: {problem.strerror}"}, 507)
        except ClientDisconnect:
            logger.info("upload from %s was cut off", request.client)
        return Response(status_code=204)

    async def select_source(request: Request) -> Response:
        name = request.path_params["name"]
        try:
            if name == "board":
                if board_view is None:
                    raise FirebrickError("this device has no camera of its own; serve a board that was built with --camera")
                streamer.show(board_view())
            else:
                streamer.show(TestPattern() if name == "pattern" else initial_source())
        except FirebrickError as problem:
            return _error_response(problem)
        return Response(status_code=204)

    async def take_picture(_request: Request) -> Response:
        if not isinstance(streamer.source, BoardView):
            return _error_response(FirebrickError("pictures are taken of a board's own camera; select it first"))
        streamer.source.request_picture()
        return Response(status_code=204)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await anyio.to_thread.run_sync(streamer.close)

    routes = [
        WebSocketRoute("/live", limited(view)),
        WebSocketRoute("/camera", limited(camera)),
        Route("/upload", upload, methods=["POST"]),
        Route("/source/{name}", select_source, methods=["POST"]),
        Route("/picture", take_picture, methods=["POST"]),
        Mount("/", StaticFiles(directory=STATIC, html=True)),
    ]
    return Starlette(routes=routes, middleware=[Middleware(RequestGuard, host=host, allowed=allowed)], lifespan=lifespan)


def _error_response(problem: FirebrickError) -> Response:
    return JSONResponse({"error": str(problem)}, STATUS.get(type(problem), 415))
