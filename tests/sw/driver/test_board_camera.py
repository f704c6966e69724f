# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""A board's own camera over the link: captures, pictures at a pace that the line can follow, and what goes wrong in one sentence."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from firebrick.sw import golden
from firebrick.sw.cli.main import main
from firebrick.sw.driver.board_camera import PACES, BoardCamera
from firebrick.sw.driver.picture_reassembly import PictureAssembler
from firebrick.sw.errors import FirebrickError
from firebrick.sw.fire_format.file import write_fire
from firebrick.sw.link.packets import MAX_REPLY_PAYLOAD, PacketKind
from tests.helpers.scripted_camera import PICTURE, ScriptedCamera
from tests.helpers.scripted_device import MODEL


def test_captures_are_the_next_results() -> None:
    device = ScriptedCamera()
    with BoardCamera(MODEL, device) as camera:
        for _ in range(3):
            taken = camera.capture()
            assert (taken.scores == golden.run(MODEL, PICTURE[None])[0]).all()
            assert taken.picture is None
        assert camera.report().as_dict() | {"pace": 0} == {
            "found": True,
            "display": False,
            "pace": 0,
            "taken": 10,
            "dropped": 2,
            "torn": 3,
            "lost": 1,
        }
    assert [packet.sequence for packet in device.received if packet.kind == PacketKind.CAPTURE] == [0, 1, 2]


def test_picture_is_taken_more_slowly_until_it_is_whole() -> None:
    device = ScriptedCamera(follows_from=PACES[-2])
    with BoardCamera(MODEL, device) as camera:
        taken = camera.take_picture()
    assert taken.picture is not None
    assert (taken.picture == PICTURE).all()
    assert device.paces[-2:] == [PACES[-2], 0], "afterwards the camera runs at its own pace"
    assert device.paces[:-1] == sorted(device.paces[:-1])


@pytest.mark.parametrize(
    ("device", "message"),
    [
        (ScriptedCamera(present=False), "device scripted: its bitstream has no camera; build one with `firebrick bitstream --camera"),
        (ScriptedCamera(silent=True), "device scripted: its camera does not answer; check its wires"),
    ],
)
def test_board_without_a_camera_is_refused(device: ScriptedCamera, message: str) -> None:
    with pytest.raises(FirebrickError, match=message), BoardCamera(MODEL, device) as camera:
        camera.capture()


def test_picture_that_no_pace_brings_is_given_up() -> None:
    with BoardCamera(MODEL, ScriptedCamera(follows_from=1000)) as camera, pytest.raises(FirebrickError, match="too slow for a picture"):
        camera.take_picture()


@pytest.mark.parametrize("wrong", [False, True])
def test_check_compares_all_scores_and_tells_by_its_status(wrong: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_fire(MODEL, tmp_path / "tiny.fire")
    monkeypatch.setattr("firebrick.sw.driver.open_transport.open_transport", lambda _address: ScriptedCamera(wrong=wrong))
    picture = tmp_path / "seen.png"
    options = ["--device", "usb", "--model", str(tmp_path / "tiny.fire"), "--check", "--picture", str(picture), "--json", "board-camera"]
    result = CliRunner().invoke(main, ["stream", *options])
    assert result.exit_code == wrong
    document = json.loads(result.stdout)["check"]
    assert (document["classes"], document["different"]) == (MODEL.network.classes, int(wrong))
    assert (np.asarray(Image.open(picture)) == PICTURE.transpose(1, 2, 0)).all()


def test_stream_shows_labels_and_counters_of_a_boards_camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_fire(MODEL, tmp_path / "tiny.fire")
    monkeypatch.setattr("firebrick.sw.driver.open_transport.open_transport", lambda _address: ScriptedCamera())
    options = ["--device", "usb", "--model", str(tmp_path / "tiny.fire"), "--limit", "2", "--json", "board-camera"]
    result = CliRunner().invoke(main, ["stream", *options])
    assert result.exit_code == 0, result.output
    *frames, last = [json.loads(line) for line in result.stdout.splitlines()]
    assert [frame["frame"] for frame in frames] == [0, 1]
    assert (last["summary"]["frames"], last["summary"]["camera"]["found"]) == (2, True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--check", "pattern"], "--check and --picture are for the source board-camera"),
        (["--loop", "board-camera"], "--video, --loop and --rate are not for the source board-camera"),
        (["board-camera"], "device golden has no camera; name a board built with --camera"),
    ],
)
def test_stream_rejects_what_a_source_cannot_do(options: list[str], message: str) -> None:
    result = CliRunner().invoke(main, ["stream", "--device", "golden", "--model", "digits", *options])
    assert result.exit_code != 0
    assert message in result.output


def test_picture_needs_every_packet_in_order() -> None:
    data = bytes(range(256)) + bytes(10)
    packets = [data[start : start + MAX_REPLY_PAYLOAD] for start in range(0, len(data), MAX_REPLY_PAYLOAD)]

    def assembled(*numbers: int) -> bytes | None:
        assembler = PictureAssembler(len(data))
        for number in numbers:
            assembler.add(number, packets[number])
        return assembler.picture

    assert assembled(0, 1, 2) == data
    assert assembled(0, 1, 0, 1, 2) == data, "packet 0 begins anew"
    for numbers in ((0, 2), (1, 2), (0, 1), (0, 1, 1, 2), (0, 0, 2), ()):
        assert assembled(*numbers) is None
