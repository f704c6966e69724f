# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
import re
import time

import pytest

from firebrick.sw.utils.progress import OneBar, no_progress, progress_bar


def shown(text: str) -> str:
    """What a terminal was sent, without its control sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_progress_bar_has_a_bar_for_a_known_total_and_a_spinner_otherwise(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with progress_bar() as progress:
        progress("synthesis [1 of 2], 3 s")
        progress("simulation", 1, 4)
    out, err = capsys.readouterr()
    lines = shown(err).splitlines()
    assert out == ""
    assert any("simulation" in line and "25%" in line and "━" in line for line in lines)
    assert not any("synthesis" in line and ("%" in line or "━" in line) for line in lines)
    with progress_bar() as progress:
        progress("synthesis [1 of 2], 3 s")
    lines = [line for line in shown(capsys.readouterr().err).splitlines() if "synthesis" in line]
    assert all("synthesis [1 of 2], 3 s" in line and "%" not in line and "━" not in line for line in lines)
    assert lines


def test_bar_never_goes_back(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with progress_bar() as progress:
        progress("quantising", 3, 4)
        time.sleep(0.3)
        for done in (0, 1, 3):
            progress("quantising", done, 4)
            time.sleep(0.3)
    lines = [line for line in shown(capsys.readouterr().err).splitlines() if "quantising" in line]
    percentages = [int(match[1]) for line in lines if (match := re.search(r"━ +(\d+)%", line))]
    assert percentages == sorted(percentages)
    assert percentages[-1] == 75
    assert any("quantising, 1 of 4" in line for line in lines)


def test_several_passes_are_one_bar_that_ends_full() -> None:
    seen: list[int] = []

    def record(_step: str, done: int = 0, total: int = 0, /) -> None:
        seen.append(done)
        assert total == 1000

    bar = OneBar(record, "searching", [1, 1, 8])
    for number in (1, 2):
        for done in range(5):
            bar("quantising", done, 4)
        bar("no total")
        bar.finish(number)
    bar.finish(3)
    bar("beyond", 1, 4)
    assert seen == sorted(seen)
    assert (seen[4], seen[-1]) == (100, 1000)


def test_lines_tell_of_long_work_without_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    clock = iter([0.0, 5.0, 16.0, 20.0, 95.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with progress_bar() as progress:
        for done in range(3):
            progress("simulation", done, 4)
        progress("writing")
    assert capsys.readouterr() == ("", "0:16 simulation, 25 %\n1:35 writing\n")


def test_short_work_shows_nothing_without_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    with progress_bar() as progress:
        for callback in (progress, no_progress):
            callback("planning")
            callback("simulation", 2, 4)
    assert capsys.readouterr() == ("", "")
