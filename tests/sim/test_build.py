# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Tools that are run, and the names of what is made from source code."""

import os
import time
from pathlib import Path

import pytest

from firebrick.sim import verilator
from firebrick.sw.errors import FirebrickError
from firebrick.sw.utils.source_hash import combined_hash, source_code

ENVIRONMENT = dict(os.environ)


def run(script: str, folder: Path, **options: object) -> None:
    verilator.run(["sh", "-c", script], folder, ENVIRONMENT, folder / "log", **options)  # type: ignore[arg-type]


def test_run_keeps_what_a_tool_prints(tmp_path: Path) -> None:
    run("echo one; echo two >&2", tmp_path)
    run("echo three", tmp_path)
    assert (tmp_path / "log").read_text() == "one\ntwo\nthree\n"


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo start; echo 'a.cpp:3:1: error: no such thing'; echo 'make: *** stopped'; exit 2", "a.cpp:3:1: error: no such thing"),
        ("echo first; echo last; exit 2", "last"),
        ("exit 2", "it printed nothing"),
    ],
)
def test_run_reports_what_a_failing_tool_says(tmp_path: Path, script: str, says: str) -> None:
    (tmp_path / "log").write_text("an error of a tool before\n")
    with pytest.raises(FirebrickError) as caught:
        run(script, tmp_path)
    assert str(caught.value) == f"sh failed with status 2 ({says}); all it printed is in {tmp_path / 'log'}"


def test_interrupt_ends_a_tool_and_its_children(tmp_path: Path) -> None:
    def interrupt() -> None:
        if (tmp_path / "child").exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run("sleep 60 & echo $! > name; mv name child; wait", tmp_path, watch=interrupt)
    child = int((tmp_path / "child").read_text())
    assert gone(child)


def test_run_ends_a_tool_that_takes_too_long(tmp_path: Path) -> None:
    with pytest.raises(FirebrickError, match=r"sh took more than 0\.3 seconds and was ended"):
        run("sleep 60", tmp_path, limit=0.3)


def test_sources_are_those_that_generate_hardware() -> None:
    code = source_code("firebrick.hw.codegen.verilog")
    for part in (b"class ConvEngine", b"def allocate", b"class CanonicalCode", b"class FirebrickError"):
        assert part in code, part
    for part in (b"click.command", b"def evaluate", b"class Simulator", b"def calibration_frames"):
        assert part not in code, part


def test_digest_tells_parts_apart() -> None:
    assert combined_hash("a", b"b") == combined_hash(b"a", "b")
    assert len({combined_hash("ab"), combined_hash("a", "b"), combined_hash("", "ab"), combined_hash("ab", "")}) == 4


def gone(process: int) -> bool:
    """Whether a process has ended, within some seconds; nobody may have collected its status."""
    for _ in range(50):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state in "ZX":
            return True
        time.sleep(0.1)
    return False
