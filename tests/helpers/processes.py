# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Processes by a mark in their environment, which their descendants inherit: what is left of a command that was killed."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import uuid4

import pytest

MARK = "FIREBRICK_TEST_MARK"
SECONDS = 600.0
"""Time limit for a process to appear."""


def kill_while_running(command: Sequence[str], tool: str, folder: Path) -> list[str]:
    """Start a command, kill it with SIGKILL once a descendant runs whose command line has a word, and say which descendants are left."""
    if not Path("/proc/self/environ").exists():
        pytest.skip("needs /proc, to find the descendants of a process")
    mark = uuid4().hex
    with subprocess.Popen(command, cwd=folder, env=os.environ | {MARK: mark}, stdout=subprocess.DEVNULL) as process:
        try:
            found = _wait(lambda: process.poll() is not None or any(tool in line for line in _marked(mark, but=process.pid)), SECONDS)
            assert found, f"{tool} was not started"
            assert process.poll() is None, f"{tool} was not seen"
        finally:
            process.send_signal(signal.SIGKILL)
    _wait(lambda: not _marked(mark), 5.0)
    return _marked(mark)


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def _marked(mark: str, but: int = 0) -> list[str]:
    """The command lines of the processes with a mark."""
    lines = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and int(folder.name) != but:
            try:
                if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    lines.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                continue  # another user's, or ended
    return lines
