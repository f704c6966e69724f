# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
import re

import pytest

from firebrick.sw.utils.progress import no_progress, progress_bar


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


def test_progress_shows_nothing_without_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    with progress_bar() as progress:
        for callback in (progress, no_progress):
            callback("planning")
            callback("simulation", 2, 4)
    assert capsys.readouterr() == ("", "")
