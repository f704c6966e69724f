# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Boards: the inventory, clocks, links and programming, and the messages when a board, a tool or space is missing."""

import json
import re
import runpy
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

from firebrick.hw.boards.programmer import OPENFPGALOADER_BOARDS
from firebrick.hw.boards.registry import FLOWS, Board, board, boards
from firebrick.sw.cli.main import main
from firebrick.sw.errors import FirebrickError
from firebrick.sw.fpga.devices import DEVICES, FABRICS
from firebrick.sw.model.quantized import Model
from firebrick.sw.plan.nodes import Plan
from firebrick.sw.utils.distribution import install_extra
from tests.helpers.paths import ROOT

pytestmark = pytest.mark.skipif(find_spec("amaranth_boards") is None, reason="needs the extra `bitstream`")


def test_boards_are_named_after_their_module_and_device() -> None:
    names = {"ulx3s_12f", "ulx3s_85f", "ecpix5_85f", "orangecrab_r0_2_85f", "tang_primer_20k", "tang_primer_20k_dock", "icebreaker"}
    assert names <= set(boards())
    assert all(re.fullmatch("[a-z0-9_]+", name) for name in boards())


def test_every_board_is_known_except_those_without_tools() -> None:
    unknown = {name for name, entry in boards().items() if entry.lacks == "tools"}
    assert unknown == {"quickfeather", "tang_mega_138k_pro_dock"}
    assert {device.family for device in DEVICES.values()} == set(FABRICS) == set(FLOWS)


def test_boards_command_lists_tools_and_resources() -> None:
    every = {entry["name"]: entry for entry in json.loads(CliRunner().invoke(main, ["boards", "--json"]).stdout)}
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
        "links": ["uart", "usb"],
        "tools": "nextpnr-ecp5",
        "open": True,
        "extra": "bitstream",
        "missing": [],
        "lacks": None,
    }
    assert (every["icebreaker"]["block_ram_bits"], every["icebreaker"]["open"]) == (4096, True)
    assert [every[name]["extra"] for name in ("icebreaker", "tang_nano_9k", "arty_a7_35")] == ["ice40", "gowin", None]
    assert (every["arty_a7_35"]["lut_inputs"], every["arty_a7_35"]["open"]) == (6, False)
    assert (every["orangecrab_r0_2"]["lacks"], every["orangecrab_r0_2"]["links"]) == (None, ["usb"])
    assert every["fomu_pvt"]["lacks"] == "a serial line to the host"
    assert every["quickfeather"]["luts"] is None
    only = json.loads(CliRunner().invoke(main, ["boards", "--open", "--json"]).stdout)
    assert [entry["name"] for entry in only] == [name for name, entry in every.items() if entry["open"]]


def test_boards_command_finds_a_vendors_tool_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path / "vivado", "")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    missing = {entry["name"]: entry["missing"] for entry in json.loads(CliRunner().invoke(main, ["boards", "--json"]).stdout)}
    assert missing["arty_a7_35"] == []
    assert "quartus_map" in missing["de10_nano"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ulx4s", r"board must be one that `firebrick boards` lists \(.*ulx3s_85f.*, with open tools\), not ulx4s"),
        ("fomu_pvt", "board fomu_pvt lacks a serial line to the host; choose another board"),
        ("upduino_v3", "board upduino_v3 lacks a clock at a pin of its FPGA; choose another board"),
        ("quickfeather", "board quickfeather has an FPGA, ql-eos-s3_wlcsp, that no tools here are known for; choose another board"),
    ],
)
def test_board_rejects_unsuitable_boards(name: str, message: str) -> None:
    with pytest.raises(FirebrickError, match=message):
        board(name)


def test_bitstream_rejects_a_link_that_the_board_lacks() -> None:
    result = CliRunner().invoke(main, ["bitstream", "--board", "icebreaker", "--model", "digits", "--link", "usb"])
    assert result.output.endswith("Error: board icebreaker has no link usb that is known here; it has uart\n")


@pytest.mark.parametrize(
    ("name", "model", "message"),
    [
        ("icestick", "digits", r"digits does not fit: even a slow plan needs [\d,]+ LUTs .*of [\d,]+"),
        ("tang_primer_20k", "squeezenet1_1", r"squeezenet1_1 does not fit: even a slow plan needs .*[\d,]+ block RAMs of 44"),
    ],
)
def test_bitstream_reports_the_resources_that_a_small_board_lacks(
    name: str, model: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Board, "check_tools", lambda _self: None)  # those of iCE40 and Gowin may not be installed
    result = CliRunner().invoke(main, ["bitstream", "--board", name, "--model", model])
    assert result.exit_code == 1
    assert re.search(message, result.output)


@pytest.mark.slow
def test_bitstream_takes_the_largest_model_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Board, "check_tools", lambda _self: None)

    def build(_plan: Plan, model: Model, *_: object) -> None:
        raise FirebrickError(f"{model.network.classes} classes")

    monkeypatch.setattr("firebrick.hw.build.bitstream.build", build)
    for name, taken, lacks, classes in (
        ("ulx3s_12f", "digits", "squeezenet1_1_small needs ", 10),
        ("ulx3s_85f", "squeezenet1_1_small", " block RAMs of 206", 1000),
        ("ax7325b", "squeezenet1_1", "the largest that ships", 1000),
    ):
        result = CliRunner().invoke(main, ["bitstream", "--board", name])
        first, last = result.stderr.splitlines()
        assert first.startswith(f"taking the model {taken}: ")
        assert lacks in first
        assert last == f"Error: {classes} classes"


def test_board_makes_the_closest_clock_from_below() -> None:
    assert board("ulx3s_85f").clock_for(58e6) == pytest.approx(25e6 * 16 / 7)
    assert board("icebreaker").clock_for(12.5e6) == 12e6, "the board's own"
    assert board("arty_a7_35").clock_for(58e6) == 58e6
    with pytest.raises(FirebrickError, match="a clock of 25 MHz cannot be turned into one of 1 MHz"):
        board("ulx3s_85f").clock_for(1e6)


@pytest.mark.parametrize("name", ["ulx3s_85f", "ecpix5_85f", "icebreaker", "tang_nano_9k", "tang_primer_20k_dock", "arty_a7_35"])
def test_board_makes_its_own_clocks_exactly(name: str) -> None:
    for megahertz in (20, 33.3, 40, 58, 61.7):
        hertz = board(name).clock_for(megahertz * 1e6)
        assert 0.95 * megahertz <= hertz / 1e6 <= megahertz * 1.000001
        assert board(name).clock_for(hertz) == hertz


def script(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


@pytest.fixture
def bitstream(tmp_path: Path) -> list[str]:
    (tmp_path / "firebrick.bit").write_bytes(b"bits")
    return ["program", "--board", "ulx3s_12f", "-o", str(tmp_path)]


def test_program_passes_the_bitstream_to_openfpgaloader(bitstream: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path / "openFPGALoader", f'echo "$@" >>{tmp_path}/arguments; echo noise')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    result = CliRunner().invoke(main, [*bitstream, "--json"])
    assert json.loads(result.stdout) == {"board": "ulx3s_12f", "bitstream": str(tmp_path / "firebrick.bit"), "flash": False}
    CliRunner().invoke(main, [*bitstream, "--flash"])
    file = tmp_path / "firebrick.bit"
    assert (tmp_path / "arguments").read_text() == f"--board ulx3s {file}\n--board ulx3s --write-flash {file}\n"


def test_program_passes_no_name_that_looks_like_an_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    script(tmp_path / "openFPGALoader", f'echo "$@" >>{tmp_path}/arguments')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    Path("-x").mkdir()
    Path("-x/firebrick.bit").write_bytes(b"bits")
    result = CliRunner().invoke(main, ["program", "--board", "ulx3s_12f", "-o", "-x"])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "arguments").read_text() == f"--board ulx3s {tmp_path}/-x/firebrick.bit\n"


def test_program_knows_openfpgaloaders_names_of_boards() -> None:
    assert [
        name for name in OPENFPGALOADER_BOARDS if not any(board.startswith(name) and not boards()[board].lacks for board in boards())
    ] == []


def test_program_reports_a_missing_bitstream(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["program", "--board", "ulx3s_12f", "-o", str(tmp_path)])
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert result.output.endswith("firebrick.bit is missing; make it with: make bitstream BOARD=ulx3s_12f\n")


def test_program_reports_a_missing_tool(bitstream: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("firebrick.hw.boards.programmer.find_spec", lambda _: None)
    result = CliRunner().invoke(main, bitstream)
    assert result.output == f"Error: openFPGALoader was not found; {install_extra('program')}\n"


def test_program_fails_when_the_tool_fails(bitstream: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path / "openFPGALoader", "exit 3")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    result = CliRunner().invoke(main, bitstream)
    assert result.exit_code == 1
    assert result.output == "Error: openFPGALoader failed with --board ulx3s, for the reason above; is the board connected?\n"


@pytest.mark.parametrize("output", ["Load SRAM: [====] 100.00%\nFail", "Erase SRAM FAIL", "JTAG init failed with: no cable"])
def test_program_notices_a_failure_with_status_0(
    bitstream: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str
) -> None:
    script(tmp_path / "openFPGALoader", f"printf %s '{output}'")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    result = CliRunner().invoke(main, bitstream)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(output)
    assert "openFPGALoader failed with --board ulx3s" in result.stderr


def test_program_takes_no_path_for_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "after fail"
    folder.mkdir()
    (folder / "firebrick.bit").write_bytes(b"bits")
    script(tmp_path / "openFPGALoader", 'echo "Open file $3 DONE"')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert CliRunner().invoke(main, ["program", "--board", "ulx3s_12f", "-o", str(folder)]).exit_code == 0


def test_program_names_another_board_or_cable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "firebrick.bit"
    file.write_bytes(b"bits")
    script(tmp_path / "openFPGALoader", f'echo "$@" >>{tmp_path}/arguments; exit $STATUS')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("STATUS", "1")
    program = ["program", "-o", str(tmp_path), "--board"]
    hint = "a board of revision 02 needs --loader-board ecpix5"
    assert hint in CliRunner().invoke(main, [*program, "ecpix5_85f"]).stderr
    assert hint not in CliRunner().invoke(main, [*program, "ecpix5_85f", "--loader-board", "ecpix5"]).stderr
    monkeypatch.setenv("STATUS", "0")
    assert CliRunner().invoke(main, [*program, "ulx3s_12f", "--cable", "ft232RL"]).exit_code == 0
    unknown = next(
        name for name, one in boards().items() if not one.lacks and not any(name.startswith(key) for key in OPENFPGALOADER_BOARDS)
    )
    assert "name one with --loader-board or --cable" in CliRunner().invoke(main, [*program, unknown]).stderr
    expected = ["ecpix5_r03", "ecpix5", "ulx3s --cable ft232RL"]
    assert (tmp_path / "arguments").read_text().splitlines() == [f"--board {words} {file}" for words in expected]


def test_page_of_boards_has_the_table_of_its_script() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "board_table.py"))
    assert (ROOT / "docs" / "boards.md").read_text().split(script["START"])[1].split(script["END"])[0] == script["table"]()
