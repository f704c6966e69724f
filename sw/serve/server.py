# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The web server that runs the application."""

import socket
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ..errors import FirebrickError

if TYPE_CHECKING:
    from starlette.applications import Starlette

MAX_CONNECTIONS = 64


def check_packages() -> None:
    """Raise FirebrickError unless all packages that the server needs are installed."""
    for name in ("starlette", "uvicorn", "websockets", "av"):
        if find_spec(name) is None:
            raise FirebrickError(f"{name}, which the live view needs, is missing; install firebrick[serve]")


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on a host's address and a port, or on any free port for 0. Raises FirebrickError if the system refuses."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind(address)
            bound.listen(MAX_CONNECTIONS)
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

    config = uvicorn.Config(
        app,
        ws="websockets-sansio",
        ws_max_size=MAX_JPEG_BYTES,
        ws_per_message_deflate=False,  # images are compressed already
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=2,
        server_header=False,
        access_log=False,
        log_level="warning",
    )
    uvicorn.Server(config).run([bound])
