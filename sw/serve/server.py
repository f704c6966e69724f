# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The web server that runs the application."""

import logging
import socket
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ..errors import FirebrickError
from ..utils.distribution import install_extra

if TYPE_CHECKING:
    from starlette.applications import Starlette

BACKLOG = 64
"""Connections that may wait to be accepted."""
PING_SECONDS = 20.0
"""Time between two pings of a WebSocket, and time for the answer."""


def check_packages() -> None:
    """Raise FirebrickError unless all packages that the server needs are installed."""
    for name in ("starlette", "uvicorn", "websockets", "av"):
        if find_spec(name) is None:
            raise FirebrickError(f"{name}, which the live view needs, is missing; {install_extra('serve')}")


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on a host's address and a port, or on any free port for 0. Raises FirebrickError if the system refuses."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind(address)
            bound.listen(BACKLOG)
        except OSError:
            bound.close()
            raise
    except OSError as problem:
        reason = problem.strerror or "unknown error"
        raise FirebrickError(f"cannot listen on {host} port {port}: {reason}; choose another with --host and --port") from problem
    return bound


def run_server(app: "Starlette", bound: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM. The signal is then raised again, for the handler that was set before."""
    import uvicorn

    from .browser_camera import MAX_JPEG_BYTES
    from .connections import HttpConnection, WebSocketConnection

    config = uvicorn.Config(
        app,
        http=HttpConnection,
        ws=WebSocketConnection,
        ws_max_size=MAX_JPEG_BYTES,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        ws_per_message_deflate=False,  # images are compressed already
        timeout_graceful_shutdown=2,
        server_header=False,
        access_log=False,
        log_level="error",
    )
    logging.getLogger("uvicorn.error").addFilter(_is_fault_of_server)
    uvicorn.Server(config).run([bound])


def _is_fault_of_server(record: logging.LogRecord) -> bool:
    """Whether to print a traceback: uvicorn has one for text of a client that is no UTF-8."""
    return not (record.exc_info and isinstance(record.exc_info[1], UnicodeDecodeError))
