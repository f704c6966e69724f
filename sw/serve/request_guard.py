# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Checks every request's host and origin, and adds security headers to every response."""

import ipaddress
import logging
import re
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
HOST_NAME = re.compile(r"[a-z0-9.-]{1,100}")
"""Names that are repeated in an answer."""

logger = logging.getLogger(__name__)


class RequestGuard:
    """Rejects requests from pages of other sites, and adds security headers.

    The Host header must hold an IP address, localhost, this machine's name, also with .local, the name that the server is bound to, or one
    that was allowed: against DNS rebinding, in which another site's name is made to point to this machine. A request that changes
    something or opens a WebSocket must come from a page of this server: against cross-site requests.

    Args:
        app: the application behind the guard.
        host: the name or address that the server is bound to.
        allowed: further names, in lower case, such as that of a reverse proxy.
    """

    def __init__(self, app: ASGIApp, host: str, allowed: Iterable[str] = ()) -> None:
        self._app = app
        self._allowed = frozenset(allowed)
        own = socket.gethostname().lower()
        self._names = {"localhost", host.lower(), own, own.partition(".")[0], f"{own.partition('.')[0]}.local", *self._allowed}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope, Headers(scope=scope))
        if refusal:
            logger.info("%s refused: %s", scope["path"], refusal)
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            else:
                await PlainTextResponse(refusal, 403)(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope, headers: Headers) -> str | None:
        """Why a request is rejected, in a sentence; None if it is not."""
        name = _host_name(headers.get("host", ""))
        if name not in self._names and not _is_address(name):
            shown = name if HOST_NAME.fullmatch(name) else "NAME"
            return f"only for pages of this server: open it by its address, or start it with --allow-host {shown}"
        changes = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD")
        origin = headers.get("origin")  # programs other than browsers send none, and are accepted
        if not changes or origin is None or origin in (f"http://{headers['host']}", f"https://{headers['host']}"):
            return None
        if _host_name(origin.partition("://")[2]) in self._allowed:
            return None  # a proxy that passes on another Host header than it was sent
        return "only for pages of this server: behind a reverse proxy, start it with --allow-host and the proxy's name"


def parse_host_names(names: Iterable[str]) -> list[str]:
    """Host names from an option: each may be a comma list, and have a port, which is ignored. Raises ValueError for what is no name."""
    parsed = []
    for name in (part.strip() for value in names for part in value.split(",")):
        host = _host_name(name)
        if (not HOST_NAME.fullmatch(host) and not _is_address(host)) or any(letter in name for letter in "/@"):
            raise ValueError(f"{name!r} is not a host name; give one such as view.example.org")
        parsed.append(host)
    return parsed


def _host_name(host: str) -> str:
    """The name of a Host header, in lower case and without port and final dot; empty if it has none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower().removesuffix(".")
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
