# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A live view's server that runs in the test's process, for the tests of it."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from firebrick.sw.driver.device import Device
from firebrick.sw.serve import server
from firebrick.sw.serve.app import create_app
from firebrick.sw.serve.live_streamer import LiveStreamer
from firebrick.sw.serve.pipeline_view import describe_pipeline
from firebrick.sw.serve.uploads import Uploads
from firebrick.sw.stream.source import FrameSource


@dataclass(frozen=True)
class Served:
    """A server that runs."""

    live: LiveStreamer
    uploads: Path
    """The folder."""
    port: int

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://127.0.0.1:{self.port}/"


@contextmanager
def serving(
    connect: Callable[[], Device], given: Callable[[], FrameSource], folder: Path, limit: int = 10**6, port: int = 0
) -> Iterator[Served]:
    """The live view of a device and a source, on any free port unless one is given."""
    device = connect()
    model, shape = device.model, device.model.network.input
    seen = {"resize": model.preprocessing.resize, "height": shape.height, "width": shape.width}
    about = {"device": "fake", "network": model.network.name, "given": "given.avi", "input": seen, "pipeline": describe_pipeline(model, 20)}
    live = LiveStreamer(device, connect, about)
    live.show(given())
    folder.mkdir(exist_ok=True)
    with server.listen("127.0.0.1", port) as bound:
        started = threading.Event()
        made: list[uvicorn.Server] = []

        class Noted(uvicorn.Server):
            async def startup(self, sockets: list[socket.socket] | None = None) -> None:
                made.append(self)
                await super().startup(sockets)
                started.set()

        original, uvicorn.Server = uvicorn.Server, Noted  # type: ignore[misc]
        try:
            thread = threading.Thread(
                target=server.run_server, args=(create_app(live, Uploads(folder, limit, 256), given, "127.0.0.1"), bound)
            )
            thread.start()
            assert started.wait(30)
        finally:
            uvicorn.Server = original  # type: ignore[misc]
        try:
            yield Served(live, folder, bound.getsockname()[1])
        finally:
            made[0].should_exit = True
            thread.join(20)
            assert not thread.is_alive()


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for a condition, which must come true in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
