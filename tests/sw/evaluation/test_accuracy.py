# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Accuracy: counted on images whose labels are placed at known ranks of the model's own scores."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from firebrick.sw import golden
from firebrick.sw.data.calibration_set import calibration_frames
from firebrick.sw.data.images import read_images
from firebrick.sw.errors import FirebrickError
from firebrick.sw.evaluation.accuracy import evaluate, spread
from firebrick.sw.fire_format.file import read_fire


def test_evaluate_counts_top_1_and_top_5(small_model: Path, tmp_path: Path) -> None:
    model = read_fire(small_model)
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{index}.png" for index in range(9)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (32, 40, 3), dtype=np.uint8)).save(path)
    scores = golden.run(model, read_images(paths, model.preprocessing, model.network.input))
    ranking = np.argsort(-scores, axis=1, kind="stable")
    label_ranks = [0, 0, 0, 0, 1, 4, 2, 5, 6]
    rows = [f"{path.name},{ranking[index, rank]}" for index, (path, rank) in enumerate(zip(paths, label_ranks, strict=True))]
    labels = tmp_path / "labels.csv"
    labels.write_text("file,class_index\n" + "\n".join(rows) + "\n")
    seen: list[tuple[str, int, int]] = []
    accuracy = evaluate(model, tmp_path, labels, lambda *report: seen.append(report))
    assert accuracy == {
        "images": 9,
        "top1": 4 / 9,
        "top5": 7 / 9,
        "top1_error": pytest.approx((4 / 9 * 5 / 9 / 9) ** 0.5),
        "top5_error": pytest.approx((7 / 9 * 2 / 9 / 9) ** 0.5),
        "calibrated": False,
    }
    assert seen[-1][1:] == (9, 9)


def test_evaluate_takes_the_classes_from_subfolders(small_model: Path, images: list[Path], tmp_path: Path) -> None:
    model = read_fire(small_model)
    best = golden.run(model, read_images(images, model.preprocessing, model.network.input)).argmax(axis=1)
    labels = [model.labels[index] for index in best]
    labels[-1] = model.labels[(best[-1] + 1) % len(model.labels)]
    for path, label in zip(images, labels, strict=True):
        (tmp_path / label).mkdir(exist_ok=True)
        (tmp_path / label / path.name).write_bytes(path.read_bytes())
    assert evaluate(model, tmp_path)["top1"] == 2 / 3
    (tmp_path / "cow").mkdir()
    with pytest.raises(FirebrickError, match=r"cow must be named after a class; the classes are class 0, class 1, .*, \.\.\.$"):
        evaluate(model, tmp_path)


def test_evaluate_knows_the_images_that_calibrated_the_model(small_model: Path, images: list[Path], tmp_path: Path) -> None:
    model = read_fire(small_model)
    _, metadata = calibration_frames(sorted(images), model.preprocessing, model.network.input)
    calibrated = replace(model, metadata=metadata)
    labels = tmp_path / "labels.csv"
    labels.write_text("file,class_index\n" + "".join(f"{path.name},1\n" for path in reversed(images)))
    assert evaluate(calibrated, images[0].parent, labels)["calibrated"]
    assert not evaluate(calibrated, images[0].parent, labels, limit=2)["calibrated"]


def test_evaluate_rejects_a_missing_folder_and_a_missing_image(small_model: Path, tmp_path: Path) -> None:
    model = read_fire(small_model)
    labels = tmp_path / "labels.csv"
    labels.write_text("file,class_index\na.jpg,1\n")
    with pytest.raises(FirebrickError, match="is not a folder"):
        evaluate(model, tmp_path / "none", labels)
    with pytest.raises(FirebrickError, match=r"a\.jpg does not exist"):
        evaluate(model, tmp_path, labels)


def test_evaluate_takes_what_is_there_of_a_longer_table(
    small_model: Path, images: list[Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("file,class_index\ngone.png,0\na.png,1\nc.png,1\nlost.jpg,2\n")
    assert evaluate(read_fire(small_model), images[0].parent, labels)["images"] == 2
    assert caplog.messages == [f"2 of 4 images in {labels} are missing in {images[0].parent} (gone.png first)"]


@pytest.mark.parametrize(("count", "limit"), [(10, 3), (10, 10), (3, 10), (1000, 7), (5, 1)])
def test_spread_takes_the_same_images_evenly(count: int, limit: int) -> None:
    rows = [(Path(f"{index}.png"), index) for index in range(count)]
    taken = [index for _, index in spread(rows, limit)]
    assert len(taken) == min(count, limit)
    assert taken == sorted(set(taken))
    steps = np.diff([*taken, count])
    assert max(steps) - min(steps) <= 1
    assert spread(rows, limit) == spread(rows, limit)


def test_evaluate_has_a_limit(small_model: Path, images: list[Path], tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("file,class_index\na.png,0\nb.jpg,1\nc.png,1\n")
    assert evaluate(read_fire(small_model), images[0].parent, labels, limit=2)["images"] == 2
