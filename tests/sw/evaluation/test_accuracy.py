# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Labels from CSV files, broken ones above all; accuracy counted on a model whose answers are known."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from firebrick.sw import golden
from firebrick.sw.data.images import read_images
from firebrick.sw.data.labels import read_label_csv
from firebrick.sw.errors import FirebrickError
from firebrick.sw.evaluation.accuracy import evaluate
from firebrick.sw.fire_format.file import read_fire
from firebrick.sw.golden.top_k import probabilities, top_k


def test_labels_are_read_whatever_else_is_there(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text('\ufefflabel,file,class_index\n"a, b",x.jpg, 3\nc,ü.png,0\n', encoding="utf-8")
    assert read_label_csv(path, 4) == [("x.jpg", 3), ("ü.png", 0)]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "columns file and class_index"),
        ("name,class\na,1\n", "columns file and class_index"),
        ("file,class_index\n", "labels no image"),
        ("file,class_index\na.jpg\n", "line 2: class_index must be 0 to 3, not ''"),
        ("file,class_index\na.jpg,4\n", "line 2: class_index must be 0 to 3, not '4'"),
        ("file,class_index\na.jpg,1\nb.jpg,-1\n", "line 3: class_index"),
        ("file,class_index\na.jpg,1.0\n", "line 2: class_index"),
        ("file,class_index\na.jpg,²\n", "line 2: class_index"),
        ("file,class_index\na.jpg," + "9" * 5000 + "\n", "line 2: class_index"),
        ("file,class_index\n,1\n", "line 2: file must be the plain name"),
        ("file,class_index\n../a.jpg,1\n", "line 2: file must be the plain name"),
        ("file,class_index\n/a.jpg,1\n", "line 2: file must be the plain name"),
        ("file,class_index\na.jpg,1\na.jpg,1\n", "line 3: a.jpg has a row already"),
        ("file,class_index\n" + "a" * 200_000 + ",1\n", "is not a CSV file"),
        ("file,class_index\n\0,1\n", "plain name"),
    ],
)
def test_labels_reject_a_broken_table(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FirebrickError, match=sentence):
        read_label_csv(path, 4)


def test_labels_reject_what_is_no_text_and_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"file,class_index\n\xff\xfe,1\n")
    with pytest.raises(FirebrickError, match="is not a CSV file of UTF-8 text"):
        read_label_csv(tmp_path / "a.csv", 4)
    for path in (tmp_path / "b.csv", tmp_path):
        with pytest.raises(FirebrickError, match="cannot be read"):
            read_label_csv(path, 4)


def test_evaluate_counts_first_and_first_five(small_model: Path, tmp_path: Path) -> None:
    model = read_fire(small_model)
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{index}.png" for index in range(9)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (32, 40, 3), dtype=np.uint8)).save(path)
    scores = golden.run(model, read_images(paths, model.preprocessing, model.network.input))
    ranks = np.argsort(-scores, axis=1, kind="stable")
    places = [0, 0, 0, 0, 1, 4, 2, 5, 6]
    rows = [f"{path.name},{ranks[index, place]}" for index, (path, place) in enumerate(zip(paths, places, strict=True))]
    labels = tmp_path / "labels.csv"
    labels.write_text("file,class_index\n" + "\n".join(rows) + "\n")
    seen: list[tuple[str, int, int]] = []
    figures = evaluate(model, tmp_path, labels, lambda *report: seen.append(report))
    assert figures == {"images": 9, "top1": 4 / 9, "top5": 7 / 9}
    assert seen[-1][1:] == (9, 9)


def test_evaluate_takes_the_classes_from_subfolders(small_model: Path, pictures: list[Path], tmp_path: Path) -> None:
    model = read_fire(small_model)
    best = golden.run(model, read_images(pictures, model.preprocessing, model.network.input)).argmax(axis=1)
    labels = [model.labels[index] for index in best]
    labels[-1] = model.labels[(best[-1] + 1) % len(model.labels)]
    for path, label in zip(pictures, labels, strict=True):
        (tmp_path / label).mkdir(exist_ok=True)
        (tmp_path / label / path.name).write_bytes(path.read_bytes())
    assert evaluate(model, tmp_path)["top1"] == 2 / 3
    (tmp_path / "cow").mkdir()
    with pytest.raises(FirebrickError, match=r"cow must be named after a class; the classes are class 0, class 1, .*, \.\.\.$"):
        evaluate(model, tmp_path)


def test_evaluate_rejects_a_missing_folder_and_a_missing_picture(small_model: Path, tmp_path: Path) -> None:
    model = read_fire(small_model)
    labels = tmp_path / "labels.csv"
    labels.write_text("file,class_index\na.jpg,1\n")
    with pytest.raises(FirebrickError, match="is not a folder"):
        evaluate(model, tmp_path / "none", labels)
    with pytest.raises(FirebrickError, match=r"a\.jpg does not exist"):
        evaluate(model, tmp_path, labels)


def test_top_is_ordered_and_softmax_sums_to_one(small_model: Path) -> None:
    model = read_fire(small_model)
    scores = np.random.default_rng(1).integers(0, 10**6, (5, model.network.classes))
    scores[0, :] = 17
    chances = probabilities(model, scores)
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    np.testing.assert_allclose(chances[0], 1 / model.network.classes)
    assert [guess["index"] for guess in top_k(model, scores[0], 3)] == [0, 1, 2]
    guesses = top_k(model, scores[1])
    assert guesses[0]["index"] == scores[1].argmax()
    assert guesses[0]["label"] == model.labels[guesses[0]["index"]]
    assert [guess["probability"] for guess in guesses] == sorted((guess["probability"] for guess in guesses), reverse=True)


def test_top_rejects_scores_of_another_network(small_model: Path) -> None:
    model = read_fire(small_model)
    with pytest.raises(FirebrickError, match="scores must be"):
        top_k(model, np.zeros(3, np.int64), 1)
    with pytest.raises(FirebrickError, match="scores must be"):
        probabilities(model, np.zeros(model.network.classes))  # type: ignore[arg-type]
    for k in (0, model.network.classes + 1):
        with pytest.raises(FirebrickError, match="needs the scores of one frame"):
            top_k(model, np.zeros(model.network.classes, np.int64), k)
