# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Rate sweeps: measured once, evaluated on held-out images, resumed after an interruption, with complete files."""

import copy
import csv
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from firebrick.sw.cli.main import main
from firebrick.sw.compression import read_network
from firebrick.sw.compression.budget import multiplications
from firebrick.sw.compression.compressor import Compressor
from firebrick.sw.compression.settings import CompressionSettings
from firebrick.sw.errors import FirebrickError
from firebrick.sw.evaluation import rate_sweep
from firebrick.sw.evaluation.fidelity import FidelityEvaluator
from firebrick.sw.evaluation.rate_sweep import RateSweep
from firebrick.sw.fire_format.file import read_fire
from firebrick.sw.reports import matplotlib_plots
from firebrick.sw.utils.distribution import install_extra
from firebrick.sw.utils.sealed_json import json_digest
from tests.helpers.float_models import float_model
from tests.helpers.float_models import paths as paths

pytest.importorskip("matplotlib", reason="needs matplotlib, which draws the curve")


@pytest.fixture(scope="module")
def sweep(paths: list[Path]) -> RateSweep:
    return RateSweep(float_model(), paths[::2], paths[1::2], [index % 10 for index in range(8)])


@pytest.fixture(scope="module")
def finished(sweep: RateSweep, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweep")
    sweep.run(folder, (4, 6), (1.0, 30.0))
    return folder


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """A copy of a finished sweep."""
    shutil.copytree(finished, tmp_path / "sweep")
    return tmp_path / "sweep"


def record_compressions(monkeypatch: pytest.MonkeyPatch) -> list[CompressionSettings]:
    compressed: list[CompressionSettings] = []
    original = Compressor.compress

    def compress(self: Compressor, settings: CompressionSettings) -> Any:
        compressed.append(settings)
        return original(self, settings)

    monkeypatch.setattr(Compressor, "compress", compress)
    return compressed


def test_sweep_writes_models_json_csv_and_svg(finished: Path, sweep: RateSweep) -> None:
    evaluator = FidelityEvaluator(sweep.source, sweep.held_out, sweep.labels)
    names = [f"{bits}bit-price{price}" for bits in (4, 6) for price in (1, 30)]
    assert sorted(path.name for path in finished.iterdir()) == sorted(
        [*(f"{name}.fire" for name in names), "sweep.csv", "sweep.json", "sweep.svg"]
    )
    results = json.loads((finished / "sweep.json").read_text())["results"]
    assert list(results) == ["float", *names]
    for name in names:
        entry, model = results[name], read_fire(finished / f"{name}.fire")
        assert entry["bytes"] == (finished / entry["file"]).stat().st_size
        assert entry["multiplications"] == multiplications(model)
        assert (entry["pictures"], entry["labelled"]) == (8, 8)
        expected = evaluator.evaluate(model).as_dict()
        assert {key: entry[key] for key in expected} == expected
        assert model.metadata["calibration"] == "8 pictures"
        assert f"price{model.metadata['price']}" in name
    assert results["4bit-price30"]["bytes"] < results["4bit-price1"]["bytes"] < results["6bit-price1"]["bytes"]
    rows = list(csv.DictReader((finished / "sweep.csv").read_text().splitlines()))
    assert [row["name"] for row in rows] == ["float", *names]
    assert [row["bytes"] for row in rows] == ["", *(str(results[name]["bytes"]) for name in names)]
    plot = (finished / "sweep.svg").read_text()
    assert all(text in plot for text in ("4 bits", "6 bits", "float32", "top-1"))


def test_finished_sweep_is_not_computed_again(sweep: RateSweep, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_sweep, "Compressor", lambda *_: pytest.fail("measured again"))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    sweep.run(folder, (4, 6), (1.0, 30.0))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_sweep_shows_given_models_beside_its_points(sweep: RateSweep, folder: Path) -> None:
    shown = {"mine": read_fire(folder / "4bit-price30.fire"), "its": read_fire(folder / "6bit-price1.fire")}
    results = replace(sweep, models=shown).run(folder, (4, 6), (1.0, 30.0))
    mine, its = list(results.values())[-2:]
    assert (mine["model"], its["model"], mine["bits"], its["bits"]) == ("mine", "its", 4, 6)
    same = set(mine) - {"file", "model"}
    assert {key: mine[key] for key in same} == {key: results["4bit-price30"][key] for key in same}
    plot = (folder / "sweep.svg").read_text()
    assert all(f">{text}</text>" in plot for text in ("mine", "its", "6 bits"))
    rows = {row["name"]: row for row in csv.DictReader((folder / "sweep.csv").read_text().splitlines())}
    assert sorted(row["model"] for row in rows.values()) == ["", "", "", "", "", "its", "mine"]
    later = replace(sweep, models={"mine": shown["its"]}).run(folder, (4, 6), (1.0, 30.0))
    assert [entry["sha256"] for entry in later.values() if "model" in entry] == [its["sha256"]]


def test_results_without_multiplications_are_measured_again(sweep: RateSweep, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = json.loads((folder / "sweep.json").read_text())
    older = copy.deepcopy(whole)
    del older["results"]["6bit-price1"]["multiplications"]
    older["sha256"]["6bit-price1"] = json_digest(older["results"]["6bit-price1"])
    (folder / "sweep.json").write_text(json.dumps(older))
    compressed = record_compressions(monkeypatch)
    sweep.run(folder, (4, 6), (1.0, 30.0))
    assert compressed == [CompressionSettings(6)]
    assert json.loads((folder / "sweep.json").read_text()) == whole


@pytest.mark.parametrize("problem", ["missing", "damaged"])
def test_sweep_restores_missing_and_damaged_models(sweep: RateSweep, folder: Path, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file = folder / "6bit-price1.fire"
    whole = file.read_bytes()
    file.unlink() if problem == "missing" else file.write_bytes(whole[:-9])
    compressed = record_compressions(monkeypatch)
    sweep.run(folder, (4, 6), (1.0, 30.0))
    assert compressed == [CompressionSettings(6)]
    assert file.read_bytes() == whole


@pytest.mark.parametrize("change", [lambda entry: entry.update(top1=2.0), lambda entry: entry.pop("bytes"), lambda entry: entry.clear()])
def test_sweep_measures_again_what_was_changed_in_the_results(
    sweep: RateSweep, folder: Path, change: Callable[[dict[str, object]], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder / "sweep.json"
    whole = json.loads(file.read_text())
    damaged = copy.deepcopy(whole)
    change(damaged["results"]["6bit-price1"])
    file.write_text(json.dumps(damaged))
    compressed = record_compressions(monkeypatch)
    sweep.run(folder, (4, 6), (1.0, 30.0))
    assert compressed == [CompressionSettings(6)]
    assert json.loads(file.read_text()) == whole


def test_interrupted_sweep_resumes_with_the_same_files(
    sweep: RateSweep, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(step: str, done: int = 0, _total: int = 0, /) -> None:
        if (step, done) == ("sweeping", 2):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep.run(tmp_path, (4, 6), (1.0, 30.0), interrupt)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["4bit-price1.fire", "4bit-price30.fire", "sweep.json"]
    compressed = record_compressions(monkeypatch)
    sweep.run(tmp_path, (4, 6), (1.0, 30.0))
    assert [settings.bits for settings in compressed] == [6, 6]
    for path in finished.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


def test_sweep_adds_points_to_a_finished_one(sweep: RateSweep, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compressed = record_compressions(monkeypatch)
    results = sweep.run(folder, (5,), (1.0,))
    assert len(compressed) == 1
    assert len(results) == 6
    assert [row["name"] for row in csv.DictReader((folder / "sweep.csv").read_text().splitlines())][3:5] == ["5bit-price1", "6bit-price1"]


def test_sweep_rejects_a_folder_of_another_sweep(sweep: RateSweep, folder: Path) -> None:
    other = RateSweep(sweep.source, sweep.calibration[:-1], sweep.held_out)
    with pytest.raises(FirebrickError, match=r"sweep\.json holds results of another network, other images"):
        other.run(folder, (4,), (1.0,))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"task": 1}',
        '{"task": 1, "results": [1]}',
        '{"task": 1, "results": {"a": 2}}',
        '{"task": 1, "results": {}, "sha256": [1]}',
        "\0",
    ],
)
def test_sweep_rejects_damaged_results(sweep: RateSweep, tmp_path: Path, text: str) -> None:
    (tmp_path / "sweep.json").write_text(text)
    with pytest.raises(FirebrickError, match=r"sweep\.json is damaged; delete it"):
        sweep.run(tmp_path, (4,), (1.0,))


def test_sweep_rejects_invalid_input_before_measuring(
    sweep: RateSweep, paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_sweep, "Compressor", lambda *_: pytest.fail("measured"))
    with pytest.raises(FirebrickError, match="the same image, is for calibration"):
        RateSweep(sweep.source, paths, paths[:1]).run(tmp_path)
    with pytest.raises(FirebrickError, match="price must be 0 to"):
        sweep.run(tmp_path, (4,), (-1.0,))
    monkeypatch.setattr(matplotlib_plots, "find_spec", lambda _: None)
    with pytest.raises(FirebrickError, match=re.escape(install_extra("plots"))):
        sweep.run(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_plot_without_labels_shows_agreement(sweep: RateSweep, tmp_path: Path) -> None:
    RateSweep(sweep.source, sweep.calibration, sweep.held_out).run(tmp_path, (4,), (1.0,))
    plot = (tmp_path / "sweep.svg").read_text()
    assert "same class as the float network" in plot
    assert "top-1" not in plot
    assert np.isnan([float(row["top1"] or "nan") for row in csv.DictReader((tmp_path / "sweep.csv").read_text().splitlines())]).all()


def test_compress_command_sweeps(paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_network, "import_source", lambda *_: float_model())
    labels, output = tmp_path / "labels.csv", tmp_path / "out"
    labels.write_text("file,class_index\n" + "".join(f"{path.name},3\n" for path in paths))
    words = ["compress", "noise", "--calibrate", str(paths[0].parent), "--labels", str(labels), "-o", str(output), "--sweep"]
    result = CliRunner().invoke(main, [*words, "--bits", "5", "--prices", "2,1", "--json"], catch_exceptions=False)
    assert list(json.loads(result.stdout)) == ["float", "5bit-price1", "5bit-price2"]
    assert "--bits 5" in read_fire(output / "5bit-price2.fire").metadata["command"]
    shown = ["--model", str(output / "5bit-price1.fire")]
    result = CliRunner().invoke(main, [*words, "--bits", "5", "--prices", "1,2", *shown], catch_exceptions=False)
    assert "5bit-price2: " in result.stdout
    assert "5bit-price1-" in result.stdout
    assert "top-1" in result.stdout


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--sweep", "--bytes", "9"], "--sweep varies prices"),
        (["--sweep", "--distil", "9"], "--sweep varies prices"),
        (["--prices", "1"], "--prices are for --sweep"),
        (["--model", "digits"], "--model is for --sweep"),
        (["--sweep", "--model", "digits", "--model", "digits"], "two models are called digits"),
        (["--sweep", "--batch", "3"], "give --pictures DIR, too"),
        (["--sweep", "--prices", "1,x"], "must be numbers"),
    ],
)
def test_compress_command_rejects_invalid_sweep_options(options: list[str], sentence: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["compress", "ndf", "-o", str(tmp_path / "out"), *options])
    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in result.stderr


def test_sweep_is_evaluated_on_a_folder_of_its_own(paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_network, "import_source", lambda *_: float_model())
    for folder, images in (("calibration", paths[:3]), ("others", paths[3:8])):
        (tmp_path / folder).mkdir()
        for path in images:
            shutil.copy(path, tmp_path / folder)
    labels = tmp_path / "labels.csv"
    labels.write_text("file,class_index\n" + "".join(f"{path.name},3\n" for path in paths[3:7]))
    words = ["compress", "noise", "--sweep", "--bits", "5", "--prices", "2", "--calibrate", str(tmp_path / "calibration"), "--json"]
    held_out = ["--held-out", str(tmp_path / "others"), "--held-out-labels", str(labels)]
    result = CliRunner().invoke(main, [*words, *held_out, "-o", str(tmp_path / "out")], catch_exceptions=False)
    entry = json.loads(result.stdout)["5bit-price2"]
    assert (entry["pictures"], entry["labelled"]) == (5, 4)
    assert read_fire(tmp_path / "out" / entry["file"]).metadata["calibration"] == "3 pictures"
