# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the live view's server, in the process of the test or in one of its own."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from firebrick.sw.driver.device import Device
from firebrick.sw.serve import server
from firebrick.sw.serve.app import create_app
from firebrick.sw.serve.board_view import BoardView
from firebrick.sw.serve.live_streamer import LiveStreamer
from firebrick.sw.serve.pipeline_view import describe_input, describe_pipeline
from firebrick.sw.serve.uploads import Uploads
from firebrick.sw.stream.source import FrameSource

ALLOWED = ("view.example.org", "other.example.org")
"""Names of a reverse proxy."""


@dataclass(frozen=True)
class Served:
    """A running server."""

    streamer: LiveStreamer
    uploads: Path
    """The folder of uploads."""
    port: int

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://127.0.0.1:{self.port}/"


@contextmanager
def serving(
    connect: Callable[[], Device],
    initial_source: Callable[[], FrameSource | BoardView],
    folder: Path,
    limit: int = 10**6,
    port: int = 0,
    board_view: Callable[[], BoardView] | None = None,
) -> Iterator[Served]:
    """The live view of a device and a source; port 0 is any free port."""
    device = connect()
    model = device.model
    about = {
        "device": "fake",
        "network": model.network.name,
        "given": "given.avi",
        "board": board_view is not None,
        "input": describe_input(model),
        "upload_limit": limit,
        "pipeline": describe_pipeline(model, 20),
    }
    streamer = LiveStreamer(device, connect, about)
    streamer.show(initial_source())
    folder.mkdir(exist_ok=True)
    with server.listen("127.0.0.1", port) as bound:
        started = threading.Event()
        servers: list[uvicorn.Server] = []

        class RecordingServer(uvicorn.Server):
            async def startup(self, sockets: list[socket.socket] | None = None) -> None:
                servers.append(self)
                await super().startup(sockets)
                started.set()

        original, uvicorn.Server = uvicorn.Server, RecordingServer  # type: ignore[misc]
        try:
            thread = threading.Thread(
                target=server.run_server,
                args=(create_app(streamer, Uploads(folder, limit, model), initial_source, "127.0.0.1", ALLOWED, board_view), bound),
            )
            thread.start()
            assert started.wait(30)
        finally:
            uvicorn.Server = original  # type: ignore[misc]
        try:
            yield Served(streamer, folder, bound.getsockname()[1])
        finally:
            servers[0].should_exit = True
            thread.join(20)
            assert not thread.is_alive()


@contextmanager
def serving_process(model: Path, folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """`firebrick serve` as a process of its own, ready, with what it has printed; its temporary files are in the folder."""
    command = [str(Path(sys.executable).with_name("firebrick")), "serve", "--json", "--port", "0", "--model", str(model), "--lanes", "20"]
    environment = {**os.environ, "TMPDIR": str(folder)}
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            text = ""
            while not text.endswith("}\n"):
                text += process.stdout.readline()
            yield process, json.loads(text)
        finally:
            process.kill()


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until a condition holds; fails after a time limit."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
