# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The package that users install is complete: sdist and wheel are built, checked, installed into a new environment and tried there."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import firebrick
from firebrick.sw.utils.distribution import DISTRIBUTION
from tests.helpers.build_reports import report
from tests.helpers.paths import ROOT
from tests.helpers.readme import check_output, prepare, run_program

FOLDERS = {"api": "firebrick", "hw": "firebrick/hw", "sw": "firebrick/sw", "sim": "firebrick/sim"}
"""The folders of the package's sources, and where they are in the wheel."""
BESIDE = ("pyproject.toml", "setup.py", "README.md", "LICENSE")
LITTER = (".venv/bin/python", ".mypy_cache/cache.db", "sw/__pycache__/errors.pyc", "hw/.secret", "build/report.json", "sw/a.fire")
"""What may lie in a working tree and must stay there."""
STANDS_FOR_TOOLS = """
import firebrick.bitstream, pathlib
def build(plan, model, board, options, folder, **named):
    assert (board, options.link, round(options.frequency)) == ("ulx3s_85f", "uart", 75_000_000)
    folder.mkdir(parents=True)
    (folder / "firebrick.bit").write_bytes(b"bits")
    (folder / "report.json").write_text(pathlib.Path("build.json").read_text())
firebrick.bitstream.build_bitstream = build
firebrick.bitstream.Bitstream.verify = lambda self: {"weights": 160}
"""
"""Stands for Yosys and nextpnr, and for the read-back of what they make."""


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the sdist, made from a littered working tree, and the wheel, made from the sdist."""
    folder = tmp_path_factory.mktemp("sources")
    for name in BESIDE:
        shutil.copy(ROOT / name, folder)
    for package in FOLDERS:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in LITTER:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("litter")
    _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder / "dist"), str(folder))
    return folder / "dist"


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    [path] = dist.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a new environment with the wheel; its dependencies come from the environment of the tests."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder)
    python = folder / "bin" / "python"
    _pip(python, "--no-deps", str(wheel))
    site = sysconfig.get_path("purelib", vars={"base": str(folder)})
    Path(site, "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python.parent


def test_name_and_version_are_those_of_the_package(dist: Path) -> None:
    stem = f"{DISTRIBUTION.replace('-', '_')}-{firebrick.__version__}"
    assert sorted(path.name for path in dist.iterdir()) == [f"{stem}-py3-none-any.whl", f"{stem}.tar.gz"]


def test_pypi_would_take_them(dist: Path) -> None:
    pytest.importorskip("twine", reason="needs twine, which checks distributions")
    _run(sys.executable, "-m", "twine", "check", "--strict", *map(str, sorted(dist.iterdir())))


def test_wheel_has_every_file(wheel: Path) -> None:
    expected = {f"{target}/{path.relative_to(ROOT / folder)}" for folder, target in FOLDERS.items() for path in _sources(folder)}
    with zipfile.ZipFile(wheel) as archive:
        assert expected == {name for name in archive.namelist() if name.startswith("firebrick/")}


def test_sdist_has_every_file_and_no_litter(dist: Path) -> None:
    [path] = dist.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames() if archive.getmember(name).isfile()}
    made = {name for name in names if ".egg-info/" in name} | {"PKG-INFO", "setup.cfg"}
    assert names - made == {*BESIDE, *(str(path.relative_to(ROOT)) for folder in FOLDERS for path in _sources(folder))}


def test_every_module_can_be_imported(programs: Path) -> None:
    paths = [(folder, path) for folder in FOLDERS for path in _sources(folder) if path.suffix == ".py" and path.name != "__main__.py"]
    names = [".".join((*FOLDERS[folder].split("/"), *path.relative_to(ROOT / folder).with_suffix("").parts)) for folder, path in paths]
    names = [name.removesuffix(".__init__") for name in names]
    if find_spec("torch") is None:  # PyTorch is in an extra of its own, since it is very large
        prefix = "firebrick.sw.training."
        names = [name for name in names if not name.startswith(prefix) or name.endswith(".config")]
    check = "import importlib, sys\nfor name in sys.argv[1:]: assert importlib.import_module(name).__file__.startswith(sys.prefix), name"
    _run(str(programs / "python"), "-c", check, *names)


def test_program_finds_the_shipped_model(programs: Path) -> None:
    assert "squeezenet1_1" in _run(str(programs / "firebrick"), "models")


def test_program_of_the_readme_runs_from_the_wheel(programs: Path, tmp_path: Path) -> None:
    prepare(tmp_path)
    for tool in ("nextpnr-ecp5", "ecppack"):  # they are looked for before the build
        shutil.copy(tmp_path / "bin" / "openFPGALoader", tmp_path / "bin" / tool)
    (tmp_path / "build.json").write_text(json.dumps(report() | {"board": "ulx3s_85f", "bitstream": "firebrick.bit"}))
    output = run_program(programs / "python", tmp_path, STANDS_FOR_TOOLS)
    check_output(output, tmp_path)
    assert "\n45.6 160\n" in output


@pytest.mark.slow
def test_program_of_the_readme_runs_with_its_tools_from_a_clean_environment(wheel: Path, tmp_path: Path) -> None:
    python = tmp_path / "environment" / "bin" / "python"
    venv.create(python.parents[1], with_pip=True)
    packages = f"{DISTRIBUTION}[onnx,bitstream] @ {wheel.as_uri()}"
    _run(str(python), "-m", "pip", "install", "--quiet", "--constraint", str(ROOT / "constraints.txt"), packages)
    prepare(tmp_path)
    check_output(run_program(python, tmp_path), tmp_path)


def test_extra_is_installed_beside_the_wheel_by_the_name_in_messages(programs: Path) -> None:
    _pip(programs / "python", f"{DISTRIBUTION}[demo]")  # without an index, so that only the installed package can be meant


def test_pages_and_messages_name_the_own_distribution() -> None:
    """On PyPI, `firebrick` is another project, which `pip install firebrick` would install."""
    foreign = re.compile(r"pip install [^\n]*(?<![\w./-])firebrick(?![\w/-])|(?<![\w./-])firebrick\[")
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "Makefile", ROOT / "pyproject.toml"]
    for path in [*pages, *(path for folder in FOLDERS for path in _sources(folder) if path.suffix in (".py", ".html", ".j2"))]:
        assert not foreign.search(path.read_text()), path.relative_to(ROOT)


def _sources(folder: str) -> Iterator[Path]:
    """The files of a folder of the package."""
    return (path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def _pip(python: Path, *requirements: str) -> None:
    _run(sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-index", *requirements)


def _run(*command: str) -> str:
    env = {
        name: value for name, value in os.environ.items() if name != "PYTHONPATH"
    }  # only the installed package is tried, not the sources
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(command[0]).parent, env=env, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
