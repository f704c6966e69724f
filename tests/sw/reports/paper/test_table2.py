# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Table 2: the paper's rows as printed, and rows measured on held-out images."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from firebrick.sw.cli.main import main
from firebrick.sw.compression import read_network
from firebrick.sw.compression.compressor import compress
from firebrick.sw.compression.settings import CompressionSettings
from firebrick.sw.evaluation import comparison
from firebrick.sw.fire_format.file import read_fire, write_fire
from firebrick.sw.reports.paper.table2 import PAPER
from tests.helpers.float_models import float_model
from tests.helpers.float_models import paths as paths


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_network, "import_source", lambda *_: float_model())


def table2_command(*words: object) -> Any:
    return CliRunner().invoke(main, ["table2", "noise", *(str(word) for word in words)])


def test_paper_rows_are_consistent() -> None:
    assert len(PAPER) == 7
    for _, _, _, size, ratio, _, _ in PAPER[:3] + PAPER[4:]:
        assert ratio == pytest.approx(240 / size, rel=0.03)


@pytest.mark.usefixtures("source")
def test_command_measures_every_row(paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels, output, given = tmp_path / "labels.csv", tmp_path / "table2.html", tmp_path / "existing.fire"
    labels.write_text("file,class_index\n" + "".join(f"{path.name},{index % 10}\n" for index, path in enumerate(paths)))
    write_fire(compress(float_model(), CompressionSettings(4), calibration=paths[::2]), given)
    words = ["--calibrate", paths[0].parent, "--split", "--labels", labels, "-o", output, "--json", "--density", "0.5", "--density", "1"]
    words += ["--ours", "8:9000", "--ours", "6:4000", "--model", given]
    result = table2_command(*words)
    assert (result.exit_code, result.exception) == (0, None), result.output
    rows = json.loads(result.stdout)["rows"]
    assert [row["whose"] for row in rows] == ["the paper's"] * 7 + ["measured"] * 7
    assert [row["compression"] for row in rows[7:]] == [
        *("none", "8-bit linear", "magnitude pruning to 0.5, k-means", "magnitude pruning to 1, k-means"),
        *("ours, at most 9,000 bytes", "ours, at most 4,000 bytes", "ours, existing.fire"),
    ]
    assert [row["bits"] for row in rows[7:]] == ["32", "8", "6", "6", "8", "6", "4"]
    dense = rows[7]
    assert (dense["agrees with float %"], dense["bytes"]) == (100, 4 * sum(layer.parameters for layer in float_model().network.layers()))
    assert rows[12]["bytes"] <= 4000
    assert rows[13]["bytes"] == given.stat().st_size
    for row in rows[7:]:
        assert row["times smaller"] == round(240 * 2**20 / row["bytes"])
        assert row["top-1 %"] is not None
        assert row["standard error of top-1"] >= 0
    folder = tmp_path / "table2.html.models"
    assert sorted(path.suffix for path in folder.iterdir()) == [".fire"] * 6 + [".json"]
    assert all(read_fire(file).metadata["calibration"] == "8 pictures" for file in folder.glob("*.fire"))
    command = read_fire(folder / "linear.fire").metadata["command"]
    assert command.endswith("--density 0.5 --density 1 --ours 8:9000 --ours 6:4000 --model existing.fire noise")
    html = output.read_text()
    assert "existing.fire" in html
    monkeypatch.setattr(comparison, "Compressor", lambda *_: pytest.fail("measured again"))
    again = table2_command(*words)
    assert again.stdout == result.stdout
    assert output.read_text() == html


@pytest.mark.usefixtures("source")
def test_command_evaluates_on_another_folder_without_labels(paths: list[Path], tmp_path: Path) -> None:
    calibration, held_out = tmp_path / "a", tmp_path / "b"
    for folder, images in ((calibration, paths[:6]), (held_out, paths[6:])):
        folder.mkdir()
        for path in images:
            shutil.copy(path, folder)
    words = ["--calibrate", calibration, "--judge", held_out, "-o", tmp_path / "t.html", "--density", "0.5", "--ours", "6:9000"]
    result = table2_command(*words, "--json")
    assert result.exit_code == 0, result.output
    row = json.loads(result.stdout)["rows"][-1]
    assert (row["top-1 %"], row["standard error of top-1"]) == (None, None)
    assert 0 <= row["agrees with float %"] <= 100
    assert "10 held-out images" in (tmp_path / "t.html").read_text()
    assert "wrote" in table2_command(*words).stdout
    shutil.copy(paths[0], held_out / "copy.png")
    refused = table2_command(*words[:4], "-o", tmp_path / "u.html", "--density", "0.5")
    assert refused.exit_code == 1
    assert "the same image, is for calibration" in refused.stderr


@pytest.mark.usefixtures("source")
@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        ([], 2, "give --judge DIR, or --split"),
        (["--split", "--judge", "."], 2, "give --judge DIR, or --split"),
        (["--split", "--density", "0"], 2, "must be a fraction above 0"),
        (["--split", "--density", "x"], 2, "must be a fraction above 0"),
        (["--split", "--ours", "9:10"], 2, "must be bits, 4 to 8, and bytes"),
        (["--split", "--ours", "6:0"], 2, "must be bits, 4 to 8, and bytes"),
        (["--split", "--ours", "6"], 2, "must be bits, 4 to 8, and bytes"),
        (["--split"], 1, "other layers than Table 1; give its density as a number"),
        (["--split", "--density", "1", "--model", "gone.fire"], 1, "cannot read gone.fire"),
        (["--split", "--density", "1", "--ours", "6:300"], 1, "no model of small with 300 bytes was found"),
    ],
)
def test_command_rejects_invalid_options(words: list[str], status: int, sentence: str, paths: list[Path], tmp_path: Path) -> None:
    result = table2_command("--calibrate", paths[0].parent, "-o", tmp_path / "t.html", *words)
    assert (result.exit_code, result.stdout) == (status, "")
    assert sentence in result.stderr.splitlines()[-1]
    assert not (tmp_path / "t.html").exists()
