# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick camera --simulate`: pictures into the pins of the real top module of a board, scores and screen out, all of them compared."""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from firebrick.sim.board.photographs import Photographs
from firebrick.sim.board.serial_port import BoardSerialPort
from firebrick.sw import golden
from firebrick.sw.camera.ov7670 import OV7670
from firebrick.sw.camera.sensor_model import rgb565_bytes
from firebrick.sw.cli.main import main
from firebrick.sw.fire_format.file import write_fire
from tests.helpers.boards import tiny_model
from tests.helpers.camera_board import camera_board
from tests.helpers.paths import SHARED

pytestmark = pytest.mark.skipif(find_spec("amaranth_boards") is None, reason="needs the extra `bitstream`")
PHOTOGRAPHS = sorted((SHARED / "data" / "validation").glob("*.jpg"))[:3]


@pytest.mark.usefixtures("compiled_board")
def test_picture_at_the_pins_of_the_sensor_is_classified_and_on_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_model()
    rng = np.random.default_rng(1)
    data = rgb565_bytes(rng.integers(0, 256, (OV7670.rows // 16, OV7670.columns // 16, 3), np.uint8).repeat(16, axis=0).repeat(16, axis=1))
    with camera_board(monkeypatch) as (board, target):
        (shown,) = Photographs(board, model, [data], target.peripherals.screen.settings(model)).run()
    assert shown.right
    assert (shown.scores == golden.run(model, shown.picture[None])[0]).all()
    assert shown.screen is not None
    assert shown.different_pixels == 0
    assert len(np.unique(shown.screen.reshape(-1, 3), axis=0)) > 3, "the screen is not empty"


@pytest.mark.slow
@pytest.mark.usefixtures("compiled_board")
@pytest.mark.parametrize("wrong", [False, True])
def test_host_checks_the_scores_of_the_board_over_its_serial_pins(wrong: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_fire(tiny_model(), tmp_path / "tiny.fire")
    rng = np.random.default_rng(2)
    data = rgb565_bytes(rng.integers(0, 256, (OV7670.rows, OV7670.columns, 3), np.uint8))
    with camera_board(monkeypatch, wrong=tmp_path / "wrong" if wrong else None) as (board, _):
        board.show(data)
        monkeypatch.setattr("firebrick.sw.driver.open_transport.open_transport", lambda _address: BoardSerialPort(board))
        options = ["--device", "serial:pins", "--model", str(tmp_path / "tiny.fire"), "--check", "--json", "board-camera"]
        result = CliRunner().invoke(main, ["stream", *options], catch_exceptions=False)
    check = json.loads(result.stdout)["check"]
    assert (result.exit_code, check["classes"], check["different"] > 0) == (wrong, 5, wrong)
    assert check["camera"]["found"]
    assert check["camera"]["taken"] > 0


@pytest.mark.slow
@pytest.mark.skipif(len(PHOTOGRAPHS) < 3, reason="needs the validation images beside the checkout")
def test_whole_v11_classifies_photographs_on_a_ulx3s(tmp_path: Path) -> None:
    options = ["--board", "ulx3s_85f", "--model", "squeezenet1_1_small", "-o", str(tmp_path), "--json"]
    result = CliRunner().invoke(main, ["camera", "--simulate", *options, *map(str, PHOTOGRAPHS)], catch_exceptions=False)
    report = json.loads(result.stdout)
    assert (result.exit_code, report["equal"], len(report["pictures"])) == (0, True, 3)
    assert all((entry["scores"], entry["different_scores"], entry["different_pixels"]) == (1000, 0, 0) for entry in report["pictures"])
