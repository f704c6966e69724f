# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Tools as child processes: their output, their errors, and that nothing of them is left when they are ended."""

import logging
import os
import time
from pathlib import Path

import pytest

from firebrick.hw.eda.process import report_elapsed, run_captured, run_logged
from firebrick.sw.errors import FirebrickError
from firebrick.sw.utils.progress import no_progress


def run(script: str, folder: Path, **options: object) -> None:
    run_logged(["sh", "-c", script], folder, folder / "log", **options)  # type: ignore[arg-type]


def test_log_collects_what_tools_print(tmp_path: Path) -> None:
    run("echo one; echo two >&2", tmp_path)
    run("echo three", tmp_path)
    assert (tmp_path / "log").read_text() == "one\ntwo\nthree\n"


def test_output_can_be_captured(tmp_path: Path) -> None:
    assert run_captured(["sh", "-c", "echo one; exit 3"], tmp_path, "counting", no_progress, 60.0) == (3, "one\n")


def test_environment_can_be_given(tmp_path: Path) -> None:
    run("echo $COLOUR", tmp_path, env=os.environ | {"COLOUR": "blue"})
    assert (tmp_path / "log").read_text() == "blue\n"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo start; echo 'a.cpp:3:1: error: no such thing'; echo 'make: *** stopped'; exit 2", "a.cpp:3:1: error: no such thing"),
        ("echo 'an error is possible'; echo 'ERROR: no cell'; exit 2", "ERROR: no cell"),
        ("echo first; echo last; exit 2", "last"),
        ("exit 2", "it printed nothing"),
    ],
)
def test_failing_tool_is_quoted(tmp_path: Path, script: str, message: str) -> None:
    (tmp_path / "log").write_text("an error of a tool before\n")
    with pytest.raises(FirebrickError) as caught:
        run(script, tmp_path)
    assert str(caught.value) == f"sh failed with status 2 ({message}); all it printed is in {tmp_path / 'log'}"


def test_interrupt_ends_a_tool_and_its_children(tmp_path: Path) -> None:
    def interrupt(_elapsed: float) -> None:
        if (tmp_path / "child").exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run("sleep 60 & echo $! > name; mv name child; wait", tmp_path, on_poll=interrupt)
    child = int((tmp_path / "child").read_text())
    assert gone(child)


def test_tool_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(FirebrickError, match=r"sh took more than 0\.3 seconds and was ended; all it printed is in .*log"):
        run("sleep 60", tmp_path, limit=0.3)


def test_progress_is_reported_once_a_second() -> None:
    messages: list[str] = []

    def progress(step: str, _done: int = 0, _total: int = 0, /) -> None:
        messages.append(step)

    on_poll = report_elapsed("routing", progress)
    for tenths in range(36):
        on_poll(tenths / 10)
    assert messages == ["routing, 1 s", "routing, 2 s", "routing, 3 s"]


def test_tool_and_its_usage_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "firebrick.hw.eda.process"):
        run("exit 0", tmp_path, name="doing nothing")
    first, last = (record.getMessage() for record in caplog.records)
    assert first == f"doing nothing: running sh -c exit 0 in {tmp_path}"
    assert last.startswith("doing nothing: status 0 after 0.")


def gone(process: int) -> bool:
    """Whether a process ends within some seconds; a zombie, whose status nobody has collected, has ended."""
    for _ in range(50):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state in "ZX":
            return True
        time.sleep(0.1)
    return False
