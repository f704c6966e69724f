# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The order of packages that pyproject.toml states is kept, and a file that breaks it is found."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT

PLANTED = {
    "sw/model/graph.py": "from ..compiler.planner import plan_for\n",
    "sw/plan/chip.py": "from ..fpga.fabric import ECP5\n",
    "sw/golden/hardware.py": "def late() -> None:\n    from firebrick.hw.accelerator import Accelerator\n",
    "hw/stream/engine.py": "from ..engines.conv import ConvEngine\n",
    "hw/weights/command.py": "from ...sw.driver.device import Device\n",
    "sw/serve/signal.py": "from amaranth import Signal\n",
    "sim/first.py": "from .second import B\n",
}
"""One file each that breaks the order; the last one makes a circle with sim/second.py."""


def test_packages_import_only_those_below_them(tmp_path: Path) -> None:
    code, text = _lint(_packages(tmp_path))
    assert code == 0, text


@pytest.mark.parametrize("file", PLANTED)
def test_an_import_against_the_order_is_found(tmp_path: Path, file: str) -> None:
    _packages(tmp_path)
    (tmp_path / "firebrick" / file).write_text(PLANTED[file])
    (tmp_path / "firebrick" / "sim" / "second.py").write_text("from .first import B\n")
    code, text = _lint(tmp_path)
    assert code == 1
    assert "BROKEN" in text


def _packages(folder: Path) -> Path:
    """The folder, with a copy of all packages."""
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package, name in (("api", "."), ("hw", "hw"), ("sw", "sw"), ("sim", "sim")):
        shutil.copytree(ROOT / package, folder / "firebrick" / name, ignore=shutil.ignore_patterns("__pycache__", "*.fire"))
    return folder


def _lint(folder: Path) -> tuple[int, str]:
    """Exit status and report of import-linter on the packages below a folder."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache"], cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr
