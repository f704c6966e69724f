# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Tools as child processes: watched while they run, measured, and ended together with all their children.

A tool does not outlive this process, however that ends: a guard in the tool's process group waits at a pipe, whose other end only this
process holds. When it is closed, by this process or by the system at its death, the guard kills the group, itself included.
"""

import logging
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ...sw.errors import FirebrickError
from ...sw.utils.progress import Progress

logger = logging.getLogger(__name__)

POLL_INTERVAL = 0.05
"""Seconds between two polls of a running tool: short beside the quickest tools, and no load."""
PROGRESS_INTERVAL = 1.0
"""Seconds between two progress messages of a running tool."""
TERMINATION_GRACE = 5.0
"""Seconds that a tool has to end after SIGTERM, before SIGKILL."""
RSS_UNITS_PER_MIB = 1 << 20 if sys.platform == "darwin" else 1 << 10
"""``ru_maxrss`` counts bytes on macOS and KiB on Linux."""

GUARDED = """
exec 3<&0 </dev/null
( ( trap '' HUP INT TERM; read -r _ <&3; kill -KILL 0 ) 3<&3 >/dev/null 2>&1 & )
exec "$@" 3<&-
"""
"""A script for sh that starts a guard, which waits for the end of standard input, and becomes the tool that its arguments name.

The guard is forked twice, so that the tool does not find a child that it has not started.
"""

_ERROR_LINES = (re.compile(r"ERROR|%Error"), re.compile(r"\berror\b|[\w.]*Error: "))
"""How error messages look, the most certain first: of Yosys, nextpnr and Verilator; of compilers and Python."""


@dataclass(frozen=True)
class ToolUsage:
    """The time and memory that a tool took."""

    seconds: float
    peak_mib: int
    """The peak resident memory of the tool or of one of its children, whichever had more; at least what this process has."""
    cpu_seconds: float
    """The processor time of the tool and of its children."""


def run_process(
    command: Sequence[str],
    folder: Path,
    output: IO[bytes],
    *,
    name: str,
    env: Mapping[str, str] | None = None,
    limit: float = math.inf,
    on_poll: Callable[[float], None] = lambda _seconds: None,
) -> tuple[int, ToolUsage]:
    """Run a tool in a folder until it ends, and return its exit status and its usage; all that it prints goes to ``output``.

    ``on_poll`` is called with the elapsed seconds at each poll, and may raise to end the tool. Whatever goes wrong, an interrupt included,
    the tool and its children have ended when this returns. Raises FirebrickError if the tool takes more than ``limit`` seconds.
    """
    logger.debug("%s: running %s in %s", name, " ".join(command), folder)
    began = time.monotonic()
    process, lifeline = _start(command, folder, output, env)
    try:
        while True:
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
            elapsed = time.monotonic() - began
            if ended:
                process.returncode = os.waitstatus_to_exitcode(status)
                cpu_seconds = round(usage.ru_utime + usage.ru_stime, 1)
                measured = ToolUsage(round(elapsed, 1), round(usage.ru_maxrss / RSS_UNITS_PER_MIB), cpu_seconds)
                logger.info("%s: status %d after %.1f s, peak %d MiB", name, process.returncode, measured.seconds, measured.peak_mib)
                return process.returncode, measured
            if elapsed > limit:
                raise FirebrickError(f"{name} took more than {limit:g} seconds and was ended")
            on_poll(elapsed)
            time.sleep(POLL_INTERVAL)
    finally:
        terminate(process)
        os.close(lifeline)


def _start(command: Sequence[str], folder: Path, output: IO[bytes], env: Mapping[str, str] | None) -> tuple[subprocess.Popen[bytes], int]:
    """A tool with its guard, and the descriptor whose closing kills them."""
    stdin, lifeline = os.pipe()
    try:
        guarded = ["/bin/sh", "-c", GUARDED, "sh", *command]
        return (
            subprocess.Popen(guarded, cwd=folder, env=env, stdin=stdin, stdout=output, stderr=subprocess.STDOUT, start_new_session=True),
            lifeline,
        )
    except BaseException:
        os.close(lifeline)
        raise
    finally:
        os.close(stdin)


def run_logged(
    command: Sequence[str],
    folder: Path,
    log: Path,
    *,
    name: str = "",
    env: Mapping[str, str] | None = None,
    limit: float = math.inf,
    on_poll: Callable[[float], None] = lambda _seconds: None,
) -> ToolUsage:
    """``run_process`` with a log file, to which the tool's output is appended; ``name`` is the program's unless given.

    Raises FirebrickError, which quotes the tool's error message, if the tool fails or takes more than ``limit`` seconds.
    """
    name = name or Path(command[0]).name
    with log.open("ab") as stream:
        start = log.stat().st_size
        try:
            status, usage = run_process(command, folder, stream, name=name, env=env, limit=limit, on_poll=on_poll)
        except FirebrickError as error:
            raise FirebrickError(f"{error}; all it printed is in {log}") from error
    if status:
        raise FirebrickError(f"{name} failed with status {status} ({_error_message(log, start)}); all it printed is in {log}")
    return usage


def run_captured(command: Sequence[str], folder: Path, name: str, progress: Progress, limit: float) -> tuple[int, str]:
    """Run a quick tool in a folder; its exit status and all that it printed.

    Raises FirebrickError if the tool takes more than ``limit`` seconds.
    """
    with tempfile.TemporaryFile() as stream:
        status, _ = run_process(command, folder, stream, name=name, limit=limit, on_poll=report_elapsed(name, progress))
        stream.seek(0)
        return status, stream.read().decode(errors="replace")


def report_elapsed(name: str, progress: Progress) -> Callable[[float], None]:
    """An ``on_poll`` that reports once in ``PROGRESS_INTERVAL`` for how long a tool has been running."""
    reported = 0.0

    def report(elapsed: float) -> None:
        nonlocal reported
        if elapsed - reported >= PROGRESS_INTERVAL:
            progress(f"{name}, {elapsed:.0f} s")
            reported = elapsed

    return report


def terminate(process: subprocess.Popen[bytes]) -> None:
    """End a tool that still runs, and its children: the process group that ``start_new_session`` gave it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, number)
        try:
            process.wait(TERMINATION_GRACE)
        except subprocess.TimeoutExpired:
            continue


def _error_message(log: Path, start: int) -> str:
    """The first line of a log, from a byte on, that looks like an error message, or else the last line."""
    with log.open("rb") as stream:
        stream.seek(start)
        lines = [text for line in stream if (text := line.decode(errors="replace").strip())]
    for pattern in _ERROR_LINES:
        if message := next((line for line in lines if pattern.search(line)), None):
            return message
    return lines[-1] if lines else "it printed nothing"
