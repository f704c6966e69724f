# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The live view's server: what browsers receive, and which requests are rejected."""

import io
import json
import signal
import struct
import tempfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from socket import gethostname
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from firebrick.sw.cli.main import main
from firebrick.sw.fire_format.file import read_fire
from firebrick.sw.model.quantized import Model
from firebrick.sw.serve import browser_camera
from firebrick.sw.serve import server as server_module
from firebrick.sw.serve.pipeline_view import describe_input, describe_pipeline
from firebrick.sw.serve.request_guard import parse_host_names
from firebrick.sw.serve.upload_folder import upload_folder
from firebrick.sw.utils.distribution import install_extra
from firebrick.sw.zoo import catalogue
from tests.helpers.live_view import FakeDevice, ListSource, noise, write_video
from tests.helpers.served import Served, serving, serving_process, until

LIMIT = 200_000


@pytest.fixture(scope="module")
def model(small_model: Path) -> Model:
    return read_fire(small_model)


@pytest.fixture(scope="module")
def served(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")

    def counters(frames: int) -> dict[str, int]:
        return {"frames": frames, "cycles": 100 * frames, "busy": 75 * frames}

    def plug() -> FakeDevice:
        return FakeDevice(model, invalid=(3,), counters=counters, delay=0.01)

    with serving(plug, lambda: ListSource(noise(40)), folder / "uploads", LIMIT) as running:
        yield running


def post(served: Served, path: str, body: bytes = b"", **headers: str) -> tuple[int, str]:
    """Status and text of the response."""
    request = urllib.request.Request(served.url + path, body, {"Content-Type": "application/octet-stream", **headers}, method="POST")
    return response_to(request)


def response_to(request: urllib.request.Request) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as problem:
        with problem:
            return problem.code, problem.read().decode()


def socket(served: Served, path: str, origin: str | None = None, max_queue: int = 16) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{served.port}/{path}", origin=Origin(origin) if origin else None, max_queue=max_queue, close_timeout=1)


def send(camera: ClientConnection, *frames: bytes | str) -> None:
    """Send frames, each when the server requests it."""
    for frame in frames:
        camera.send(frame)
        assert camera.recv(20) == b""


def wait_for_state(viewer: ClientConnection, **expected: object) -> dict[str, Any]:
    """The next state with the expected values."""
    while True:
        message = viewer.recv(20)
        if isinstance(message, str):
            state: dict[str, Any] = json.loads(message)
            if all(state.get(name) == value for name, value in expected.items()):
                return state


def jpeg(width: int = 64, height: int = 48) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(data, "JPEG")
    return data.getvalue()


def png(image: Image.Image) -> bytes:
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def test_viewer_receives_state_image_and_counters(served: Served, model: Model) -> None:
    post(served, "source/given")
    with socket(served, "live") as viewer:
        state = wait_for_state(viewer, status="running", source="list", frame=5)
        assert state["size"] == [40, 36]
        assert [score["label"] in model.labels for score in state["top5"]] == [True] * 5
        assert (state["invalid"], state["dropped"], state["damaged"], state["frames"]) == (1, 0, 0, 6)
        assert state["rate"] > 0
        image = viewer.recv(20)
        assert isinstance(image, bytes)
        assert Image.open(io.BytesIO(image)).size == (40, 36)
        until(lambda: wait_for_state(viewer)["busy"] is not None)
        state = wait_for_state(viewer)
        assert state["busy"] == 0.75
        assert state["counters"]["cycles"] == 100 * state["counters"]["frames"]
        assert len(state["history"]) > 0
        assert all(len(point) == 3 for point in state["history"])


def test_frames_damaged_on_the_link_have_no_labels(served: Served) -> None:
    with socket(served, "live") as viewer:
        post(served, "source/given")
        assert wait_for_state(viewer, source="list", frame=3)["top5"] is None


def test_pipeline_is_that_of_the_plan(model: Model) -> None:
    pipeline = describe_pipeline(model, 20)
    assert [engine["name"] for engine in pipeline["engines"]][:3] == ["conv1", "fire2/squeeze", "fire2/expand"]
    assert sum(engine["lanes"] for engine in pipeline["engines"]) == pipeline["lanes"] <= 20
    assert max(engine["cycles"] for engine in pipeline["engines"]) == pipeline["cycles"]
    assert all(0 < engine["load"] <= 1 for engine in pipeline["engines"])
    assert "lanes must be at least" in describe_pipeline(model, 1)["problem"]


def test_outline_of_the_input_is_without_its_border(model: Model) -> None:
    plain = describe_input(model)
    bordered = replace(model, preprocessing=replace(model.preprocessing, border=(1, 2, 3, 4)))
    assert describe_input(bordered) == {"resize": plain["resize"], "height": plain["height"] - 4, "width": plain["width"] - 6}


def test_pattern_and_initial_source_can_be_selected(served: Served) -> None:
    with socket(served, "live") as viewer:
        assert post(served, "source/pattern") == (204, "")
        wait_for_state(viewer, status="running", source="test pattern")
        assert post(served, "source/given") == (204, "")
        wait_for_state(viewer, status="running", source="list")


def test_uploaded_image_and_video_are_shown_and_the_older_one_is_deleted(served: Served, tmp_path: Path) -> None:
    write_video(tmp_path / "a.avi", noise(10))
    with socket(served, "live") as viewer:
        assert post(served, "upload?name=cat%20%3Cb%3E.png", png(noise(1)[0])) == (204, "")
        assert wait_for_state(viewer, status="running", source="cat <b>.png")["size"] == [40, 36]
        assert post(served, "upload?name=clip.avi", (tmp_path / "a.avi").read_bytes()) == (204, "")
        wait_for_state(viewer, status="running", source="clip.avi", frame=12)  # again from the beginning
        assert len(list(served.uploads.iterdir())) == 1
        post(served, "source/given")
        wait_for_state(viewer, source="list")


def bomb(side: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (b"", 415, "x.bin cannot be read as a video"),
        (b"just text", 415, "x.bin cannot be read as a video"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 415, "x.bin cannot be read as a video"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n/etc/hosts\n#EXT-X-ENDLIST\n", 415, "x.bin cannot be read as a video"),
        (bomb(10_001), 415, "x.bin has 10001x10001 pixels; the most is 100 megapixels"),
        (bomb(100_000), 415, "x.bin is far too large; give an image of at most 100 megapixels"),
        (bomb(100), 415, "x.bin cannot be read as an image"),
        (bytes(LIMIT + 1), 413, "larger than 0.2 million bytes"),
    ],
)
def test_upload_rejects_other_files_and_too_large_ones(served: Served, body: bytes, status: int, sentence: str) -> None:
    actual, text = post(served, "upload?name=x.bin", body)
    assert (actual, sentence in json.loads(text)["error"]) == (status, True), text
    assert str(served.uploads) not in text
    with socket(served, "live") as viewer:
        assert wait_for_state(viewer)["status"] == "running"


def test_upload_with_a_false_length_is_cut_off(served: Served) -> None:
    before = list(served.uploads.iterdir())
    request = urllib.request.Request(served.url + "upload", iter([bytes(LIMIT), bytes(LIMIT)]), method="POST")
    assert response_to(request)[0] == 413
    assert list(served.uploads.iterdir()) == before


def test_pages_of_other_sites_are_rejected(served: Served) -> None:
    own = f"http://127.0.0.1:{served.port}"
    for origin in ("https://evil.example", f"http://localhost:{served.port}", "null", own + "0"):
        assert post(served, "source/given", Origin=origin)[0] == 403
        for path in ("live", "camera"):
            with pytest.raises(InvalidStatus, match="403"):
                socket(served, path, origin=origin)
    assert post(served, "source/given", Origin=own)[0] == 204
    with socket(served, "live", origin=own) as viewer:
        wait_for_state(viewer)


OWN = gethostname().partition(".")[0]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *(("evil.example", 403), ("", 403), ("[::1", 403), ("evil.local", 403), ("view.example.org.evil", 403), ("<b>", 403)),
        *(("localhost:1", 200), ("LOCALHOST.", 200), ("10.1.2.3", 200), ("[::1]:80", 200)),
        *(
            (OWN, 200),
            (f"{OWN}.local:8000", 200),
            (f"{OWN.upper()}.local.", 200),
            ("view.example.org", 200),
            ("other.example.org:443", 200),
        ),
    ],
)
def test_host_names_that_others_could_point_here_are_rejected(served: Served, host: str, status: int) -> None:
    request = urllib.request.Request(served.url, headers={"Host": host})
    actual, text = response_to(request)
    assert actual == status
    if status == 403:
        name = host if host.endswith((".example", ".local", ".evil")) else ""
        assert text.startswith(f"only for pages of this server: open it by its address, or start it with --allow-host {name}")
        assert "<" not in text


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("view.example.org", "https://view.example.org", 204),
        ("view.example.org", "https://other.example.org", 204),
        ("127.0.0.1", "https://view.example.org", 204),  # a proxy that does not pass the Host header on
        ("127.0.0.1", "https://evil.example", 403),
        ("view.example.org", "https://evil.example", 403),
        ("view.example.org", "https://view.example.org.evil", 403),
    ],
)
def test_pages_behind_a_reverse_proxy_can_change_things(served: Served, host: str, origin: str, status: int) -> None:
    actual, text = post(served, "source/given", Host=host, Origin=origin)
    assert actual == status
    assert ("behind a reverse proxy, start it with --allow-host" in text) == (status == 403)


@pytest.mark.parametrize("names", ["https://a.example", "a.example,", "a b", "*.example"])
def test_allow_host_rejects_what_is_no_name(small_model: Path, names: str) -> None:
    result = CliRunner().invoke(main, ["serve", "--model", str(small_model), "--allow-host", names])
    assert result.exit_code == 2
    assert "is not a host name; give one such as view.example.org" in result.stderr


def test_allow_host_takes_comma_lists_and_ports_and_is_repeatable() -> None:
    assert parse_host_names(["A.example:8443,b.local", "[::1]"]) == ["a.example", "b.local", "::1"]


def test_every_response_has_security_headers_and_no_external_address(served: Served) -> None:
    folder = Path(server_module.__file__).with_name("static")
    for path in ("", *(file.name for file in folder.iterdir()), "../app.py", "%2e%2e/app.py"):
        try:
            with urllib.request.urlopen(served.url + path, timeout=20) as answer:
                headers, text = answer.headers, answer.read().decode()
                assert ".py" not in path
        except urllib.error.HTTPError as problem:
            with problem:
                headers, text = problem.headers, ""
                assert ".py" in path
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert text.count("://") == text.count("://${location.host}") + text.count("http://www.w3.org/2000/svg")


def test_camera_frames_are_streamed_until_another_source_is_selected(served: Served) -> None:
    with socket(served, "live") as viewer, socket(served, "camera") as camera:
        send(camera, *[jpeg()] * 3)
        wait_for_state(viewer, status="running", source="browser camera", size=[64, 48])
        post(served, "source/given")
        wait_for_state(viewer, status="running", source="list")
        with pytest.raises(ConnectionClosed, match="another source was chosen"):
            send(camera, *[jpeg()] * 3)


def test_disconnected_camera_ends_its_stream(served: Served) -> None:
    with socket(served, "live") as viewer:
        with socket(served, "camera") as camera:
            camera.send(jpeg())
            wait_for_state(viewer, source="browser camera")
        assert wait_for_state(viewer, status="ended")["message"] == "browser camera has ended"
        post(served, "source/given")
        wait_for_state(viewer, source="list")


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (jpeg()[:200], "no complete JPEG"),
        (png(Image.new("RGB", (9, 9))), "no complete JPEG"),
        (b"", "no complete JPEG"),
        (jpeg(2001, 2000), "2001x2000 pixels is too large"),
        (bytes(browser_camera.MAX_JPEG_BYTES + 1), ""),
        ("text", ""),
    ],
)
def test_camera_rejects_invalid_frames(served: Served, frame: bytes | str, reason: str) -> None:
    with socket(served, "camera") as camera, pytest.raises(ConnectionClosed, match=reason or None):
        send(camera, frame)
    post(served, "source/given")


def test_lost_device_is_reopened_and_the_source_continues(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firebrick.sw.serve.live_streamer.RETRY_SECONDS", 0.2)
    devices: list[FakeDevice] = []

    def plug() -> FakeDevice:
        devices.append(FakeDevice(model, lost_at=5 if len(devices) < 2 else None, delay=0.01))
        return devices[-1]

    with serving(plug, lambda: ListSource(noise(30)), tmp_path / "uploads") as served:
        with socket(served, "live") as viewer:
            state = wait_for_state(viewer, status="lost")
            assert "the device does not answer; see whether it is still connected; trying again every 0.2 s" in state["message"]
            wait_for_state(viewer, status="running", frame=20)
        assert [device.closed for device in devices] == [1, 1, 0]
    assert [device.closed for device in devices] == [1, 1, 1]


def test_unreadable_source_is_reported_and_another_can_be_selected(model: Model, tmp_path: Path) -> None:
    with serving(lambda: FakeDevice(model), lambda: ListSource([]), tmp_path / "uploads") as served, socket(served, "live") as viewer:
        assert wait_for_state(viewer, status="failed")["message"] == "list holds no image; name another source"
        post(served, "source/pattern")
        wait_for_state(viewer, status="running", source="test pattern")


def test_slow_viewer_misses_frames_and_delays_no_other(served: Served) -> None:
    post(served, "source/given")
    with socket(served, "live", max_queue=1) as slow, socket(served, "live") as quick:
        wait_for_state(slow)
        until(lambda: "frames" in wait_for_state(quick)["counters"])  # counters are sampled twice a second
        first = wait_for_state(quick)["counters"]["frames"]
        until(lambda: wait_for_state(quick)["counters"]["frames"] > first + 30)


def test_program_prints_its_address_and_ends_cleanly(small_model: Path, tmp_path: Path) -> None:
    with serving_process(small_model, tmp_path) as (process, document):
        with urllib.request.urlopen(document["url"], timeout=20) as answer:
            assert b"<title>Firebrick</title>" in answer.read()
        assert list(tmp_path.iterdir())
        with connect(document["url"].replace("http", "ws") + "live") as viewer:
            wait_for_state(viewer, status="running", source="test pattern")
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (143, "", "")
    assert list(tmp_path.iterdir()) == []


def test_uploads_of_a_killed_server_are_swept_by_the_next(small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with upload_folder() as of_this_process:
        (of_this_process / "upload-1").touch()
        with serving_process(small_model, tmp_path) as (process, document):
            request = urllib.request.Request(document["url"] + "upload", png(noise(1)[0]), method="POST")
            assert response_to(request) == (204, "")
            (killed,) = (folder for folder in tmp_path.iterdir() if folder != of_this_process)
            assert len(list(killed.iterdir())) == 1
            process.kill()
            process.wait()
        assert killed.exists()
        other = tmp_path / "firebrick-serve-notes"
        other.mkdir()
        (tmp_path / "firebrick-serve-1-link").symlink_to(other)
        with serving_process(small_model, tmp_path):
            assert not killed.exists()
            assert (of_this_process / "upload-1").exists()
            assert other.exists()


def test_serve_rejects_a_port_in_use_and_missing_packages(small_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with server_module.listen("127.0.0.1", 0) as bound:
        port = str(bound.getsockname()[1])
        result = CliRunner().invoke(main, ["serve", "--model", str(small_model), "--port", port])
    assert result.exit_code == 1
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use; choose another" in result.stderr
    monkeypatch.setattr(server_module, "find_spec", lambda _: None)
    result = CliRunner().invoke(main, ["serve", "--model", catalogue.DEFAULT])
    assert f"starlette, which the live view needs, is missing; {install_extra('serve')}" in result.stderr


def test_first_image_after_a_time_without_viewers_belongs_to_its_labels(model: Model, tmp_path: Path) -> None:
    shades = [Image.new("RGB", (40, 36), (number * 20,) * 3) for number in range(12)]
    with serving(lambda: FakeDevice(model), lambda: ListSource(shades), tmp_path / "uploads") as served:
        until(lambda: served.streamer.broadcaster.newest.state.get("frame", 0) > 5)
        with socket(served, "live") as viewer:
            image, state = viewer.recv(20), viewer.recv(20)
            assert isinstance(image, bytes)
            assert np.asarray(Image.open(io.BytesIO(image))).mean() == pytest.approx(json.loads(state)["frame"] % 12 * 20, abs=2)
