# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Seed sweeps in parallel and on a cluster, and interrupted commands: no tool that they started outlives them."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

from firebrick.hw.build.seed_sweep import sweep_seeds
from firebrick.hw.eda.runner import ToolStep
from firebrick.sw.cli.main import main
from firebrick.sw.errors import FirebrickError
from firebrick.sw.utils.executors import dask_cluster
from firebrick.sw.utils.progress import Progress, no_progress

RATES = {1: 60.0, 2: 72.5, 3: 72.5, 4: 10.0}


def test_seeds_are_ranked_by_fmax() -> None:
    results = sweep_seeds(lambda seed, _progress: seed, RATES.__getitem__, (4, 3, 1, 2), 2, no_progress)
    assert [(result.seed, result.fmax_mhz, result.routed) for result in results] == [(3, 72.5, 3), (2, 72.5, 2), (1, 60.0, 1), (4, 10.0, 4)]


def test_seeds_run_in_parallel_up_to_the_number_of_jobs() -> None:
    running, peak, lock = 0, 0, threading.Lock()

    def make(seed: int, _progress: Progress) -> int:
        nonlocal running, peak
        with lock:
            running += 1
            peak = max(peak, running)
        time.sleep(0.1)
        with lock:
            running -= 1
        return seed

    sweep_seeds(make, lambda _result: 1.0, range(7), 3, no_progress)
    assert peak == 3


def test_failing_seeds_are_skipped_unless_all_fail() -> None:
    def make(seed: int, _progress: Progress) -> int:
        if seed % 2:
            raise FirebrickError(f"seed {seed} found no way")
        return seed

    results = sweep_seeds(make, lambda _result: 50.0, (1, 2, 3), 2, no_progress)
    assert [(result.seed, result.fmax_mhz) for result in results] == [(2, 50.0), (1, 0.0), (3, 0.0)]
    with pytest.raises(FirebrickError, match="seed 3 found no way"):
        sweep_seeds(make, lambda _result: 50.0, (3, 1), 2, no_progress)


def test_interrupted_sweep_ends_its_tools() -> None:
    ended: list[int] = []

    def make(seed: int, progress: Progress) -> int:
        try:
            while True:
                time.sleep(0.02)
                progress(f"seed {seed}")
        finally:
            ended.append(seed)

    def interrupt(_step: str, _done: int = 0, _total: int = 0, /) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep_seeds(make, lambda _result: 1.0, (1, 2, 3), 2, interrupt)
    assert sorted(ended) == [1, 2], "two were running, and the third never started"


@pytest.mark.parametrize("wrong", ["", "x", "0", "1,1", "3,-1", "1001", "1,2,x"])
def test_seeds_must_be_a_number_or_a_list(wrong: str) -> None:
    result = CliRunner().invoke(main, ["bitstream", "--seeds", wrong])
    assert result.exit_code == 2
    assert "must be a number from 1 to 1000, or several different seeds" in " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.slow
@pytest.mark.skipif(find_spec("distributed") is None, reason="needs the extra `cluster`")
def test_seeds_run_on_a_cluster(tmp_path: Path) -> None:
    from distributed import LocalCluster

    def make(seed: int, progress: Progress) -> str:
        command = [sys.executable, "-c", f"open('out.txt', 'w').write('{seed}')"]
        return ToolStep(f"seed {seed}", command, [], ["out.txt"]).run(tmp_path, progress, executor)["out.txt"].read_text()

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as local,
        dask_cluster(local.scheduler_address) as executor,
    ):
        assert [result.routed for result in sweep_seeds(make, float, (1, 3, 2), 3, no_progress)] == ["3", "2", "1"]


PROGRAM = """
import sys
from pathlib import Path
from firebrick.hw.build.seed_sweep import sweep_seeds
from firebrick.hw.eda.runner import ToolStep
from firebrick.sw.utils.progress import no_progress
from firebrick.sw.utils.signals import exit_on_signals

def make(seed, progress):
    code = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
    pid = Path(sys.argv[1]).absolute() / f"pid{seed}"
    return ToolStep(f"step {seed}", [sys.executable, "-c", code, str(pid)], [], ["never"]).run(Path(sys.argv[1]) / "cache", progress)

with exit_on_signals():
    sweep_seeds(make, lambda result: 1.0, (1, 2), 2, no_progress)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, -2)])
def test_ended_commands_end_their_tools(tmp_path: Path, number: signal.Signals, status: int) -> None:
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), str(tmp_path)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        pids = [int(until_written(tmp_path / f"pid{seed}")) for seed in (1, 2)]
        process.send_signal(number)
        assert process.wait(60) == status
        assert not [pid for pid in pids if alive(pid)]
        assert not list((tmp_path / "cache").glob(".*")), "no partial products are left"
    finally:
        process.kill()


def until_written(path: Path) -> str:
    for _ in range(600):
        if path.exists() and path.read_text():
            return path.read_text()
        time.sleep(0.1)
    raise AssertionError(f"{path} was never written")


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
