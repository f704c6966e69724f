# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Labelled data sets in folders: classes, held-out images, and data sets that cannot be trained on."""

from pathlib import Path

import pytest
from PIL import Image

from firebrick.sw.data.dataset import read_dataset
from firebrick.sw.errors import FirebrickError


def fill(folder: Path, **counts: int) -> None:
    for name, count in counts.items():
        (folder / name).mkdir(parents=True)
        for index in range(count):
            Image.new("RGB", (4, 4)).save(folder / name / f"{index:03}.png")


def test_every_tenth_image_of_each_class_is_held_out(tmp_path: Path) -> None:
    fill(tmp_path, cat=25, ant=9, dog=10)
    (tmp_path / ".cache").mkdir()
    dataset = read_dataset(tmp_path)
    assert dataset.class_names == ("ant", "cat", "dog")
    held_out = [(path.parent.name, path.stem, index) for path, index in dataset.val]
    assert held_out == [("cat", "009", 1), ("cat", "019", 1), ("dog", "009", 2)]
    assert len(dataset.train) == 41
    assert not {path for path, _ in dataset.train} & {path for path, _ in dataset.val}


def test_train_and_val_folders_are_the_parts(tmp_path: Path) -> None:
    fill(tmp_path / "train", cat=12, dog=2)
    fill(tmp_path / "train" / "cat", indoors=3)
    fill(tmp_path / "val", dog=1)
    dataset = read_dataset(tmp_path)
    assert [index for _, index in dataset.train] == [0] * 15 + [1] * 2
    assert [(path.name, index) for path, index in dataset.val] == [("000.png", 1)]
    fill(tmp_path / "val", cow=1)
    with pytest.raises(FirebrickError, match=r"val/cow is a class that .*train has not"):
        read_dataset(tmp_path)


def test_label_csv_names_images_and_classes(tmp_path: Path) -> None:
    fill(tmp_path, all=3)
    (tmp_path / "labels.csv").write_text("file,class_index\n000.png,2\n002.png,0\n")
    dataset = read_dataset(tmp_path / "all", tmp_path / "labels.csv")
    assert dataset.class_names == ("class 0", "class 1", "class 2")
    assert [(path.name, index) for path, index in dataset.train] == [("000.png", 2), ("002.png", 0)]


def test_dataset_rejects_missing_folders_classes_and_images(tmp_path: Path) -> None:
    with pytest.raises(FirebrickError, match="none is not a folder"):
        read_dataset(tmp_path / "none")
    with pytest.raises(FirebrickError, match="has no subfolders; give each class a subfolder"):
        read_dataset(tmp_path)
    fill(tmp_path, cat=2)
    with pytest.raises(FirebrickError, match="has images of one class only, cat"):
        read_dataset(tmp_path)
    fill(tmp_path, empty=0)
    with pytest.raises(FirebrickError, match="empty holds no images"):
        read_dataset(tmp_path)
