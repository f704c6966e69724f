# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The core's benches in simulators, run from another folder: they pass, and they fail where a score is wrong."""

import shutil
import sys
from pathlib import Path

import pytest

from firebrick.hw.eda.tool_paths import tool_command
from firebrick.sim import verilator
from tests.helpers.cores import CASES, files_of, run_tool, write

needs_icarus = pytest.mark.skipif(
    shutil.which("iverilog") is None, reason="Icarus Verilog is not installed (Debian: apt-get install iverilog)"
)
SIMULATORS = (pytest.param("icarus", marks=needs_icarus), "verilator")

unsigned_only = pytest.mark.parametrize("core", ["unsigned"], indirect=True)


@pytest.fixture
def core(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder of a core; its path has a space."""
    return write(tmp_path / "a core", files_of(request.param))


def module(core: Path) -> str:
    """The name of the top module."""
    return (core / "firebrick.f").read_text().split("/")[-1].removesuffix(".v\n")


def icarus(core: Path, tmp_path: Path, language: str) -> Path:
    """The bench, compiled by Icarus."""
    program = tmp_path / "bench.vvp"
    options = [f"-g{language}", "-s", "firebrick_tb", "-f", "firebrick.f"]
    status, output = run_tool("iverilog", *options, "-o", program, "tb/firebrick_tb.v", cwd=core)
    assert status == 0, output
    return program


@needs_icarus
@pytest.mark.parametrize(
    ("core", "language", "pauses"),
    [
        ("unsigned", "2005", ["+pauses"]),
        ("unsigned", "2012", []),
        ("signed", "2012", ["+pauses"]),
        ("axi", "2012", []),
        pytest.param("axi", "2005", ["+pauses"], marks=pytest.mark.slow),
        pytest.param("wishbone", "2005", [], marks=pytest.mark.slow),
        pytest.param("wishbone", "2012", ["+pauses"], marks=pytest.mark.slow),
    ],
    indirect=["core"],
)
def test_bench_passes_in_icarus(core: Path, tmp_path: Path, language: str, pauses: list[str]) -> None:
    status, output = run_tool("vvp", icarus(core, tmp_path, language), f"+vectors={core / 'tb'}", *pauses, cwd=tmp_path)
    assert status == 0, output
    assert "PASS: 2 pictures, 6 scores" in output


@needs_icarus
@unsigned_only
def test_bench_fails_for_a_wrong_score_and_without_its_pictures(core: Path, tmp_path: Path) -> None:
    program = icarus(core, tmp_path, "2005")
    for name in ("pictures.hex", "scores.hex"):
        shutil.copyfile(core / "tb" / name, tmp_path / name)
    scores = (tmp_path / "scores.hex").read_text().split()
    right, wrong = scores[4], f"{int(scores[4], 16) ^ 1:08x}"
    (tmp_path / "scores.hex").write_text("\n".join([*scores[:4], wrong, *scores[5:]]))
    status, output = run_tool("vvp", program, "+vectors=.", cwd=tmp_path)
    assert status == 1
    assert f"picture 1: score of class 1 is {right} instead of {wrong}" in output
    assert "FAIL: 6 of 6 scores came, 1 of them were wrong" in output
    status, output = run_tool("vvp", program, "+vectors=elsewhere", cwd=tmp_path)
    assert status == 1
    assert "FAIL: elsewhere/pictures.hex was not found" in output


@pytest.mark.parametrize("core", ["unsigned", "axi", pytest.param("wishbone", marks=pytest.mark.slow)], indirect=True)
def test_lint_of_verilator_has_no_warning_beyond_the_named_ones(core: Path, tmp_path: Path) -> None:
    files = [core / "lint" / "firebrick.vlt", "-F", core / "firebrick.f"]
    status, output = run_tool(
        "verilator", "--lint-only", "-Wall", "--top-module", module(core), *files, cwd=tmp_path, env=verilator.environment()
    )
    assert status == 0, output
    assert "%" not in output


@pytest.mark.slow
@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("core", list(CASES), indirect=True)
def test_cocotb_bench_passes(core: Path, tmp_path: Path, simulator: str) -> None:
    copied = shutil.copytree(core, tmp_path / "copy")  # make takes no spaces
    environment = verilator.environment()
    environment.pop("PYTEST_CURRENT_TEST", None)
    status, output = run_tool(sys.executable, copied / "tb" / "test_firebrick.py", simulator, cwd=tmp_path, env=environment)
    assert status == 0, output
    assert "PASS: 2 tests, 0 failures" in output


@pytest.mark.slow
@unsigned_only
@pytest.mark.parametrize("simulator", SIMULATORS)
def test_litex_soc_classifies_pictures(core: Path, tmp_path: Path, simulator: str) -> None:
    pytest.importorskip("litex", reason="needs the package litex")
    copied = shutil.copytree(core, tmp_path / "copy")  # make takes no spaces
    status, output = run_tool(sys.executable, copied / "litex" / "simulation.py", simulator, cwd=tmp_path, env=verilator.environment())
    assert status == 0, output
    assert "PASS: 1 tests, 0 failures" in output


@pytest.mark.slow
@pytest.mark.parametrize("core", ["unsigned", "axi"], indirect=True)
@pytest.mark.parametrize("target", [pytest.param("sim", marks=needs_icarus), "lint"])
def test_fusesoc_targets_run(core: Path, tmp_path: Path, target: str) -> None:
    if shutil.which("fusesoc") is None:
        pytest.skip("FuseSoC is not installed (pip install fusesoc)")
    copied = shutil.copytree(core, tmp_path / "copy")  # make takes no spaces
    (tmp_path / "work").mkdir()
    words = ("fusesoc", "--cores-root", copied, "run", f"--target={target}", "firebrick:cores:random")
    status, output = run_tool(*words, cwd=tmp_path / "work", env=verilator.environment())
    assert status == 0, output
    assert ("PASS: 2 pictures" in output) == (target == "sim")
    assert "%Warning" not in output


@pytest.mark.slow
@pytest.mark.parametrize("core", ["unsigned", "axi"], indirect=True)
@pytest.mark.parametrize("command", ["synth_ecp5", "synth_xilinx"])
def test_yosys_makes_a_netlist(core: Path, command: str) -> None:
    pytest.importorskip("pyosys", reason="needs the package pyosys")
    sources = " ".join((core / "firebrick.f").read_text().split("\n", 1)[1].split())
    script = f"read_verilog {sources}\n{command} -top {module(core)}\ncheck -assert\n"
    (core / "script.ys").write_text(script)
    status, output = run_tool(*tool_command("yosys"), "script.ys", cwd=core)
    assert status == 0, output[-2000:]
    assert "Found and reported 0 problems" in output
