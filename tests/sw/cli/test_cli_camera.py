# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick camera`: its verdict on what a simulated board did, and what it says to mistakes. The simulation itself is not run."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from firebrick.sim.board import photographs, simulation
from firebrick.sim.board.photographs import Shown
from firebrick.sw.cli.main import main

SCREEN = np.zeros((480, 640, 3), np.uint8)
SCORES = np.array([5, 900, 7, 1, 2, 3, 4], np.int64)
RIGHT = Shown(np.zeros((3, 24, 24), np.uint8), SCORES, SCORES, True, 1_000_000, SCREEN, SCREEN, None)


class FakeBoard:
    """Stands in for a simulated board."""

    now = 0.1

    def __init__(self, *_arguments: Any, **_options: Any) -> None:
        pass

    def __enter__(self) -> "FakeBoard":
        return self

    def __exit__(self, *_problem: object) -> None:
        pass


def run(monkeypatch: pytest.MonkeyPatch, shown: list[Shown], *arguments: str) -> Result:
    def results(*_arguments: Any, **_options: Any) -> SimpleNamespace:
        return SimpleNamespace(run=lambda: iter(shown))

    monkeypatch.setattr(simulation, "BoardSimulation", FakeBoard)
    monkeypatch.setattr(photographs, "Photographs", results)
    return CliRunner().invoke(main, ["camera", "--simulate", "--board", "ulx3s_12f", *arguments], catch_exceptions=False)


@pytest.fixture
def options(small_model: Path, images: list[Path], tmp_path: Path) -> list[str]:
    return ["--model", str(small_model), "-o", str(tmp_path / "out"), *map(str, images[:2])]


def test_all_equal(monkeypatch: pytest.MonkeyPatch, options: list[str], tmp_path: Path) -> None:
    result = run(monkeypatch, [RIGHT, RIGHT], *options)
    assert result.exit_code == 0
    assert result.stdout.count("all 7 equal") == 2
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"a.seen.png", "a.screen.png", "b.seen.png", "b.screen.png", "report.json"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": SCORES + np.eye(7, dtype=np.int64)[1]}, "b.jpg: scores 1 of 7 differ, screen equal;"),
        ({"expected_screen": SCREEN + np.uint8(1)}, "b.jpg: scores all 7 equal, screen 307,200 pixels differ;"),
        ({"whole": False}, "b.jpg: scores of a broken frame, screen equal;"),
        ({"screen": None, "complaint": "no vertical pulse"}, "b.jpg: scores all 7 equal, screen wrong signal (no vertical pulse);"),
    ],
)
def test_each_difference_fails(
    change: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch, options: list[str], tmp_path: Path
) -> None:
    result = run(monkeypatch, [RIGHT, replace(RIGHT, **change)], "--json", *options)
    assert result.exit_code == 1
    assert message in result.stderr
    report = json.loads(result.stdout)
    assert [entry["equal"] for entry in report["pictures"]] == [True, False]
    assert report["equal"] is False
    assert (tmp_path / "out" / "b.expected.png").exists() == ("screen" in message and "screen equal" not in message)
    assert not (tmp_path / "out" / "a.expected.png").exists()


def test_pictures_of_the_same_name_keep_their_files(
    monkeypatch: pytest.MonkeyPatch, small_model: Path, images: list[Path], tmp_path: Path
) -> None:
    twice = ["--model", str(small_model), "-o", str(tmp_path / "out"), "--display", "none", str(images[0]), str(images[0])]
    blind = replace(RIGHT, screen=None, expected_screen=None)
    result = run(monkeypatch, [blind, blind], *twice)
    assert result.exit_code == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a.seen.png", "a-2.seen.png", "report.json"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cat.jpg"], "firebrick stream --device ADDRESS board-camera"),
        (["--simulate", "missing.jpg"], "missing.jpg does not exist; name an image"),
        (["--simulate", "--camera", "ov5640"], "there is no camera named ov5640"),
        (["--simulate", "--board", "icebreaker"], "a camera needs clocks that are known for the ECP5 only"),
        (["--simulate", "--board", "ecpix5_85f"], "board ecpix5_85f has no usual pins for a display"),
    ],
)
def test_mistakes_end_in_a_sentence(arguments: list[str], message: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["camera", "--model", "digits", "-o", str(tmp_path / "out"), *arguments])
    assert result.exit_code != 0
    assert message in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()
