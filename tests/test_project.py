# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Rules for all files of the project."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

import firebrick
from tests.helpers.paths import ROOT
from tests.helpers.readme import program

HEADER = ("SPDX-FileCopyrightText: The Firebrick contributors", "SPDX-License-Identifier: BSD-2-Clause")
MACHINE_PATH = re.compile(r"(^|[^.\w])/(work|root|home|Users)/")
OLD_AMARANTH = re.compile(r"amaranth\.hdl\.(ast|rec)\b|\bRecord\(|\bElaboratable\b")


def test_readme_shows_the_two_commands() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert "make demo" in [line.split("#")[0].strip() for line in lines]
    assert "make test" in [line.split("#")[0].strip() for line in lines]


def test_program_of_the_readme_has_fifteen_lines() -> None:
    assert len([line for line in program().splitlines() if line]) == 15


def test_page_of_the_library_names_what_there_is() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / "library.md").read_text(), re.DOTALL | re.MULTILINE)
    nodes = [node for block in blocks for node in ast.walk(ast.parse(block)) if isinstance(node, ast.Attribute)]
    named = {node.attr for node in nodes if isinstance(node.value, ast.Name) and node.value.id == "firebrick"}
    assert named <= set(firebrick.__all__)
    objects = {
        "network": firebrick.Network,
        "model": firebrick.Model,
        "plan": firebrick.Plan,
        "bitstream": firebrick.Bitstream,
        "device": firebrick.Device,
    }
    for node in nodes:
        if isinstance(node.value, ast.Name) and node.value.id in objects:
            assert hasattr(objects[node.value.id], node.attr) or node.attr == "report", ast.unparse(node)


def test_makefile_helps_with_every_target() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert phony is not None
    assert set(phony[1].split()) == set(re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE))


def test_source_files_start_with_licence() -> None:
    for path in tracked():
        if path.suffix in (".py", ".cpp", ".h", ".sh") or path.name in ("Makefile", "run"):
            start = path.read_text().removeprefix("#!/usr/bin/env bash\n").splitlines()[:2]
            assert [line.lstrip("#/ ") for line in start] == list(HEADER), path.relative_to(ROOT)


def test_no_file_names_a_machine() -> None:
    assert [path for path, line in text_lines() if MACHINE_PATH.search(line)] == []


def test_no_old_amaranth() -> None:
    found = [path for path, line in text_lines() if path.suffix == ".py" and path != Path(__file__) and OLD_AMARANTH.search(line)]
    assert found == []


def test_links_between_pages_lead_somewhere() -> None:
    for page in (path for path in tracked() if path.suffix == ".md"):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)}: {target}"


def test_tree_of_links_shows_the_whole_package() -> None:
    """Type checkers and import-linter find the package in .types, whose links are part of the checkout."""
    shown = {path.name: path.resolve() for path in (ROOT / ".types" / "firebrick").iterdir() if path.is_symlink()}
    library = {path.name: path for path in (ROOT / "api").iterdir() if path.is_file()}
    assert shown == library | {name: ROOT / name for name in ("hw", "sw", "sim")}


def tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("only a checkout knows which files are the project's")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def text_lines() -> list[tuple[Path, str]]:
    found = []
    for path in tracked():
        data = path.read_bytes()
        if b"\0" not in data[:8000]:
            found += [(path, line) for line in data.decode().splitlines()]
    return found
