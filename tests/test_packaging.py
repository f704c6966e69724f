# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The package that users install is complete: sdist and wheel are built, installed into a new environment and tried there."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT

TOP_PACKAGES = ("hw", "sw", "sim")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel made from the sdist made from the sources."""
    folder = tmp_path_factory.mktemp("sources")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    for package in TOP_PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder / "dist"), str(folder))
    [path] = (folder / "dist").glob("*.whl")
    return path


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a new environment with the wheel; its dependencies come from the environment of the tests."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder)
    python = folder / "bin" / "python"
    _run(sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index", str(wheel))
    site = sysconfig.get_path("purelib", vars={"base": str(folder)})
    Path(site, "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python.parent


def test_wheel_has_every_file(wheel: Path) -> None:
    sources = {f"firebrick/{path.relative_to(ROOT)}" for package in TOP_PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()}
    expected = {name for name in sources if "__pycache__" not in name}
    with zipfile.ZipFile(wheel) as archive:
        assert expected == {name for name in archive.namelist() if name.startswith("firebrick/")}


def test_every_module_can_be_imported(programs: Path) -> None:
    paths = [path.relative_to(ROOT) for package in TOP_PACKAGES for path in (ROOT / package).rglob("*.py") if path.name != "__main__.py"]
    names = [".".join(("firebrick", *path.with_suffix("").parts)).removesuffix(".__init__") for path in paths]
    if find_spec("torch") is None:  # PyTorch is in an extra of its own, since it is very large
        prefix = "firebrick.sw.training."
        names = [name for name in names if not name.startswith(prefix) or name.endswith(".config")]
    check = "import importlib, sys\nfor name in sys.argv[1:]: assert importlib.import_module(name).__file__.startswith(sys.prefix), name"
    _run(str(programs / "python"), "-c", check, *names)


def test_program_finds_the_shipped_model(programs: Path) -> None:
    assert "squeezenet1_1" in _run(str(programs / "firebrick"), "models")


def _run(*command: str) -> str:
    env = {
        name: value for name, value in os.environ.items() if name != "PYTHONPATH"
    }  # only the installed package is tried, not the sources
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(command[0]).parent, env=env, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
