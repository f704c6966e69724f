# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Clients of the live view that behave as people's browsers do: well, badly, and gone."""

import http.client
import json
import logging
import socket
import struct
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .known_frames import KnownFrames

TIMEOUT = 30.0
"""Seconds to wait for the server."""
TOO_MANY = 429
"""HTTP status of one upload too many."""
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of a socket that ends with a reset."""

_silent = logging.Logger("viewer")
"""Of viewers, who vanish on purpose."""
_silent.addHandler(logging.NullHandler())


class Viewer:
    """Watches for a while, and checks each frame whose image came with its labels."""

    def __init__(
        self, url: str, known: Mapping[str, KnownFrames], rng: np.random.Generator, counts: Counter[str], faults: list[str]
    ) -> None:
        self._url, self._known, self._rng, self._counts, self._faults = url, known, rng, counts, faults

    def run(self) -> None:
        """Come, watch and go."""
        from websockets.sync.client import connect

        end = time.monotonic() + float(self._rng.uniform(0.1, 3))
        with connect(_socket_url(self._url), close_timeout=1, logger=_silent) as viewer:
            jpeg = b""
            while time.monotonic() < end:
                message = viewer.recv(TIMEOUT)
                if isinstance(message, bytes):
                    jpeg = message
                else:
                    self._check(json.loads(message), jpeg)
                    jpeg = b""
            if self._rng.random() < 0.3:
                viewer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                viewer.socket.close()
                self._counts["vanished"] += 1
        self._counts["viewers"] += 1

    def _check(self, state: dict[str, Any], jpeg: bytes) -> None:
        if not jpeg or state["status"] != "running":
            return
        source = self._known[state["source"]]
        if not source.check(state["frame"], state["top5"], jpeg):
            self._faults.append(f"frame {state['frame']} of {source.name} has another's image or labels")
        self._counts["checked"] += 1


class Uploader:
    """Uploads files one after the other: images and videos, files that are neither, and a part of a file."""

    def __init__(self, url: str, files: Sequence[KnownFrames], rng: np.random.Generator, counts: Counter[str]) -> None:
        self._url, self._files, self._rng, self._counts = url, files, rng, counts

    def run(self) -> None:
        """Upload a file, then wait a little."""
        file = self._files[int(self._rng.integers(len(self._files)))]
        kind = self._rng.choice(["whole", "whole", "broken", "cut off", "given"])
        if kind == "whole":
            self._expect(204, f"upload?name={file.name}", file.data)
            self._counts["uploads"] += 1
        elif kind == "broken":
            self._expect(415, "upload?name=broken", self._rng.bytes(5000))
            self._counts["refused"] += 1
        elif kind == "cut off":
            self._cut_off(file.data)
            self._counts["cut_off"] += 1
        else:
            select_given(self._url)
        time.sleep(float(self._rng.uniform(0.1, 1)))

    def _expect(self, status: int, path: str, body: bytes) -> None:
        end = time.monotonic() + TIMEOUT
        while (actual := _post(self._url + path, body)) == TOO_MANY and time.monotonic() < end:
            time.sleep(0.1)  # until the server has noticed that the upload before was cut off, that one counts as in progress
        if actual != status:
            raise AssertionError(f"{path} gave status {actual}, not {status}")

    def _cut_off(self, data: bytes) -> None:
        connection = http.client.HTTPConnection(self._url.split("/")[2], timeout=TIMEOUT)
        try:
            connection.putrequest("POST", "/upload")
            connection.putheader("Content-Length", str(len(data)))
            connection.endheaders(data[: len(data) // 2])
        finally:
            connection.close()


def select_given(url: str) -> None:
    """Select the source of the command line."""
    _post(url + "source/given", b"")


def frames_answered(url: str) -> int:
    """Frames that the device has answered, as it counts."""
    from websockets.sync.client import connect

    with connect(_socket_url(url), close_timeout=1) as viewer:
        while True:
            message = viewer.recv(TIMEOUT)
            if isinstance(message, str):
                return int(json.loads(message)["counters"].get("frames", 0))


def _post(address: str, body: bytes) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, body, method="POST"), timeout=TIMEOUT) as answer:  # noqa: S310 - our own server
            return int(answer.status)
    except urllib.error.HTTPError as problem:
        with problem:
            return problem.code


def _socket_url(url: str) -> str:
    return url.replace("http", "ws", 1) + "live"
