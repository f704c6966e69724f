# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A board's own camera in the live view."""

import io
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from websockets.sync.client import ClientConnection, connect

from firebrick.sw import golden
from firebrick.sw.cli.main import main
from firebrick.sw.driver.board_camera import BoardCamera
from firebrick.sw.golden.top_k import top_k
from firebrick.sw.serve.board_view import BoardView
from firebrick.sw.stream.image_sources import TestPattern
from tests.helpers.chromium import SECONDS, chromium, needs_chromium
from tests.helpers.live_view import FakeDevice
from tests.helpers.scripted_camera import PICTURE, ScriptedCamera
from tests.helpers.scripted_device import MODEL
from tests.helpers.served import Served, serving

SCORES = golden.run(MODEL, PICTURE[None])[0]


def view(**script: Any) -> BoardView:
    return BoardView(lambda: BoardCamera(MODEL, ScriptedCamera(**script)))


def post(served: Served, path: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(served.url + path, b"", method="POST"), timeout=20) as answer:
            status: int = answer.status
            return status
    except urllib.error.HTTPError as problem:
        with problem:
            return problem.code


def watch(viewer: ClientConnection, **expected: object) -> tuple[dict[str, Any], bytes | None]:
    """The next state with the expected values, and the newest image up to it."""
    image = None
    while True:
        message = viewer.recv(20)
        if isinstance(message, bytes):
            image = message
            continue
        state: dict[str, Any] = json.loads(message)
        if all(state.get(name) == value for name, value in expected.items()):
            return state, image


def viewing(served: Served) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{served.port}/live", close_timeout=1)


def test_page_gets_labels_counters_and_pictures_of_a_boards_camera(tmp_path: Path) -> None:
    """From the test pattern to the board's camera and back; a picture at first, and one more when it is asked for."""
    with serving(lambda: FakeDevice(MODEL), TestPattern, tmp_path, board_view=view) as served, viewing(served) as viewer:
        assert watch(viewer, status="running", source="test pattern")[0]["board"]
        assert post(served, "picture") == 415, "there is no board's camera to take a picture of"
        assert post(served, "source/board") == 204
        state, image = watch(viewer, status="running", source="board camera")
        classes = MODEL.network.classes
        assert state["top5"] == top_k(MODEL, SCORES, min(5, classes))
        assert state["check"] == f"all {classes:,} scores equal the golden model's"
        assert image is not None
        seen = np.asarray(Image.open(io.BytesIO(image)).convert("RGB"))
        assert seen.shape == (*PICTURE.shape[1:], 3)
        assert np.abs(seen - PICTURE.transpose(1, 2, 0).astype(float)).mean() < 60  # JPEG of noise
        first = state["picture"]
        state, _ = watch(viewer, counters={"found": True, "display": False, "pace": 0, "taken": 10, "dropped": 2, "torn": 3, "lost": 1})
        assert state["picture"] == first < state["frame"], "frames go on, and the picture stays"
        assert post(served, "picture") == 204
        while watch(viewer, status="running")[0]["picture"] == first:
            pass
        assert post(served, "source/pattern") == 204
        assert "picture" not in watch(viewer, status="running", source="test pattern")[0]


def test_page_says_that_scores_differ(tmp_path: Path) -> None:
    with serving(lambda: FakeDevice(MODEL), lambda: view(wrong=True), tmp_path) as served, viewing(served) as viewer:
        state, _ = watch(viewer, status="running")
    assert state["check"] == f"1 of {MODEL.network.classes} scores differ from the golden model's"


def test_labels_go_on_where_the_line_is_too_slow_for_pictures(tmp_path: Path) -> None:
    with serving(lambda: FakeDevice(MODEL), lambda: view(follows_from=1000), tmp_path) as served, viewing(served) as viewer:
        state, image = watch(viewer, status="running")
        assert (state["picture"], image) == (None, None)
        assert "too slow for a picture" in state["check"]
        assert watch(viewer, status="running")[0]["frame"] > state["frame"]


def test_board_without_a_camera_is_reported_and_another_source_can_be_selected(tmp_path: Path) -> None:
    with (
        serving(lambda: FakeDevice(MODEL), TestPattern, tmp_path, board_view=lambda: view(present=False)) as served,
        viewing(served) as viewer,
    ):
        post(served, "source/board")
        assert "its bitstream has no camera" in watch(viewer, status="failed")[0]["message"]
        post(served, "source/pattern")
        watch(viewer, status="running", source="test pattern")


def test_board_that_is_lost_is_opened_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firebrick.sw.driver.board_camera.FRAME_TIMEOUT", 0.3)
    monkeypatch.setattr("firebrick.sw.serve.live_streamer.RETRY_SECONDS", 0.05)
    device = ScriptedCamera()
    with (
        serving(lambda: FakeDevice(MODEL), lambda: BoardView(lambda: BoardCamera(MODEL, device)), tmp_path) as served,
        viewing(served) as viewer,
    ):
        watch(viewer, status="running")
        device.silent = True
        assert "check its wires" in watch(viewer, status="lost")[0]["message"]
        device.silent = False
        watch(viewer, status="running")


@pytest.mark.parametrize("device", ["golden", "sim"])
def test_serve_rejects_the_camera_of_a_device_that_is_no_board(device: str) -> None:
    result = CliRunner().invoke(main, ["serve", "--device", device, "board-camera"])
    assert result.exit_code == 1
    assert f"device {device} has no camera; name a board built with --camera" in " ".join(result.output.split())


def test_button_is_refused_where_there_is_no_board(tmp_path: Path) -> None:
    with serving(lambda: FakeDevice(MODEL), TestPattern, tmp_path) as served:
        assert post(served, "source/board") == 415


@pytest.mark.slow
@needs_chromium
def test_button_shows_the_boards_camera_and_another_takes_a_picture(tmp_path: Path) -> None:
    errors: list[str] = []
    with serving(lambda: FakeDevice(MODEL), TestPattern, tmp_path, board_view=view) as served, chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(SECONDS)
        page.on("pageerror", lambda problem: errors.append(str(problem)))
        page.goto(served.url)
        page.wait_for_selector("#board:visible")
        assert page.is_hidden("#picture")
        page.click("#board")
        first = "document.querySelector('#caption').textContent.includes('picture of frame 0 · all')"
        page.wait_for_function(first)
        assert page.is_visible("#image")
        page.click("#picture")
        page.wait_for_function(f"!{first}")
    assert not errors
