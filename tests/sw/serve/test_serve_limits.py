# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The live view's server among clients that are slow, many, or gone: the others are served all the same."""

import io
import json
import signal
import socket
import struct
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from firebrick.sw.fire_format.file import read_fire
from firebrick.sw.model.quantized import Model
from firebrick.sw.serve import app, uploads
from firebrick.sw.serve import server as server_module
from firebrick.sw.stream.video_source import VideoFile
from tests.helpers.live_view import FakeDevice, ListSource, noise
from tests.helpers.served import Served, serving, serving_process, until

OTHER = "127.0.0.2"
"""Another source address: on Linux all of 127.0.0.0/8 is this machine."""


@pytest.fixture(scope="module")
def model(small_model: Path) -> Model:
    return read_fire(small_model)


@pytest.fixture
def served(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server with short time limits and few connections."""
    small = {"IDLE_SECONDS": 1.0, "STALL_SECONDS": 1.0, "CHECK_SECONDS": 0.1, "MAX_CONNECTIONS": 12, "MAX_PER_SOURCE": 8}
    for name, value in small.items():
        monkeypatch.setattr(f"firebrick.sw.serve.connections.{name}", value)
    monkeypatch.setattr(server_module, "PING_SECONDS", 0.5)
    monkeypatch.setattr(uploads, "STALL_SECONDS", 1.0)
    monkeypatch.setattr(app, "CAMERA_SECONDS", 1.0)
    monkeypatch.setattr(app, "MAX_SOCKETS", 10)
    monkeypatch.setattr(app, "MAX_SOCKETS_PER_SOURCE", 6)
    with serving(lambda: FakeDevice(model, delay=0.01), lambda: ListSource(noise(40)), tmp_path / "uploads") as running:
        yield running


def dial(port: int, source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(source, 0))


def seconds_until_closed(connection: socket.socket, trickle: bytes = b"") -> float:
    """How long the server keeps a connection, while a byte is sent every now and then."""
    begin = time.monotonic()
    connection.settimeout(0.05)
    for byte in trickle + bytes(1000):
        try:
            if trickle:
                connection.send(bytes([byte]))
            if not connection.recv(4096):
                break
        except TimeoutError:
            assert time.monotonic() < begin + 10, "the server keeps the connection"
        except OSError:
            break
    return time.monotonic() - begin


def post(url: str, path: str, body: bytes = b"") -> tuple[int, str]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url + path, body, method="POST"), timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as problem:
        with problem:
            return problem.code, problem.read().decode()


def png(width: int = 40, height: int = 36) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(data, "PNG")
    return data.getvalue()


def upgrade(port: int, path: str, source: str = "127.0.0.1") -> socket.socket:
    """A WebSocket by hand, after its handshake: it answers no pings."""
    connection = dial(port, source)
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    connection.sendall(f"GET /{path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{key}\r\n".encode())
    assert b"101" in connection.recv(16)
    return connection


@pytest.mark.parametrize(
    ("begin", "trickle"),
    [
        (b"", b""),
        (b"GET / HT", b""),
        (b"", b"GET / HTTP/1.1\r\nX: " + 900 * b"x"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + 900 * b"x"),
        (b"POST /source/given HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n", 900 * b"x"),
    ],
    ids=["silent", "cut-headers", "slow-headers", "slow-second-request", "slow-body-that-nobody-reads"],
)
def test_idle_connections_and_slow_requests_end(served: Served, begin: bytes, trickle: bytes) -> None:
    with dial(served.port) as connection:
        connection.sendall(begin)
        assert seconds_until_closed(connection, trickle) < 4


def test_slow_upload_is_refused_with_the_reason_and_blocks_no_other(served: Served) -> None:
    with dial(served.port, OTHER) as slow:
        slow.sendall(b"POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n" + png()[:20])
        time.sleep(0.2)
        assert post(served.url, "upload?name=a.png", png()) == (204, "")
        answer = b""
        for _ in range(100):
            slow.settimeout(0.1)
            try:
                answer += slow.recv(4096)
            except TimeoutError:
                slow.send(b"x")
            if b"}" in answer:
                break
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"almost nothing of the upload came for 1 s; check the connection" in answer
    assert len(list(served.uploads.iterdir())) == 1


def test_one_source_has_one_upload_at_a_time(served: Served) -> None:
    with dial(served.port) as slow:
        slow.sendall(b"POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")
        time.sleep(0.2)
        status, text = post(served.url, "upload?name=a.png", png())
        assert (status, "your address has 1 uploads in progress already" in json.loads(text)["error"]) == (429, True)


def test_upload_that_is_long_but_steady_is_accepted(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MIN_RATE", 20)
    body = png()

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(body), 10):
            time.sleep(0.2)
            yield body[start : start + 10]

    request = urllib.request.Request(served.url + "upload", chunks(), {"Content-Length": str(len(body))}, method="POST")
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 204


@pytest.mark.parametrize("source", ["127.0.0.1", OTHER], ids=["own", "other"])
def test_any_number_of_idle_connections_leaves_room_for_requests(served: Served, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    monkeypatch.setattr("firebrick.sw.serve.connections.IDLE_SECONDS", 60.0)
    with ExitStack() as stack:
        idle = [stack.enter_context(dial(served.port, source)) for _ in range(100)]
        for connection in idle:
            with suppress(OSError):  # it has made room for a newer one already
                connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        begin = time.monotonic()
        assert post(served.url, "upload?name=a.png", png()) == (204, "")
        assert time.monotonic() < begin + 5


def test_many_sources_with_idle_connections_leave_room_for_requests(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firebrick.sw.serve.connections.IDLE_SECONDS", 60.0)
    with ExitStack() as stack:
        for number in range(60):
            stack.enter_context(dial(served.port, f"127.0.1.{1 + number // 3}"))
        assert post(served.url, "source/given") == (204, "")


def test_viewers_leave_room_for_uploads_and_too_many_are_told_so(served: Served) -> None:
    with ExitStack() as stack:
        url = f"ws://127.0.0.1:{served.port}/live"
        for number in range(10):
            viewer = stack.enter_context(connect(url, source_address=(OTHER if number < 6 else "127.0.0.1", 0), close_timeout=1))
            assert viewer.recv(20)
        for source, reason in ((OTHER, "your address has 6 live views already"), ("127.0.0.1", "the server has 10 live views already")):
            with connect(url, source_address=(source, 0)) as refused, pytest.raises(ConnectionClosed, match=reason):
                refused.recv(20)
        assert post(served.url, "upload?name=a.png", png()) == (204, "")
    with connect(url) as viewer:
        until(lambda: isinstance(viewer.recv(20), bytes))


@pytest.mark.parametrize("path", ["live", "camera"])
def test_websocket_that_does_not_answer_ends(served: Served, path: str) -> None:
    """A viewer that reads nothing holds a full buffer; a camera that sends nothing holds the source."""
    with upgrade(served.port, path):
        time.sleep(0.3)
        until(lambda: served.streamer.broadcaster.count == 0, 15)
        until(lambda: not any(thread.name == "source" and "camera" in path for thread in threading.enumerate()), 15)


def test_camera_without_frames_is_closed_with_the_reason(served: Served) -> None:
    with (
        connect(f"ws://127.0.0.1:{served.port}/camera") as camera,
        pytest.raises(ConnectionClosed, match="the camera gave no frame for 1 s"),
    ):
        camera.recv(20)


def test_abrupt_ends_of_clients_print_nothing(small_model: Path, tmp_path: Path) -> None:
    upload = b"POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n" + png()
    reset = struct.pack("ii", 1, 0)
    frame = b"\x82\xfe\x40\x00mask" + 100 * b"x"  # of 16 KiB
    with serving_process(small_model, tmp_path) as (process, document):
        port = int(document["url"].rpartition(":")[2].strip("/"))
        for linger in (False, True):
            connections = [dial(port), *(upgrade(port, path) for path in ("live", "live", "live", "camera", "camera"))]
            for connection, data in zip(connections, (upload, b"", b"\xff\xff", b"\x81\x81mask\xff", frame, b"\x82\x80mask"), strict=True):
                connection.sendall(data)
                time.sleep(0.1)
                if linger:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
                connection.close()
        time.sleep(0.5)
        assert post(document["url"], "source/pattern") == (204, "")
        assert [list(folder.iterdir()) for folder in tmp_path.iterdir()] == [[]]
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=30) == ("", "")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (png(400, 4), "x.bin: an image of 400x4 pixels is too narrow"),
        (png()[:60], "x.bin cannot be read as an image"),
        (b"\x1aE\xdf\xa3" + bytes(range(256)) * 8, "x.bin cannot be read as a video"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(2000), "x.bin cannot be read as a video"),
    ],
    ids=["narrow", "cut-png", "matroska", "mp4"],
)
def test_what_cannot_be_shown_is_refused_with_the_reason(served: Served, body: bytes, sentence: str) -> None:
    status, text = post(served.url, "upload?name=x.bin", body)
    assert (status, json.loads(text)["error"][: len(sentence)]) == (415, sentence)
    assert list(served.uploads.iterdir()) == []


@pytest.mark.parametrize("fault", [IndexError("pop from empty list"), MemoryError(), AssertionError()], ids=type)
def test_any_fault_of_a_decoder_is_an_answer(served: Served, fault: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_self: VideoFile) -> Iterator[object]:
        raise fault

    monkeypatch.setattr(VideoFile, "frames", broken)
    status, text = post(served.url, "upload?name=x.mp4", b"no image")
    assert (status, json.loads(text)["error"][:40]) == (415, "x.mp4 cannot be decoded as a video; send")
