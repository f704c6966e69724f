# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Generated Verilog: deterministic bytes without traces of the machine, and ROM files with the plan's words."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from firebrick.hw.codegen.verilog import Artefacts, generate
from firebrick.hw.weights.rom import split_into_banks
from firebrick.hw.weights.rom_contents import RomFiles
from firebrick.sw.compiler.lowering import compile_model
from firebrick.sw.errors import FirebrickError
from firebrick.sw.fire_format.file import write_fire
from firebrick.sw.model.quantized import Model
from tests.helpers.paths import ROOT
from tests.helpers.random_models import random_model

LANES = 8
SCRIPT = f"""
import sys
from pathlib import Path
from firebrick.hw.codegen.verilog import generate
from firebrick.sw.fire_format.file import read_fire
generate(read_fire(Path(sys.argv[1])), {LANES}).write(Path(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def model() -> Model:
    return random_model(np.random.default_rng(0), height=5, width=6, kernel=3, stride=1, filters=3, fires=1, classes=3, density=0.5)


@pytest.fixture(scope="module")
def artefacts(model: Model) -> Artefacts:
    return generate(model, LANES)


def test_generate_gives_the_same_bytes_in_every_process(model: Model, artefacts: Artefacts, tmp_path: Path) -> None:
    write_fire(model, tmp_path / "model.fire")
    artefacts.write(tmp_path / "here")
    env = os.environ | {"PYTHONHASHSEED": "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"}  # other than that of this process
    subprocess.run([sys.executable, "-c", SCRIPT, tmp_path / "model.fire", tmp_path / "there"], check=True, cwd=tmp_path, env=env)
    files = [{path.name: path.read_bytes() for path in (tmp_path / where).iterdir()} for where in ("here", "there")]
    assert files[0] == files[1]
    assert files[0]["firebrick.v"].decode() == artefacts.verilog


def test_verilog_contains_no_paths(artefacts: Artefacts) -> None:
    assert str(ROOT) not in artefacts.verilog
    assert ".py" not in artefacts.verilog
    assert "src =" not in artefacts.verilog
    assert str(Path.home()) not in artefacts.verilog


def test_names_of_elements_are_not_those_of_bits(artefacts: Artefacts) -> None:
    assert re.search(r"\\\S+\.0 ", artefacts.verilog)
    assert not re.search(r"\\\S+\[\d+\]", artefacts.verilog)


def test_generate_names_its_top_module_and_rom_files(artefacts: Artefacts) -> None:
    assert "\nmodule firebrick(" in artefacts.verilog
    assert "\nmodule firebrick_rom " in artefacts.verilog
    assert all(f'"{name}"' in artefacts.verilog for name in artefacts.roms)


def test_generate_puts_the_plans_words_into_files(model: Model, artefacts: Artefacts) -> None:
    plan = compile_model(model, LANES)
    weights = [part.weights for engine in plan.engines for part in engine.partitions]
    streams = [[entry.codes.words, entry.zero_runs.words] if entry.zero_runs else [entry.codes.words] for entry in weights]
    words = [bank.words for words_of_rom in streams for bank in split_into_banks(words_of_rom, 9)]
    written = [tuple(int(line, 16) for line in contents.splitlines()) for contents in artefacts.roms.values()]
    assert Counter(written) == Counter(words)


def test_generate_reports_its_steps(model: Model) -> None:
    steps: list[str] = []
    with pytest.raises(FirebrickError):
        generate(model, 1, lambda step, *_: steps.append(step))
    assert steps == ["planning"]


def test_artefacts_are_written_whole(artefacts: Artefacts, tmp_path: Path) -> None:
    folder = tmp_path / "verilog"
    artefacts.write(folder)
    assert {path.name for path in folder.iterdir()} >= {"firebrick.v", "report.json", *artefacts.roms}
    assert (folder / "firebrick.v").read_text() == artefacts.verilog
    assert json.loads((folder / "report.json").read_text()) == artefacts.report
    assert all((folder / name).read_text() == contents for name, contents in artefacts.roms.items())


@pytest.mark.parametrize(("width", "line"), [(1, "1"), (4, "1"), (9, "001"), (18, "00001")])
def test_rom_files_hold_hexadecimal_words(width: int, line: str) -> None:
    platform = RomFiles()
    assert platform.add_rom([0, 1], width) == "rom0.hex"
    assert platform.add_rom([1], width) == "rom1.hex"
    assert platform.files["rom0.hex"].splitlines()[1] == line
