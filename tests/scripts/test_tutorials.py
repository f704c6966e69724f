# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The notebooks in docs/tutorials run from top to bottom, and print what they have stored."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.paths import ROOT

nbformat = pytest.importorskip("nbformat", reason="needs the extra docs")

SCRIPT = ROOT / "scripts" / "tutorials.py"
NOTEBOOKS = sorted((ROOT / "docs" / "tutorials").glob("*.ipynb"))
LARGEST = 60_000
"""Bytes of a notebook with its outputs."""

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@each_notebook
def test_notebook_runs_and_prints_what_it_has_stored(path: Path) -> None:
    _run("--quick", path)


@pytest.mark.slow
@each_notebook
def test_notebook_runs_with_its_long_steps(path: Path) -> None:
    _run("", path)


@each_notebook
def test_notebook_is_small_and_has_its_outputs(path: Path) -> None:
    text = path.read_text()
    assert len(text) < LARGEST
    assert not re.search(r"/(tmp|work|root|home|Users)/", text)
    for cell in nbformat.read(path, as_version=4).cells:
        assert all(output.output_type != "error" for output in cell.get("outputs", []))
        if "print(" in cell.source:
            assert cell.outputs, cell.source


def test_other_words_are_found_and_other_numbers_are_not() -> None:
    script = runpy.run_path(str(SCRIPT))

    def printed(text: str, *tags: str) -> list[str]:
        cell = nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("stream", text=text)], metadata={"tags": list(tags)})
        lines: list[str] = script["printed"](nbformat.v4.new_notebook(cells=[cell]))
        return lines

    assert printed("98.1% of 359\n") == printed("97.3% of   359\n") == ["N% of N"]
    assert printed("98.1% right\n") != printed("98.1% wrong\n")
    assert printed("takes minutes\n", "long") == []


def _run(option: str, path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--check", *option.split(), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
