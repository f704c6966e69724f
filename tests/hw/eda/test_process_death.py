# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Nothing is left of a command that is killed with SIGKILL: no tool, no child of a tool, no worker; and the next run sweeps its folders."""

import sys
from pathlib import Path

import numpy as np
import pytest

from firebrick.hw.eda.runner import ToolStep
from firebrick.sw.utils.progress import no_progress
from tests.helpers.processes import kill_while_running

FIREBRICK = [sys.executable, "-c", "from firebrick.sw.cli.main import main; main()"]
STEP = """
import sys
from pathlib import Path
from firebrick.hw.eda.runner import ToolStep
from firebrick.sw.utils.progress import no_progress
ToolStep(sys.argv[1], sys.argv[2:], [], ["out.txt"]).run(Path("steps"), no_progress)
"""
STUBBORN = "sleep 61 & (trap '' TERM HUP INT; sleep 62; sleep 63) & sleep 64; wait"
"""A tool with children, of which one ignores signals."""


def test_tool_and_its_children_die_with_their_parent_and_leftovers_are_swept(tmp_path: Path) -> None:
    assert kill_while_running([sys.executable, "-c", STEP, "waiting", "sh", "-c", STUBBORN], "sleep 62", tmp_path) == []
    assert len(list((tmp_path / "steps").glob(".out-*/"))) == 1
    ToolStep("writing", [sys.executable, "-c", "open('out.txt', 'w')"], [], ["out.txt"]).run(tmp_path / "steps", no_progress)
    assert sorted(path.name.partition("-")[0] + path.suffix for path in (tmp_path / "steps").iterdir()) == ["out", "out.log", "out.log"]


def test_seeds_that_are_swept_die_with_their_parent(tmp_path: Path) -> None:
    code = STEP.partition("ToolStep(")[0] + (
        "from firebrick.hw.build.seed_sweep import sweep_seeds\n"
        "def route(seed, progress): return ToolStep('routing', ['sh', '-c', f'sleep 6{seed}'], [], ['out']).run(Path('steps'), progress)\n"
        "sweep_seeds(route, lambda _: 1.0, (1, 2, 3), 3, no_progress)\n"
    )
    assert kill_while_running([sys.executable, "-c", code], "sleep 63", tmp_path) == []


def test_workers_die_with_their_parent(tmp_path: Path) -> None:
    code = (
        "import time\n"
        "from firebrick.sw.utils.executors import local_processes\n"
        "if __name__ == '__main__':\n"
        "    with local_processes(2) as executor:\n"
        "        executor.submit(time.sleep, 0.1).result()\n"
        "        executor.submit(time.sleep, 60).result()\n"
    )
    (tmp_path / "workers.py").write_text(code)
    assert kill_while_running([sys.executable, "workers.py"], "spawn_main", tmp_path) == []


@pytest.mark.slow
def test_yosys_and_workers_of_an_exploration_die_with_their_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIREBRICK_CACHE", str(tmp_path / "cache"))
    command = [
        *FIREBRICK,
        "explore",
        "--synthesise",
        "--classes",
        "4",
        "--input",
        "32x32",
        "--base-e",
        "8",
        "--incr-e",
        "0",
        "--lanes",
        "40",
    ]
    assert kill_while_running(command, "libyosys", tmp_path) == []


@pytest.mark.slow
def test_verilator_and_the_compiler_die_with_their_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    monkeypatch.setenv("FIREBRICK_CACHE", str(tmp_path / "cache"))
    Image.fromarray(np.zeros((16, 16), np.uint8)).save(tmp_path / "image.png")
    command = [*FIREBRICK, "classify", "--backend", "sim", "--model", "digits", "--lanes", "28", "image.png"]
    assert kill_while_running(command, "verilator_bin", tmp_path) == []
    assert kill_while_running(command, "cc1plus", tmp_path) == []
    assert len(list((tmp_path / "cache").glob(".library-*/"))) == 1, "what the first left was swept"


@pytest.mark.slow
def test_cocotb_bench_dies_with_its_parent(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "firebrick.sim", "-o", str(tmp_path / "sim")]
    assert kill_while_running(command, "cocotb_runner", tmp_path) == []


@pytest.mark.slow
def test_nextpnr_dies_with_its_parent(tmp_path: Path) -> None:
    command = [*FIREBRICK, "bitstream", "--board", "ulx3s_12f", "--model", "digits", "-o", "-x", "--seeds", "1,2", "--jobs", "2"]
    assert kill_while_running(command, "nextpnr", tmp_path) == []
